"""A night under load, as an operator starts it: a command of its own, watched from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import UnfinishedError

__all__ = ["Watched", "watch_night"]

#: Seconds between two looks at the memory.
_LOOK = 0.25


@dataclass(frozen=True)
class Watched:
    """One night: exit code, wall seconds, CPU seconds and peak memory in bytes of all its processes, its own report."""

    code: int
    seconds: float
    cpu: float
    memory: int
    report: Mapping[str, Any]


def watch_night(
    source: Path, store: str, *, home: Path, state: Path, model: str | None = None, cluster: str | None = None
) -> Watched:
    """Run ``zuofeng nightly`` over ``source`` into ``store``, with its state below ``state``.

    With a ``cluster``, its address, the workers' seconds and memory are not counted. Raises UnfinishedError with
    what was said last in a night that did not get to its end.
    """
    command = [sys.executable, "-m", "pipeline.cli", "nightly", "--source", str(source), "--home", str(home)]
    command += ["--model", model] if model else []
    command += ["--cluster", cluster] if cluster else []
    environment = {**os.environ, "ZUOFENG_STATE": str(state), "ZUOFENG_STORE": store, "PYTHONUTF8": "1"}
    before = os.times()
    began = time.monotonic()
    state.mkdir(parents=True, exist_ok=True)
    said = state / "night.log"
    with said.open("wb") as log:
        night = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)  # noqa: S603  ours
        memory = 0
        while night.poll() is None:
            memory = max(memory, _memory(night.pid))
            time.sleep(_LOOK)
    seconds, after = time.monotonic() - began, os.times()
    if night.returncode not in (0, 1):
        last = said.read_text(encoding="utf-8", errors="replace").split("\n")[-6:]
        hint = "单独运行 zuofeng nightly 看它说什么。"
        raise UnfinishedError("ZF-BENCH-NIGHT", f"夜间任务以 {night.returncode} 退出", hint, [x for x in last if x])
    newest = max((state / "reports").glob("*.json"), key=lambda p: p.stat().st_mtime_ns)
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Watched(night.returncode, seconds, cpu, memory, json.loads(newest.read_text(encoding="utf-8")))


def _memory(pid: int) -> int:
    """Return the memory of a process and of those it started; 0 outside Linux.

    What they map of files is counted once, where it is most. To have the kernel weigh each page among those who share
    it (``smaps_rollup``) gives one per cent less, and stops them for a twentieth of a second.
    """
    found, own, mapped = [pid], 0, 0
    for one in found:
        folder = Path("/proc") / str(one)
        try:
            _, resident, shared, *_ = map(int, (folder / "statm").read_text(encoding="ascii").split())
            for task in (folder / "task").iterdir():
                found += map(int, (task / "children").read_text(encoding="ascii").split())
        except OSError:
            continue  # gone meanwhile
        own, mapped = own + resident - shared, max(mapped, shared)
    return (own + mapped) * os.sysconf("SC_PAGE_SIZE")
