"""The main job: read everything new, score it, write it back, say what was done."""

from __future__ import annotations

import datetime as dt
import itertools
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from pipeline.batch.report import RunReport, write_rejected_csv, write_report
from pipeline.batch.sources import SUFFIXES, ColumnMap, Limits, expand, open_source, skipped
from pipeline.batch.writeback import WriteBack
from pipeline.documents import Document, Prediction, Rejected, text_hash
from pipeline.errors import SourceError, UnfinishedError
from pipeline.model.score import Scorer

if TYPE_CHECKING:
    from pipeline.desk.models import Run

__all__ = ["Progress", "nightly"]

Record = Document | Rejected
#: Called with the file's number, how many files there are, its name, and the records read so far.
Progress = Callable[[int, int, str, int], None]
TOP = 20


@dataclass
class _Night:
    """The state of one run in the parent process; only this writes."""

    scorer: Scorer
    report: RunReport
    run: Run | None
    writeback: WriteBack | None
    rejected: list[Rejected] = field(default_factory=list)
    seen: dict[int, tuple[int, str]] = field(default_factory=dict)


def nightly(
    *,
    source: str,
    scorer: Scorer,
    store: str,
    state: Path,
    columns: ColumnMap,
    limits: Limits,
    chunk: int = 2000,
    dry_run: bool = False,
    write_back: Path | None = None,
    progress: Progress = lambda number, files, name, records: None,
) -> RunReport:
    """Run one night and return its report; raises SourceError when nothing can be read at all.

    Running it again is safe at any time: what is stored for the same text and model stays as it is. A file
    that cannot be opened is named in the report and the night goes on with the others.
    """
    from pipeline.desk.configure import open_store

    state.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with _only_one(state / "nightly.lock"), ExitStack() as stack:
        paths = expand(source)
        open_store(store)
        from pipeline.batch import store as rows
        from pipeline.desk.models import Run

        now = dt.datetime.now(dt.UTC)
        report = RunReport(
            run=f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}",
            model=scorer.bundle.id,
            sources=[str(p) for p in paths],
            dry_run=dry_run,
            started=now.isoformat(timespec="seconds"),
            unreadable=[
                {
                    "file": str(p),
                    "code": "ZF-SRC-SUFFIX",
                    "reason": "不认得这种文件",
                    "hint": f"能读的有 {' '.join(SUFFIXES)}",
                }
                for p in skipped(source)
            ],
        )
        run = None
        if not dry_run:
            Run.objects.filter(state="running").update(state="died")
            run = Run.objects.create(id=report.run, source=source, model=report.model, started=now)
        back = (
            stack.enter_context(WriteBack(write_back, scorer.bundle.taxonomy)) if write_back and not dry_run else None
        )
        night = _Night(scorer, report, run, back)
        for number, path in enumerate(paths, 1):
            progress(number, len(paths), path.name, report.read)
            for records in _chunks(_records(path, columns, limits, report), chunk):
                _take(night, records)
                progress(number, len(paths), path.name, report.read)
        if paths and len(report.unreadable) >= len(paths) and report.read == 0:
            if run is not None:
                run.state, run.finished = "failed", dt.datetime.now(dt.UTC)
                run.save()
            raise SourceError(
                report.unreadable[0]["code"],
                report.unreadable[0]["reason"],
                report.unreadable[0]["hint"],
                [f"{u['file']} -> {u['reason']}" for u in report.unreadable[1:]],
            )
        report.top = rows.top_documents(report.model, TOP)
        report.finished = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        report.seconds = round(time.monotonic() - started, 2)
        if run is not None:
            if night.rejected:
                listed = state / "reports" / f"{report.run}-rejected.csv"
                write_rejected_csv(night.rejected, listed)
                report.rejected_file = str(listed)
            write_report(report, state / "reports")
            run.state, run.finished, run.counts = "done", dt.datetime.now(dt.UTC), _counts(report)
            run.save()
    return report


def _take(night: _Night, records: Sequence[Record]) -> None:
    """Sort one chunk into new, changed, unchanged and rejected; score; write in one transaction."""
    from pipeline.batch import store as rows

    report = night.report
    report.read += len(records)
    records = [_once(night, r) for r in records]
    documents = [r for r in records if isinstance(r, Document)]
    rejected = [r for r in records if isinstance(r, Rejected)]
    stored = rows.known([d.id for d in documents], report.model)
    todo: list[Document] = []
    moved: list[Document] = []
    for d in documents:
        old, digest = stored.get(d.id), text_hash(d.text)
        if old is None:
            report.new += 1
            todo.append(d)
        elif old.text_hash != digest:
            report.changed += 1
            todo.append(d)
        elif old.scored_hash != digest:
            report.rescored += 1
            todo.append(d)
        else:
            report.unchanged += 1
            if old.meta != rows.meta_of(d):
                moved.append(d)
    predictions = night.scorer.score(todo) if todo and not report.dry_run else []
    for p in predictions:
        report.problems += p.is_problem
        report.review += p.review
        report.labels.update(label for decided in p.decided.values() for label, _ in decided)
    report.rejected += len(rejected)
    report.reasons.update(r.reason for r in rejected)
    night.rejected += rejected
    if night.run is not None:
        rows.write_chunk(night.run, list(zip(todo, predictions, strict=True)), moved, _provenance(night.scorer))
        rows.write_rejected(night.run, rejected)
    if night.writeback is not None:
        _write_back(night.writeback, records, predictions, report.model)


def _once(night: _Night, record: Record) -> Record:
    """Set aside a record whose number already came in this run."""
    if isinstance(record, Rejected):
        return record
    digest = hash(text_hash(record.text))
    key = hash(record.id)
    before = night.seen.get(key)
    if before is None:
        night.seen[key] = digest, record.place
        return record
    if before[0] == digest:
        return Rejected(
            record.place, "ZF-REC-DUPLICATE", f"与 {before[1]} 编号和内容都相同，只算一次", record.id, record.text
        )
    return Rejected(
        record.place, "ZF-REC-CONFLICT", f"与 {before[1]} 编号相同而内容不同，请核对编号", record.id, record.text
    )


def _records(path: Path, columns: ColumnMap, limits: Limits, report: RunReport) -> Iterator[Record]:
    """Read one file; one that cannot be read goes into the report, and what came before its fault counts."""
    try:
        yield from open_source(path, columns=columns, limits=limits)
    except SourceError as e:
        report.unreadable.append({"file": str(path), "code": e.code, "reason": e.message, "hint": e.hint})


def _chunks(records: Iterator[Record], size: int) -> Iterator[list[Record]]:
    while some := list(itertools.islice(records, size)):
        yield some


def _write_back(back: WriteBack, records: Sequence[Record], predictions: Sequence[Prediction], model: str) -> None:
    from pipeline.batch import store as rows

    fresh = {p.id: p.to_dict() for p in predictions}
    others = [r.id for r in records if isinstance(r, Document) and r.id not in fresh]
    results: dict[str, Any] = {**rows.stored_predictions(others, model), **fresh}
    for r in records:
        if isinstance(r, Document):
            back.add(r.row or {"id": r.id, "text": r.text}, results[r.id])
        else:
            back.add({"编号": r.id, "位置": r.place, "原文": r.raw}, None, f"{r.code} {r.reason}")


def _provenance(scorer: Scorer) -> dict[str, str]:
    bundle = scorer.bundle
    return {
        "taxonomy": f"{bundle.taxonomy.id} {bundle.taxonomy.version}",
        "segmenter": str(bundle.manifest["segmenter"]),
        "dictionary": str(bundle.manifest["dictionary"]),
    }


def _counts(report: RunReport) -> dict[str, int]:
    names = ("read", "new", "changed", "rescored", "unchanged", "rejected", "problems", "review")
    return {n: getattr(report, n) for n in names}


class _only_one:  # noqa: N801  a context manager reads as a verb
    """Hold the lock of the night, or say who has it."""

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path, timeout=0)

    def __enter__(self) -> None:
        try:
            self._lock.acquire()
        except Timeout as e:
            raise UnfinishedError("ZF-NIGHT-RUNNING", "已有一个夜间任务在运行", "等它结束再运行；它不会受影响。") from e

    def __exit__(self, *_: object) -> None:
        self._lock.release()
