"""Scoring in a process of its own: a record that asks for too much time or memory cannot take the night with it."""

from __future__ import annotations

import contextlib
import itertools
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Protocol, Self, TypeVar, runtime_checkable

from pipeline.batch.child import HARMLESS, Bounds, Child, Scores
from pipeline.batch.entry import Entry, named
from pipeline.batch.reasons import REASONS
from pipeline.documents import Document, Prediction, Rejected
from pipeline.errors import UnfinishedError

__all__ = [
    "BATCH", "LARGE", "SPARE", "BrokenScoringError", "Origin", "Scoring", "Spread", "Worker", "lanes_of",
]  # fmt: skip

#: Documents sent at once; what the bounds apply to, and after a failure each document alone.
BATCH = 128
#: The same for a scorer that takes a fraction of a millisecond for each: it waits less often. And so many characters.
LARGE, CHARACTERS = 1024, 400_000
#: Chunks that wait scored or to be scored beside those under way: writing and scoring take turns at being the slower.
SPARE = 2
_CODES = {"time": "ZF-REC-TIME", "memory": "ZF-REC-MEMORY", "crash": "ZF-REC-CRASH"}

#: The kernel's out-of-memory killer sends SIGKILL.
_FATES = {-signal.SIGALRM: "time", -signal.SIGKILL: "memory"}

A = TypeVar("A", bound=Prediction | Entry)


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


class Worker(Generic[A]):
    """A child process with a model in its memory; started at need, and again after it died.

    ``make`` builds the scorer in the child; it is pickled once, so a model replaced on disk changes nothing. ``batch``
    documents are sent at once. A ``warm`` one has scored something before it is asked. ``child`` is a process that was
    begun before, to be the first one.
    """

    def __init__(
        self,
        make: Callable[[], Scores],
        bounds: Bounds,
        *,
        batch: int = BATCH,
        warm: bool = False,
        child: Child | None = None,
    ) -> None:
        self._told = make, bounds, warm
        self._batch = batch
        self._begun = child
        self._child: Child | None = None
        self._ready = False
        self._sent: Sequence[Document] = ()
        self._dismissed: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Have the process load its model while something else is done; what fails is said when it is asked."""
        if self._child is None:
            self._launch()

    def dismiss(self) -> None:
        """Have the process end while something else is done; it is started again at need."""
        if self._child is not None:
            self._child.dismiss()
            self._dismissed.append(self._child)
            self._child, self._sent = None, ()

    def close(self) -> None:
        """End the process; it is started again at need."""
        self._end()
        while self._dismissed:
            self._dismissed.pop().end(2)
        if self._begun is not None:
            self._begun.end()
            self._begun = None

    def score(self, documents: Sequence[Document]) -> list[A | Rejected]:
        """Score ``documents`` in order; raises BrokenScoringError when a harmless one cannot be scored either."""
        results: list[A | Rejected] = []
        for batch, ahead in itertools.pairwise([*_batches(documents, self._batch), ()]):
            answer = self._ask(batch, ahead)
            if isinstance(answer, str):
                results += self._one_by_one(batch, answer, alone=not ahead)
            else:
                results += answer
        return results

    def _one_by_one(self, batch: Sequence[Document], fault: str, *, alone: bool) -> Iterator[A | Rejected]:
        # What was asked ahead may have ended the process.
        answers = [fault] if alone and len(batch) == 1 else [self._ask([d]) for d in batch]
        if all(isinstance(a, str) for a in answers) and isinstance(self._ask([HARMLESS]), str):
            raise BrokenScoringError(f"一条也打不了分：{fault}")
        for document, answer in zip(batch, answers, strict=True):
            if isinstance(answer, str):
                code = _CODES.get(answer, "ZF-REC-SCORE")
                reason = REASONS[code] if answer in _CODES else f"{REASONS[code]}（{answer}）"
                yield Rejected(document.place, code, reason, document.id, document.text[:20_000])
            else:
                yield from answer

    def _ask(self, documents: Sequence[Document], ahead: Sequence[Document] = ()) -> Sequence[A] | str:
        """Return the answer of the child, or what became of it; ``ahead`` it is given for when it has answered."""
        if self._sent and documents is not self._sent:
            self._wait_for_others()
        if self._child is not None and self._ready and not self._child.process.is_alive():
            self._end()
        child = self._child or self._launch()
        if not self._ready:
            self._await(child)
        try:
            for some in (documents, ahead):
                if some and some is not self._sent:
                    # Rows and fields stay here: the model reads the text alone.
                    child.pipe.send([(d.id, d.text) for d in some])
            self._sent = ahead
            answer: Sequence[A] | str = named(child.pipe.recv())
        except (EOFError, OSError):
            child.process.join()
            code = child.process.exitcode
            self._end()
            return _FATES.get(code or 0, "crash")
        except BaseException:
            self._end()  # what it still answers would be taken for that to the next question
            raise
        return answer

    def _wait_for_others(self) -> None:
        """Let pass what was asked ahead and will be asked again; if the process dies of it, no other is to blame."""
        try:
            if self._child is not None:
                self._child.pipe.recv()
            self._sent = ()
        except (EOFError, OSError):
            self._end()

    def _launch(self) -> Child:
        child, self._begun = self._begun or Child(), None
        self._child, self._ready = child, False
        with contextlib.suppress(OSError):  # that it died is found when it is asked
            child.send_whole(self._told)
        return child

    def _await(self, child: Child) -> None:
        try:
            fault = child.pipe.recv()
        except (EOFError, OSError):
            fault = "装载模型时进程意外退出"
        if fault is not None:
            self._end()
            raise UnfinishedError(
                "ZF-WORKER", f"打分进程起不来：{fault}", "检查内存与模型（zuofeng doctor），之后重跑即可。"
            )
        self._ready = True

    def _end(self) -> None:
        child, self._child, self._sent = self._child, None, ()
        if child is not None:
            # One that still loads hears nothing.
            child.end(2 if self._ready else 0)


def _batches(documents: Sequence[Document], most: int) -> Iterator[Sequence[Document]]:
    start = characters = 0
    for at, document in enumerate(documents):
        characters += len(document.text)
        if at > start and (at - start == most or characters > CHARACTERS):
            yield documents[start:at]
            start, characters = at, len(document.text)
    if documents:
        yield documents[start:]
