"""A run, chunk by chunk: score, write rows and ledger in one transaction, go on after faults, stop when asked."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import Error, transaction

from pipeline.batch import ledger, store
from pipeline.batch.before import Before
from pipeline.batch.entry import Entry, enter
from pipeline.batch.feed import Divisible, Feed, Record, Target
from pipeline.batch.lock import hold_store
from pipeline.batch.numbers import sample, unlike
from pipeline.batch.once import Once
from pipeline.batch.patience import Patience
from pipeline.batch.report import RunReport
from pipeline.batch.shadow import Beside, Opinions, write_said
from pipeline.batch.sorting import Sorting, fingerprint
from pipeline.batch.tally import Tally
from pipeline.batch.worker import SPARE, BrokenScoringError, Origin, Scoring, Spread, lanes_of
from pipeline.batch.write import Gathered, gather, write_chunk
from pipeline.desk.models import Chunk, Run
from pipeline.documents import Document, Prediction, Rejected
from pipeline.errors import first_line

__all__ = ["ATTEMPTS", "Night"]

log = logging.getLogger("zuofeng.night")

#: So often a chunk is tried before it is set aside.
ATTEMPTS = 3


#: An entry or a rejection of each text, and what challengers said.
_Answers = tuple[list[Entry | Rejected], Opinions]


@dataclass(frozen=True)
class _Part:
    """One chunk: where it stands and what it consists of."""

    feed: Feed
    number: int
    records: Sequence[Record]
    fingerprint: str
    #: Where an ordered feed goes on behind it; asked when it was read, while the feed still stands there.
    mark: Any = None
    origin: Origin | None = None
    #: Against what the store held, and what scoring says of it, once that has begun.
    sorting: Sorting | None = None
    results: Future[_Answers] | None = None
    gathered: Future[Gathered] | None = None


@dataclass
class Night:
    """The state of one run in the parent process; only this writes."""

    scoring: Scoring
    source: str
    model: str
    about: Mapping[str, str]
    report: RunReport
    run: Run | None
    patience: Patience
    chunk: int
    targets: Sequence[Target] = ()
    beside: Beside = field(default_factory=Beside)
    before: Before = field(default_factory=Before)
    rejected: list[Rejected] = field(default_factory=list)
    _once: Once = field(default_factory=Once)
    _states: ledger.Chunks = field(default_factory=dict)
    _reader: ThreadPoolExecutor = field(init=False)
    _scorer: ThreadPoolExecutor = field(init=False)
    _gatherer: ThreadPoolExecutor = field(init=False)
    _one: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if isinstance(self.scoring, Spread):
            self.scoring.stop = self.patience.stop
        if self.run is not None:
            run = self.run
            self._states = self.patience.run(lambda: ledger.chunks_of(run))

    @property
    def stopped(self) -> bool:
        """Whether somebody asked the run to stop."""
        return self.patience.stop.is_set()

    def take_all(
        self, feeds: Sequence[Feed], progress: Callable[[int, Feed, int], None] = lambda number, feed, read: None
    ) -> None:
        """Work through the feeds, up to their end or to the chunk at which the run is asked to stop.

        ``progress`` is told the feed and its number, and how many records were read so far.
        """
        lanes = lanes_of(self.scoring)
        ahead: deque[tuple[int, _Part]] = deque()

        def take() -> None:
            number, part = ahead.popleft()
            self._take(part)
            progress(number, part.feed, self.report.read)

        with (
            ThreadPoolExecutor(1, "reading") as self._reader,
            ThreadPoolExecutor(lanes, "scoring") as self._scorer,
            ThreadPoolExecutor(1, "gathering") as self._gatherer,
        ):
            try:
                # While some chunks are scored, the one before them is written and the one after them read.
                for number, feed in enumerate(feeds, 1):
                    progress(number, feed, self.report.read)
                    for part in self._parts(feed):
                        ahead.append((number, part))
                        if len(ahead) > lanes + SPARE:
                            take()
                while ahead:
                    take()
                    if self.stopped:
                        break
            finally:
                for pool in (self._reader, self._scorer, self._gatherer):
                    pool.shutdown(wait=False, cancel_futures=True)
        if self.stopped:
            self.report.state = "unfinished"

    def _parts(self, feed: Feed) -> Iterator[_Part]:
        """Yield the chunks of a feed, those to be scored already begun, in the order in which they are written."""
        read = self._cut(feed, *self._resume(feed))
        # One that is ordered may ask the store, which knows this thread.
        for part in read if feed.ordered else _ahead(read, self._reader):
            yield self._begin(part) if self._is_new(part) else part

    def _cut(self, feed: Feed, number: int, after: Any) -> Iterator[_Part]:
        """Read a feed chunk by chunk, behind its finished head."""
        records = feed.read(after)
        start = 0
        while not self.stopped and (some := self._read(records)):
            number += 1
            with self.report.spent("辨认"):
                chunk = some if feed.ordered else self._once.sift(some)
                mark = feed.mark(some[-1]) if feed.ordered else None
                origin = self._origin(feed, start, after, len(some))
                part = _Part(feed, number, chunk, fingerprint(chunk), mark, origin)
            yield part
            start += len(some)
            after = mark

    def _origin(self, feed: Feed, start: int, after: Any, count: int) -> Origin | None:
        if isinstance(self.scoring, Spread) and isinstance(feed, Divisible):
            return feed.origin(start, after, count)
        return None

    def _read(self, records: Iterator[Record]) -> list[Record]:
        with self.report.spent("读"):
            return list(itertools.islice(records, self.chunk))

    def _is_new(self, part: _Part) -> bool:
        return self._before(part) is None

    def _before(self, part: _Part) -> Chunk | None:
        """Return what the ledger says of this very chunk."""
        found = self._states.get((part.feed.name, part.number))
        return found if found is not None and found.fingerprint == part.fingerprint else None

    def _begin(self, part: _Part) -> _Part:
        """Sort a chunk and have its texts scored; nothing is written."""
        with self.report.spent("比对"):
            feed = part.feed
            done = self.before.did(feed.name, part.number, part.fingerprint, ordered=feed.ordered)
            sorting = Sorting(part.records) if done else self._sort(part)
        todo = sorting.todo if self.run is not None else []
        results = self._scorer.submit(self._score, todo, part.origin)
        return replace(
            part, sorting=sorting, results=results, gathered=self._gatherer.submit(_gather, sorting.new, results)
        )

    def _sort(self, part: _Part) -> Sorting:
        keys = [r.id for r in part.records if isinstance(r, Document)]
        known = self.patience.run(lambda: store.known(keys, self.model))
        others = self.patience.run(lambda: store.of_others(list(known), self.source)) if part.feed.timid else None
        sorting = Sorting(part.records, known, others)
        if new := sample(sorting.new):
            hashes = self.patience.run(lambda: store.known_hashes([d.text_hash for d in new], self.run))
            known_texts = sum(d.text_hash in hashes for d in new)
            sorting.known_texts = known_texts * len(sorting.new) // len(new)
        if changed := sample(sorting.changed):
            before = self.patience.run(lambda: store.texts_of([d.id for d in changed]))
            other_texts = unlike([(before[d.id], d.text) for d in changed if d.id in before])
            sorting.other_texts = other_texts * len(sorting.changed) // len(changed)
        return sorting

    def _score(self, todo: Sequence[Document], origin: Origin | None) -> _Answers:
        """Score texts, also with the challengers; in a scoring thread, which asks the store for nothing."""
        answers: Sequence[Prediction | Entry | Rejected] = []
        if todo and origin is not None and isinstance(self.scoring, Spread):
            answers = self.scoring.score_from(origin, todo)
        elif todo:
            answers = self.scoring.score(todo)
        results = enter(todo, answers)
        scored = [d for d, e in zip(todo, results, strict=True) if isinstance(e, Entry)]
        with self._one:  # challengers score in this machine's own processes, one text after another
            return results, self.beside.score(scored)

    def _resume(self, feed: Feed) -> tuple[int, Any]:
        """Count the finished head of an ordered feed and return where it ends."""
        number, after = 0, None
        if feed.ordered and not any(t.whole for t in self.targets):
            while (done := self._states.get((feed.name, number + 1))) is not None and done.state == "done":
                number, after = number + 1, done.mark
                self._count(Tally.from_dict(done.counts))
        return number, after

    def _take(self, part: _Part) -> None:
        """Work through one chunk unless the ledger says that the same was done before."""
        before = self._before(part)
        state = before.state if before is not None else ""
        tally = Tally.from_dict(before.counts) if before is not None and state in ("done", "scored") else None
        attempts = before.attempts if before is not None and state == "failed" else 0
        deliver = state != "done" or any(t.whole for t in self.targets)
        fresh: dict[str, dict[str, Any]] = {}
        while attempts < ATTEMPTS:
            attempts += 1
            try:
                # What was scored and stored is not scored again because a target failed.
                if tally is None:
                    tally, fresh = self._score_and_write(part if attempts == 1 else replace(part, sorting=None))
                if deliver:
                    self._deliver(part, tally, fresh)
            except (Error, BrokenScoringError) as e:
                self._failed(part, attempts, e)
            else:
                self._finish_chunk(part, tally)
                return

    def _score_and_write(self, part: _Part) -> tuple[Tally, dict[str, dict[str, Any]]]:
        if part.sorting is None:
            part = self._begin(part)
        assert part.sorting is not None and part.results is not None and part.gathered is not None  # noqa: S101, PT018  begun above
        sorting = part.sorting
        with self.report.spent("等打分"):
            results, said = part.results.result()
        if self.run is None:
            return sorting.tally([]), {}
        with self.report.spent("写库"):
            gathered = part.gathered.result()
        # The head of an ordered feed is not read again: the ledger has to know its rejections.
        tally = sorting.tally(results, every=part.feed.ordered)
        state = "scored" if any(not t.whole for t in self.targets) else "done"
        scored = [(d, e) for d, e in zip(sorting.todo, results, strict=True) if isinstance(e, Entry)]
        fresh = {d.id for d in (*sorting.new, *sorting.changed)}
        documents = [d for d, _ in scored if d.id in fresh]
        refused = [*sorting.rejected, *sorting.conflicts, *(r for r in results if isinstance(r, Rejected))]
        run = self.run
        # Of an ordered feed, a chunk that was written since may have brought the same number.
        unknown = set() if part.feed.ordered else {d.id for d in sorting.new}

        def write() -> None:
            hold_store()
            # The answer to a commit may be lost: a second try looks for what the first one wrote.
            new = unknown.copy()
            unknown.clear()
            with transaction.atomic():
                write_chunk(
                    run, documents, scored, self.about, moved=sorting.moved, purged=sorting.purged, gathered=gathered,
                    unknown=new,
                )  # fmt: skip
                write_said(run, self.model, said)
                store.write_rejected(run, refused)
                self._note(part, state, tally)

        with self.report.spent("写库"):
            self.patience.run(write)
        return tally, {e.id: e.to_dict() for _, e in scored} if self.targets else {}

    def _deliver(self, part: _Part, tally: Tally, fresh: Mapping[str, dict[str, Any]]) -> None:
        """Hand the chunk to the targets; rows another program must see are the last step before it is done."""
        if not self.targets or self.run is None:
            return
        notes = {r.id: f"{r.code} {r.reason}" for r in part.records if isinstance(r, Rejected)}
        refused = {key: f"{code} {reason}" for _, code, reason, key in tally.refused}
        notes |= refused
        # What scoring refused may have scores of an older text; they are not of this record.
        others = [r for r in part.records if isinstance(r, Document) and r.id not in fresh and r.id not in refused]
        results = {**self.patience.run(lambda: store.stored_predictions(others, self.model)), **fresh}
        with self.report.spent("写回"):
            for target in self.targets:
                target.write(part.records, results, notes)
        if any(not t.whole for t in self.targets):
            self.patience.run(lambda: self._note(part, "done", tally))

    def _failed(self, part: _Part, attempts: int, error: Exception) -> None:
        """Note a failure; the last one sets the chunk aside."""
        state = "aside" if attempts >= ATTEMPTS else "failed"
        reason = f"{type(error).__name__}: {first_line(error)}"[:500]
        log.error("一批没有做成", extra={"fields": {"chunk": part.number, "attempts": attempts, "state": state}})
        self.patience.run(lambda: self._note(part, state, Tally(), attempts=attempts, reason=reason))
        if state == "aside":
            self.report.aside.append({
                "source": part.feed.name, "chunk": part.number, "records": len(part.records), "reason": reason,
                "first": part.records[0].place, "last": part.records[-1].place,
            })  # fmt: skip
            # Who opens the file counts on every row that was read.
            notes = {r.id: f"ZF-NIGHT-ASIDE 整批搁置，下一夜再做：{reason}" for r in part.records}
            for target in self.targets:
                if target.whole:
                    target.write(part.records, {}, notes)

    def _note(self, part: _Part, state: str, tally: Tally, *, attempts: int = 0, reason: str = "") -> None:
        if self.run is None:
            return
        ledger.write_chunk_state(
            self.run, part.feed.name, part.number, state=state, fingerprint=part.fingerprint, counts=tally.to_dict(),
            attempts=attempts, reason=reason, first=part.records[0].place, last=part.records[-1].place, mark=part.mark,
        )  # fmt: skip

    def _finish_chunk(self, part: _Part, tally: Tally) -> None:
        self._count(tally)
        log.info("一批做完", extra={"fields": {"run": self.report.run, "chunk": part.number, **tally.numbers()}})
        if not part.feed.ordered:
            self.rejected += [r for r in part.records if isinstance(r, Rejected)]

    def _count(self, tally: Tally) -> None:
        self.report.add(tally)
        self.rejected += [Rejected(place, code, reason, key) for place, code, reason, key in tally.refused]


def _gather(new: Sequence[Document], answers: Future[_Answers]) -> Gathered:
    """Gather from those that were scored: they come first; in a thread of its own, while the store is at work."""
    results, _ = answers.result()
    return gather([d for d, e in zip(new, results, strict=False) if isinstance(e, Entry)])


def _ahead(parts: Iterator[_Part], reader: Executor) -> Iterator[_Part]:
    """Yield ``parts``; while one is worked on, the next is read in a thread of ``reader``."""
    coming = reader.submit(next, parts, None)
    while (part := coming.result()) is not None:
        coming = reader.submit(next, parts, None)
        yield part
