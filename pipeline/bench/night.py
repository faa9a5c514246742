"""A night under load, as an operator starts it: a command of its own, watched from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import UnfinishedError

__all__ = ["Watched", "watch_night"]

#: Seconds between two looks at the memory.
_LOOK = 0.25


@dataclass(frozen=True)
class Watched:
    """One night: wall seconds, CPU seconds and peak memory in bytes of all its processes, and its own report."""

    seconds: float
    cpu: float
    memory: int
    report: Mapping[str, Any]


def watch_night(
    source: Path, store: str, *, home: Path, state: Path, model: str | None = None, cluster: str | None = None
) -> Watched:
    """Run ``zuofeng nightly`` over ``source`` into ``store``, with its state below ``state``.

    With a ``cluster``, its address, the workers' seconds and memory are not counted.
    """
    command = [sys.executable, "-m", "pipeline.cli", "nightly", "--source", str(source), "--home", str(home)]
    command += ["--model", model] if model else []
    command += ["--cluster", cluster] if cluster else []
    environment = {**os.environ, "ZUOFENG_STATE": str(state), "ZUOFENG_STORE": store, "PYTHONUTF8": "1"}
    before = os.times()
    began = time.monotonic()
    state.mkdir(parents=True, exist_ok=True)
    with (state / "night.log").open("wb") as log:
        night = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)  # noqa: S603  ours
        memory = most = 0
        while night.poll() is None:
            rough, processes = _size(night.pid)
            if rough > most:
                # Only then: to weigh every page, the kernel stops the process for tens of milliseconds.
                most, memory = rough, max(memory, _weight(processes))
            time.sleep(_LOOK)
    seconds, after = time.monotonic() - began, os.times()
    if night.returncode not in (0, 1):
        raise UnfinishedError("ZF-BENCH-NIGHT", f"夜间任务以 {night.returncode} 退出", f"看 {state / 'night.log'}。")
    newest = max((state / "reports").glob("*.json"), key=lambda p: p.stat().st_mtime_ns)
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Watched(seconds, cpu, memory, json.loads(newest.read_text(encoding="utf-8")))


def _size(pid: int) -> tuple[int, list[int]]:
    """Return the memory of a process and of those it started, what they share counted each time, and which these are;
    0 outside Linux.
    """
    found, total = [pid], 0
    for one in found:
        folder = Path("/proc") / str(one)
        try:
            pages = int((folder / "statm").read_text(encoding="ascii").split()[1])
            for task in (folder / "task").iterdir():
                found += map(int, (task / "children").read_text(encoding="ascii").split())
        except OSError:
            continue  # gone meanwhile
        total += pages * os.sysconf("SC_PAGE_SIZE")
    return total, found


def _weight(processes: Sequence[int]) -> int:
    """Return the memory of processes, what they share counted once."""
    total = 0
    for one in processes:
        try:
            lines = (Path("/proc") / str(one) / "smaps_rollup").read_text(encoding="ascii").splitlines()
        except OSError:
            continue  # gone meanwhile
        total += next((int(x.split()[1]) * 1024 for x in lines if x.startswith("Pss:")), 0)
    return total
