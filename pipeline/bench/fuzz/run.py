"""Read damaged inputs in child processes with bounds, and say what became of each."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pipeline.batch.sources.records import MAX_ID
from pipeline.bench.fuzz.mutants import mutant
from pipeline.bench.fuzz.seeds import Files, seeds
from pipeline.documents import Document, Rejected
from pipeline.errors import ZuofengError

__all__ = ["Finding", "Outcome", "check_record", "fuzz"]

#: Bounds of one input: seconds, and bytes beyond what the program takes after reading sound inputs.
SECONDS, MEMORY = 5.0, 1 << 30
#: A child reads so many, then makes room for another.
_BATCH = 2000


@dataclass(frozen=True)
class Finding:
    """An outcome that must not be: ``kind`` is crash, hang, memory or uncoded; ``number`` makes the input again."""

    kind: str
    number: int
    what: str


@dataclass
class Outcome:
    """What became of the inputs of one kind; ``codes`` counts the errors that were said."""

    kind: str
    inputs: int = 0
    results: int = 0
    coded: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    slowest: float = 0.0
    seconds: float = 0.0


def fuzz(kind: str, count: int, *, first: int = 0, told: Callable[[int], None] = lambda done: None) -> Outcome:
    """Read ``count`` damaged inputs of ``kind``, from number ``first`` on."""
    out = Outcome(kind)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="zuofeng-fuzz-") as folder:
        at = first
        while at < first + count:
            at = _batch(out, at, min(_BATCH, first + count - at), Path(folder))
            told(at - first)
    out.seconds = time.monotonic() - began
    return out


def _batch(out: Outcome, first: int, count: int, folder: Path) -> int:
    """Run one child; return the number to go on with, behind the input at which it died if it did."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    at: Any = context.RawValue("q", first)
    child = context.Process(target=_serve, args=(theirs, at, out.kind, first, count, folder), daemon=True)
    child.start()
    theirs.close()
    ended = False
    try:
        while not ended:
            name, value = ours.recv()
            if name == "finding":
                out.findings.append(value)
            else:
                ended = name == "end"
                out.inputs, out.results = out.inputs + value[0], out.results + value[1]
                out.coded += value[2].total()
                out.codes.update(value[2])
                out.slowest = max(out.slowest, value[3])
    except EOFError:
        pass  # it died; the number it was at says of what
    ours.close()
    child.join()
    if ended:
        return first + count
    kind = "hang" if child.exitcode == -signal.SIGALRM else "crash"
    out.findings.append(Finding(kind, at.value, f"exit {child.exitcode}"))
    out.inputs += 1
    return int(at.value) + 1


def _serve(pipe: Connection, at: Any, kind: str, first: int, count: int, folder: Path) -> None:
    # Arrow's own pools reserve more address space than they use.
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    read = _reader(kind)
    for files in seeds(kind):
        read(_put(files, folder))
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * os.sysconf("SC_PAGE_SIZE") + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    for number in range(first, first + count):
        at.value = number
        path = _put(mutant(kind, number), folder)
        codes: Counter[str] = Counter()
        results = 0
        began = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            read(path)
            results = 1
        except ZuofengError as e:
            codes[e.code] += 1
        except MemoryError as e:
            pipe.send(("finding", Finding("memory", number, _where(e))))
        except Exception as e:  # noqa: BLE001  that is what is looked for
            pipe.send(("finding", Finding("uncoded", number, _where(e))))
        signal.setitimer(signal.ITIMER_REAL, 0)
        pipe.send(("one", (1, results, codes, time.monotonic() - began)))
    pipe.send(("end", (0, 0, Counter(), 0.0)))


def _put(files: Files, folder: Path) -> Path:
    for old in folder.iterdir():
        old.unlink()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def _reader(kind: str) -> Callable[[Path], None]:
    """Return what reads the input in a folder; whatever comes of it must be fit for the store."""
    if kind == "bundle":
        from pipeline.model.bundle import load_bundle

        def load(folder: Path) -> None:
            load_bundle(folder)

        return load
    from pipeline.batch.sources import Limits, open_source

    limits = Limits(max_text_bytes=1 << 20, max_unzipped_bytes=64 << 20, max_xml_bytes=16 << 20)

    def read(folder: Path) -> None:
        for item in open_source(folder / f"a.{kind}", limits=limits):
            check_record(item)

    return read


def check_record(item: Document | Rejected) -> None:
    """Raise ValueError for a record, read of a file called ``a``, that the store cannot hold."""
    stored = item.id + (item.text if isinstance(item, Document) else item.raw + item.reason)
    stored.encode()
    named = item.id if isinstance(item, Document) else item.code.startswith("ZF-REC-")
    if not named or not item.place.startswith("a.") or "\0" in stored or len(item.id) > MAX_ID:
        raise ValueError("a record the store cannot hold")


def _where(error: Exception) -> str:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "pipeline" in f.filename]
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    return f"{type(error).__name__} {place} {str(error)[:120]}"
