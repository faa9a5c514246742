"""A process that scores what it is sent: begun as early as one likes, told later with what."""

from __future__ import annotations

import contextlib
import itertools
import mmap
import multiprocessing
import os
import pickle  # nosec B403: what this process and its child tell each other, never a file
import pkgutil
import resource
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import reduction
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from typing import IO, Any, Protocol, Self, TypeVar, runtime_checkable

from pipeline.collecting import rarely_collecting
from pipeline.documents import Document
from pipeline.text import compiling

__all__ = ["HARMLESS", "Begins", "Bounds", "Child", "Scores"]

#: Machine code that has ended waits no longer than so many seconds for the thread that writes answers (Python's own:
#: 0.005): a twentieth of a night's time.
_TURN = 0.0002
#: Parts begin at multiples of so many bytes.
_ALIGNED = 64
HARMLESS = Document("", "今天天气很好。")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one document may ask for: seconds, and bytes beyond what the model itself takes (0: no bound)."""

    seconds: float = 30.0
    memory: int = 4 << 30


class Scores(Protocol):
    """Whatever a child makes and has score."""

    def score(self, documents: Sequence[Document]) -> Sequence[Any]:
        """Score ``documents``."""
        ...


@runtime_checkable
class Begins(Scores, Protocol):
    """Scores in two steps: the next documents can be begun while what was made of some is written."""

    def begin(self, documents: Sequence[Document]) -> Callable[[], Sequence[Any]]:
        """Return what goes on to return what `score` does."""
        ...


T = TypeVar("T")


class Child:
    """A new process and the pipe to it; meanwhile it calls ``preload``, a function by its name (``module:function``).

    The first thing it is to be sent is how to make a scorer (see `send_whole`); it answers with None, or with what went
    wrong.
    """

    def __init__(self, preload: str = "") -> None:
        # Spawned: neither the database's connection nor its locks may be inherited.
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, preload), daemon=True)
        self.process.start()
        theirs.close()
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def dismiss(self) -> None:
        """Have the process end by itself, and wait for nothing."""
        self.pipe.close()

    def send_whole(self, thing: object) -> None:
        """Send ``thing`` through memory that both have: neither waits for the other. Raises OSError."""
        arrays: list[pickle.PickleBuffer] = []
        parts = [memoryview(pickle.dumps(thing, protocol=5, buffer_callback=arrays.append)), *(a.raw() for a in arrays)]
        with _memory() as memory:
            for part in parts:
                memory.write(part)
                memory.write(bytes(-len(part) % _ALIGNED))
            memory.flush()
            self.pipe.send([len(p) for p in parts])
            reduction.send_handle(self.pipe, memory.fileno(), self.process.pid)

    def end(self, seconds: float = 0.0) -> None:
        """End the process, unless it was ended before; kill it if it has not ended by itself after ``seconds``."""
        if self._ended:
            return
        self._ended = True
        self.dismiss()
        self.process.join(seconds)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process.close()


def _memory() -> IO[bytes]:
    return os.fdopen(os.memfd_create("zuofeng"), "wb") if hasattr(os, "memfd_create") else tempfile.TemporaryFile()


def _receive_whole(pipe: Connection) -> Any:
    sizes: list[int] = pipe.recv()
    handle = reduction.recv_handle(pipe)
    try:
        memory = memoryview(mmap.mmap(handle, 0, prot=mmap.PROT_READ))
    finally:
        os.close(handle)
    ends = itertools.accumulate(size + -size % _ALIGNED for size in sizes)
    said, *arrays = (memory[a : a + size] for a, size in zip([0, *ends], sizes, strict=False))
    return pickle.loads(said, buffers=arrays)  # noqa: S301  # nosec B301: of the process that began this one


def _serve(pipe: Connection, preload: str) -> None:
    """Answer until the other end closes, also because the night was killed."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the night decides when to stop
    # The kernel ends what no Python handler could: the alarm's default is death.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    try:
        if preload:
            pkgutil.resolve_name(preload)()
        try:
            make, bounds, warm = _receive_whole(pipe)
        except EOFError:
            return
        scorer: Scores = make()
        if warm:
            scorer.score([HARMLESS])
    except Exception as e:  # noqa: BLE001  told to the night, which ends with it
        pipe.send(f"{type(e).__name__}: {e}")
        return
    statm = Path("/proc/self/statm")
    if bounds.memory and statm.exists():
        pages = int(statm.read_text(encoding="ascii").split()[0])
        most = pages * os.sysconf("SC_PAGE_SIZE") + bounds.memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    try:
        pipe.send(None)
    except ConnectionError:
        return  # a night with nothing to score was over before this was ready
    sys.setswitchinterval(_TURN)
    with rarely_collecting():
        _answer(pipe, scorer, bounds)


def _answer(pipe: Connection, scorer: Scores, bounds: Bounds) -> None:
    """Answer in order; while one answer is written the next documents are scored and those after them received."""
    begin = scorer.begin if isinstance(scorer, Begins) else lambda documents: partial(_same, scorer.score(documents))
    asked: SimpleQueue[list[tuple[str, str]] | None] = SimpleQueue()
    Thread(target=_listen, args=(pipe, asked), daemon=True).start()
    alarm = _Alarm(bounds.seconds)
    compiling.watchers.append(alarm.compiling)
    with ThreadPoolExecutor(1, "answering") as answering:
        while (rows := asked.get()) is not None:
            alarm.count(1)
            answering.submit(_finish, pipe, alarm, _tried(partial(begin, [Document(*of) for of in rows])))


def _listen(pipe: Connection, asked: SimpleQueue[list[tuple[str, str]] | None]) -> None:
    try:
        while True:
            asked.put(pipe.recv())
    except (EOFError, OSError):
        pass  # the night is over
    finally:
        asked.put(None)


class _Alarm:
    """Ends the process when something is under way and nothing of it gets done for so many ``seconds``.

    What is compiled once, after an installation, is not held against the document that happens to wait for it.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._under_way = self._compiling = 0
        self._turn = Lock()

    def count(self, more: int) -> None:
        """Take ``more`` lots as under way, and the time from now on."""
        with self._turn:
            self._under_way += more
            self._set()

    def compiling(self, more: int) -> None:
        """Take ``more`` functions as being compiled; meanwhile no time is taken."""
        with self._turn:
            self._compiling += more
            self._set()

    def _set(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, self._seconds if self._under_way and not self._compiling else 0)


def _finish(pipe: Connection, alarm: _Alarm, finish: Callable[[], Any] | str) -> None:
    # Imported here: whoever begins this process early waits for what is imported above.
    from pipeline.batch.entry import bare

    said = _tried(lambda: reduction.ForkingPickler.dumps(bare(finish if isinstance(finish, str) else finish())))
    alarm.count(-1)
    with contextlib.suppress(OSError):  # nobody is there any more
        pipe.send_bytes(reduction.ForkingPickler.dumps(said) if isinstance(said, str) else said)


def _tried(work: Callable[[], T]) -> T | str:
    """Return what ``work`` does, or what kept it from that."""
    try:
        return work()
    except MemoryError:
        return "memory"
    except Exception as e:  # noqa: BLE001  the night names it beside the record
        return type(e).__name__


def _same(answer: Sequence[Any]) -> Sequence[Any]:
    return answer
