"""Scoring in a process of its own: a record that asks for too much time or memory cannot take the night with it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar, runtime_checkable

from pipeline.batch.cycles import rarely_collecting
from pipeline.batch.entry import Entry
from pipeline.batch.reasons import REASONS
from pipeline.documents import Document, Prediction, Rejected
from pipeline.errors import UnfinishedError

__all__ = [
    "BATCH", "LARGE", "SPARE", "Bounds", "BrokenScoringError", "Origin", "Scoring", "Spread", "Worker", "lanes_of",
]  # fmt: skip

#: Documents sent at once; what the bounds apply to, and after a failure each document alone.
BATCH = 128
#: The same for a scorer that takes a fraction of a millisecond for each: it waits less often. And so many characters.
LARGE, CHARACTERS = 1024, 400_000
#: Chunks that wait scored or to be scored beside those under way: writing and scoring take turns at being the slower.
SPARE = 2
_CODES = {"time": "ZF-REC-TIME", "memory": "ZF-REC-MEMORY", "crash": "ZF-REC-CRASH"}

_HARMLESS = Document("", "今天天气很好。")
#: The kernel's out-of-memory killer sends SIGKILL.
_FATES = {-signal.SIGALRM: "time", -signal.SIGKILL: "memory"}


A = TypeVar("A", bound=Prediction | Entry)
A_co = TypeVar("A_co", bound=Prediction | Entry, covariant=True)


class BrokenScoringError(Exception):
    """Not even a harmless document can be scored: the fault lies not in a record."""


class Scoring(Protocol):
    """Whatever scores: answers in order, a rejection in the place of a document that cannot be scored."""

    def score(self, documents: Sequence[Document]) -> Sequence[Prediction | Entry | Rejected]:
        """Score ``documents``."""
        ...


class Origin(Protocol):
    """Where some records stand; small enough to be sent instead of their texts."""

    def read(self) -> Iterator[Document | Rejected]:
        """Yield the records, wherever this is called."""
        ...


@runtime_checkable
class Spread(Scoring, Protocol):
    """Scores several lots at once, somewhere that reads them for itself where it can."""

    #: How many lots may be under way at once; ``score`` may be called from as many threads.
    lanes: int
    #: Set when somebody wants no more waiting for what is away.
    stop: threading.Event

    def score_from(self, origin: Origin, documents: Sequence[Document]) -> Sequence[Prediction | Entry | Rejected]:
        """Score ``documents``, which stand at ``origin``."""
        ...


def lanes_of(scoring: Scoring | None) -> int:
    """Return how many chunks are scored at once."""
    return scoring.lanes if isinstance(scoring, Spread) else 1


class _Scores(Protocol[A_co]):
    def score(self, documents: Sequence[Document]) -> Sequence[A_co]: ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one document may ask for: seconds, and bytes beyond what the model itself takes (0: no bound)."""

    seconds: float = 30.0
    memory: int = 4 << 30


class Worker(Generic[A]):
    """A child process with a model in its memory; started at need, and again after it died.

    ``make`` builds the scorer in the child; it is pickled once, so a model replaced on disk changes nothing. ``batch``
    documents are sent at once. A ``warm`` one has scored something before it is asked.
    """

    def __init__(
        self, make: Callable[[], _Scores[A]], bounds: Bounds, *, batch: int = BATCH, warm: bool = False
    ) -> None:
        self._make = make
        self._bounds = bounds
        self._batch = batch
        self._warm = warm
        self._child: tuple[BaseProcess, Connection] | None = None
        self._ready = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Have the process load its model while something else is done; what fails is said when it is asked."""
        if self._child is None:
            self._launch()

    def close(self) -> None:
        """End the process; it is started again at need."""
        self._end()

    def score(self, documents: Sequence[Document]) -> list[A | Rejected]:
        """Score ``documents`` in order; raises BrokenScoringError when a harmless one cannot be scored either."""
        results: list[A | Rejected] = []
        for batch in _batches(documents, self._batch):
            answer = self._ask(batch)
            if isinstance(answer, str):
                results += self._one_by_one(batch, answer)
            else:
                results += answer
        return results

    def _one_by_one(self, batch: Sequence[Document], fault: str) -> Iterator[A | Rejected]:
        answers = [fault] if len(batch) == 1 else [self._ask([d]) for d in batch]
        if all(isinstance(a, str) for a in answers) and isinstance(self._ask([_HARMLESS]), str):
            raise BrokenScoringError(f"一条也打不了分：{fault}")
        for document, answer in zip(batch, answers, strict=True):
            if isinstance(answer, str):
                code = _CODES.get(answer, "ZF-REC-SCORE")
                reason = REASONS[code] if answer in _CODES else f"{REASONS[code]}（{answer}）"
                yield Rejected(document.place, code, reason, document.id, document.text[:20_000])
            else:
                yield from answer

    def _ask(self, documents: Sequence[Document]) -> Sequence[A] | str:
        """Return the answer of the child, or what became of it."""
        if self._child is not None and self._ready and not self._child[0].is_alive():
            self._end()
        process, pipe = self._child or self._launch()
        if not self._ready:
            self._await(pipe)
        try:
            # Rows and fields stay here: the model reads the text alone.
            pipe.send([(d.id, d.text) for d in documents])
            answer: Sequence[A] | str = _named(pipe.recv())
        except (EOFError, OSError):
            process.join()
            code = process.exitcode
            self._end()
            return _FATES.get(code or 0, "crash")
        return answer

    def _launch(self) -> tuple[BaseProcess, Connection]:
        # Spawned: neither the database's connection nor its locks may be inherited.
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self._bounds, self._warm), daemon=True)
        process.start()
        theirs.close()
        self._child, self._ready = (process, ours), False
        # Not as an argument: who starts a process holds both ends of the pipe that takes these, and would write into
        # it for ever if the process died before it read them.
        with contextlib.suppress(OSError):  # that it died is found when it is asked
            ours.send(self._make)
        return self._child

    def _await(self, pipe: Connection) -> None:
        try:
            fault = pipe.recv()
        except (EOFError, OSError):
            fault = "装载模型时进程意外退出"
        if fault is not None:
            self._end()
            raise UnfinishedError(
                "ZF-WORKER", f"打分进程起不来：{fault}", "检查内存与模型（zuofeng doctor），之后重跑即可。"
            )
        self._ready = True

    def _end(self) -> None:
        if self._child is None:
            return
        process, pipe = self._child
        self._child = None
        pipe.close()
        # One that still loads hears nothing.
        process.join(2 if self._ready else 0)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()


def _batches(documents: Sequence[Document], most: int) -> Iterator[Sequence[Document]]:
    start = characters = 0
    for at, document in enumerate(documents):
        characters += len(document.text)
        if at > start and (at - start == most or characters > CHARACTERS):
            yield documents[start:at]
            start, characters = at, len(document.text)
    if documents:
        yield documents[start:]


def _serve(pipe: Connection, bounds: Bounds, warm: bool) -> None:
    """Answer until the other end closes, also because the night was killed."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the night decides when to stop
    # The kernel ends what no Python handler could: the alarm's default is death.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    try:
        try:
            make = pipe.recv()
        except EOFError:
            return
        scorer: _Scores[Any] = make()
        if warm:
            scorer.score([_HARMLESS])
    except Exception as e:  # noqa: BLE001  told to the night, which ends with it
        pipe.send(f"{type(e).__name__}: {e}")
        return
    statm = Path("/proc/self/statm")
    if bounds.memory and statm.exists():
        pages = int(statm.read_text(encoding="ascii").split()[0])
        most = pages * os.sysconf("SC_PAGE_SIZE") + bounds.memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    pipe.send(None)
    with rarely_collecting():
        _answer(pipe, scorer, bounds)


def _answer(pipe: Connection, scorer: _Scores[A], bounds: Bounds) -> None:
    while True:
        try:
            documents = [Document(*of) for of in pipe.recv()]
        except (EOFError, OSError):
            return
        signal.setitimer(signal.ITIMER_REAL, bounds.seconds)
        answer: Sequence[A] | str
        try:
            answer = scorer.score(documents)
        except MemoryError:
            answer = "memory"
        except Exception as e:  # noqa: BLE001  the night names it beside the record
            answer = type(e).__name__
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        try:
            pipe.send(_bare(answer))
        except OSError:
            return


def _bare(answer: Sequence[Prediction | Entry] | str) -> Any:
    """Return an answer as it is sent: with their names, entries take four times as long to be read."""
    return answer if isinstance(answer, str) else [tuple(a) if isinstance(a, Entry) else a for a in answer]


def _named(answer: Any) -> Any:
    return answer if isinstance(answer, str) else [Entry._make(a) if type(a) is tuple else a for a in answer]
