"""Ours, others and floors side by side: each in a process of its own, in turn, many times; ratios before seconds."""

from __future__ import annotations

import multiprocessing
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.bench.contenders import CONTENDERS, Contender, Labeller
from pipeline.errors import UnfinishedError
from pipeline.ndarrays import Bools

__all__ = ["OURS", "Lesson", "Row", "machine", "measure_speed"]

OURS = "本系统（分数、判定、证据）"
#: Seconds that a contender may take to learn.
PATIENCE = 3600
#: Learns from texts and labels, in the child: a function of a module, or a partial of one.
Learn = Callable[[Sequence[str], Bools], Labeller]


@dataclass(frozen=True)
class Lesson:
    """Texts and their labels (texts, labels) to learn from, and others to be asked about."""

    name: str
    texts: Sequence[str]
    truth: Bools
    asked: Sequence[str] = ()


@dataclass
class Row:
    """One contender: CPU seconds per run by set of texts, what learning took, what it said; or why it is not there.

    ``memory`` is the peak of its process in bytes.
    """

    name: str
    missing: Sequence[str] = ()
    seconds: dict[str, list[float]] = field(default_factory=dict)
    learning: dict[str, float] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    called: Bools | None = None
    floor: bool = False

    def speed(self, name: str, characters: int) -> float:
        """Return characters per CPU second on one set of texts, median."""
        return characters / statistics.median(self.seconds[name])

    def ratio(self, name: str, ours: Row) -> float:
        """Return how many times ours is as fast, the median of the runs that went side by side."""
        pairs = zip(self.seconds[name], ours.seconds[name], strict=True)
        return statistics.median(theirs / mine for theirs, mine in pairs)


def measure_speed(
    sets: Mapping[str, Sequence[str]],
    lesson: Lesson,
    ours: Learn,
    *,
    rounds: int = 5,
    contenders: Sequence[Contender] = CONTENDERS,
    more: Sequence[tuple[Lesson, Learn]] = (),
    told: Callable[[str], None] = lambda step: None,
) -> list[Row]:
    """Let ``ours`` and ``contenders`` learn the ``lesson``, then read each of ``sets`` ``rounds`` times in turn.

    ``more`` are lessons that are only learned, each with what learns it for us: they are timed, nothing is read.
    Ours is the first row.
    """
    rows = [Row(OURS), *(Row(c.name, c.missing, floor=c.floor) for c in contenders)]
    learners: list[Learn] = [ours, *(c.teach for c in contenders)]
    children: list[tuple[Row, _Child]] = []
    try:
        for row, learn in zip(rows, learners, strict=True):
            if row.missing:
                continue
            told(f"学习：{row.name}")
            child = _Child(learn, lesson)
            children.append((row, child))
            row.learning[lesson.name], row.memory[lesson.name], row.called = child.answer()
        for number in range(rounds):
            for name, texts in sets.items():
                told(f"第 {number + 1} 遍：{name}")
                for row, child in children:
                    row.seconds.setdefault(name, []).append(child.read(texts))
    finally:
        for _, child in children:
            child.end()
    for other, learn in more:
        for row, theirs in zip(rows, [learn, *learners[1:]], strict=True):
            if row.missing or row.floor:
                continue
            told(f"学习 {other.name}：{row.name}")
            child = _Child(theirs, other)
            try:
                row.learning[other.name], row.memory[other.name], _ = child.answer()
            finally:
                child.end()
    return rows


class _Child:
    """A process that has learned and reads when told."""

    def __init__(self, learn: Learn, lesson: Lesson) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, learn, lesson), daemon=True)
        self._process.start()
        theirs.close()

    def answer(self) -> Any:
        """Return what the child says next; raises UnfinishedError when it says nothing any more."""
        try:
            if not self._pipe.poll(PATIENCE):
                raise EOFError
            return self._pipe.recv()
        except EOFError as e:
            hint = "看它上面打印的原因；内存不够就少读一些文本。"
            raise UnfinishedError("ZF-BENCH-PEER", "一个对照的进程中途退出", hint) from e

    def read(self, texts: Sequence[str]) -> float:
        """Have ``texts`` read and return the CPU seconds that took."""
        self._pipe.send(list(texts))
        return float(self.answer())

    def end(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _serve(pipe: Connection, learn: Learn, lesson: Lesson) -> None:
    began = time.process_time()
    label = learn(lesson.texts, lesson.truth)
    learned = time.process_time() - began
    called = label(lesson.asked) if lesson.asked else None
    pipe.send((learned, _peak(), called))
    while True:
        try:
            texts = pipe.recv()
        except (EOFError, OSError):
            return
        began = time.process_time()
        label(texts)
        pipe.send(time.process_time() - began)


def _peak() -> int:
    """Return the most memory that this process has held, in bytes.

    ``ru_maxrss`` outlives exec on Linux: it would be no less than what the process that started this one had held.
    """
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii", errors="replace").splitlines() if status.exists() else []
    kilobytes = next((int(x.split()[1]) for x in lines if x.startswith("VmHWM:")), None)
    return (kilobytes or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * 1024


def machine() -> str:
    """Return this machine in a line."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    model = next((x.partition(":")[2].strip() for x in lines if x.startswith("model name")), platform.processor())
    python = platform.python_version()
    return f"{model or platform.machine()}，{os.cpu_count()} 核，Python {python}，numpy {np.__version__}"
