"""Texts go, scores stay: the rows of one purge, chunk by chunk, each with the ledger in one transaction."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from django.db import connection, transaction
from django.db.models import F, Min, Q, QuerySet, TextField
from django.db.models.functions import Cast

from pipeline.batch import ledger
from pipeline.batch.lock import hold_store
from pipeline.batch.patience import Patience
from pipeline.batch.purge import Purged
from pipeline.batch.sources import open_source
from pipeline.batch.store import without_quotes
from pipeline.desk import audit, search
from pipeline.desk.locks import lock
from pipeline.desk.models import Chunk, Document, Prediction, RejectedRecord, Run
from pipeline.desk.tables import Case, Signature
from pipeline.documents import Document as Read
from pipeline.errors import SourceError, UnfinishedError
from pipeline.whole import write_file

__all__ = ["remove"]

log = logging.getLogger("zuofeng.purge")
CHUNK = 500
_PARTS = ("documents", "rejected", "replaced")


def remove(
    *, before: dt.datetime, reports: Path, inbox: Path | None, actor: str, patience: Patience, dry_run: bool
) -> Purged:
    """Do the work of ``purge`` on an opened store."""
    now = dt.datetime.now(dt.UTC)
    misdated = patience.run(lambda: _misdated(before, now))
    old = Q(stored__lt=before) & ~Q(run__in=misdated)
    stored = Document.objects.filter(old, purged=False)
    rejected = RejectedRecord.objects.filter(run__started__lt=before).exclude(run__in=misdated).exclude(raw="")
    replaced = _replaced()
    kept = Document.objects.filter(~old, purged=False)
    if dry_run:
        result = Purged("", before, dry_run=True)
        result.counts["documents"] = patience.run(stored.count)
        said, older = Prediction.objects.filter(document__in=stored), replaced.exclude(document__in=stored)
        result.counts["quotes"] = patience.run(lambda: said.count() + older.count())
        result.counts["rejected"] = patience.run(rejected.count)
        gone = Document.objects.filter(Q(purged=True) | old)
        files = patience.run(lambda: _reports(reports, before, kept, misdated) | _handed_in(inbox, gone))
        result.counts["files"] = len(files)
        return result
    run = patience.run(lambda: _begin(before, now, actor))
    result = Purged(run.id, before, dry_run=False, starts=run.starts)
    done = patience.run(lambda: ledger.chunks_of(run))
    for chunk in done.values():
        result.counts.update(chunk.counts)
    for part, rows in zip(_PARTS, (stored, rejected, replaced), strict=True):
        number = max((n for p, n in done if p == part), default=0)
        while True:
            number += 1
            counts = patience.run(lambda: _chunk(run, part, number, rows))  # noqa: B023  runs at once
            result.counts.update(counts)
            if patience.stop.is_set():
                patience.run(lambda: _end(run, "unfinished", result.counts, actor, reason="收到停止信号"))
                raise UnfinishedError("ZF-PURGE-STOPPED", "收到停止信号：已清除的有效", "重跑即从这里接着做。")
            if not counts:
                break
    gone = Document.objects.filter(purged=True)
    files = patience.run(lambda: _reports(reports, before, kept, misdated) | _handed_in(inbox, gone))
    for path, cleaned in files.items():
        if cleaned is None:
            path.unlink()
        else:
            write_file(path, cleaned)
        result.counts["files"] += 1
    Patience(patience.seconds).run(lambda: _end(run, "done", result.counts, actor))
    patience.run(_scrub)
    return result


def _misdated(before: dt.datetime, now: dt.datetime) -> list[str]:
    """Return the runs whose clock had gone back: they say they are older than ``before`` and follow one that is not."""
    first = Run.objects.filter(started__gte=before, started__lte=now).aggregate(serial=Min("serial"))["serial"]
    later = Run.objects.filter(started__lt=before, serial__gt=first) if first is not None else Run.objects.none()
    found = list(later.values_list("id", flat=True))
    if found:
        log.warning(
            "有运行的时间比它前面的还早，时钟拨回过：那几次存入的这次不清除", extra={"fields": {"runs": len(found)}}
        )
    return found


def _begin(before: dt.datetime, now: dt.datetime, actor: str) -> Run:
    """Begin or continue the run; the trail says so before anything goes."""
    with transaction.atomic():
        run = ledger.begin(kind="purge", source=before.isoformat(), model="", plan={"chunk": CHUNK}, now=now)
        audit.record("purge.begin", run.id, actor=actor, before=before.isoformat(), starts=run.starts)
    return run


def _end(run: Run, state: str, counts: Counter[str], actor: str, *, reason: str = "") -> None:
    with transaction.atomic():
        ledger.finish(run, state, counts=counts, reason=reason)
        audit.record("purge.end", run.id, actor=actor, state=state, **counts)


def _chunk(run: Run, part: str, number: int, rows: QuerySet) -> Counter[str]:
    """Empty the next rows and write the chunk's state with them; nothing left returns nothing.

    The answer to a commit may be lost: a chunk that is done already returns what it did.
    """
    hold_store()
    done = Chunk.objects.filter(run=run, source=part, number=number).values_list("counts", flat=True).first()
    if done is not None:
        return Counter(done)
    with transaction.atomic():
        ids = list(rows.order_by("id").values_list("id", flat=True)[:CHUNK])
        if not ids:
            return Counter()
        counts = {"documents": _documents, "rejected": _rejected, "replaced": _older}[part](ids)
        ledger.write_chunk_state(
            run, part, number, state="done", fingerprint="", counts=counts, first=str(ids[0]), last=str(ids[-1])
        )
    return counts


def _documents(ids: Sequence[int]) -> Counter[str]:
    lock(Case.objects.filter(pk__in=ids))
    lock(Document.objects.filter(pk__in=ids))
    quotes = _unquote(Prediction.objects.filter(document__in=ids))
    # A signature is made of the text and tells whether another says the same.
    Signature.objects.filter(case__in=ids).delete()
    search.forget(ids)
    Document.objects.filter(id__in=ids).update(text="", title="", purged=True)
    Case.objects.filter(pk__in=ids).update(purged=True)
    return Counter(documents=len(ids), quotes=quotes)


def _rejected(ids: Sequence[int]) -> Counter[str]:
    return Counter(rejected=RejectedRecord.objects.filter(id__in=ids).update(raw=""))


def _replaced() -> QuerySet[Prediction]:
    """Return what still quotes a text that another has replaced since: only the model of that night was asked anew.

    When such a text came in is not on record, and it is nowhere else: its quotes go whatever their age.
    """
    said = Prediction.objects.exclude(text_hash=F("document__text_hash"))
    return said.annotate(written=Cast("evidence", TextField())).filter(written__regex=r'"quote": "[^"]')


def _older(ids: Sequence[int]) -> Counter[str]:
    return Counter(quotes=_unquote(Prediction.objects.filter(id__in=ids)))


def _unquote(said: QuerySet[Prediction]) -> int:
    predictions = list(said.only("id", "evidence"))
    for p in predictions:
        p.evidence = without_quotes(p.evidence)
    Prediction.objects.bulk_update(predictions, ["evidence"], batch_size=100)
    return len(predictions)


def _reports(
    folder: Path, before: dt.datetime, kept: QuerySet[Document], misdated: Collection[str]
) -> dict[Path, str | None]:
    """Return the report files that hold texts which go: what they may still say, None for nothing.

    Of runs before ``before``, but for those ``misdated``, all texts go. A later one lists the surest of the whole
    store: of these only texts stay that are still in the store, among those ``kept``.
    """
    found: dict[Path, str | None] = {}
    known = dict(Run.objects.values_list("id", "started"))
    for run in sorted({p.name.removesuffix(".json").removesuffix("-rejected.csv") for p in folder.glob("*")}):
        # Of a store that was restored or moved, some runs are in their files only.
        started = known.get(run) or ledger.began(run)
        listed, path = folder / f"{run}-rejected.csv", folder / f"{run}.json"
        old = started is not None and started < before and run not in misdated
        if old and listed.exists():
            found[listed] = None
        if not old and run not in known:
            continue
        if not path.exists():
            continue
        report = json.loads(path.read_text(encoding="utf-8"))
        texts = {} if old else dict(kept.filter(key__in=[d["id"] for d in report["top"]]).values_list("key", "text"))
        top = [d for d in report["top"] if texts.get(d["id"]) == d["text"]]
        left = {**report, "top": top}
        if old:
            left |= {"rejected_file": "", "unreadable": [_unread(u) for u in report.get("unreadable", [])]}
        if left != report:
            found[path] = json.dumps(left, ensure_ascii=False, indent=1) + "\n"
    return found


def _unread(file: dict[str, str]) -> dict[str, str]:
    """Return what was said of a file that could not be read, without what was found in it: where a table has no header,
    its first record was taken for one.
    """
    return {**file, "reason": file["reason"].partition("；")[0]}


def _handed_in(inbox: Path | None, gone: QuerySet[Document]) -> dict[Path, str | None]:
    """Return the files of ``inbox`` whose every document is among those ``gone``: nothing of them may be left.

    One that no night could read, or not wholly, stays.
    """
    found: dict[Path, str | None] = {}
    for path in sorted(inbox.glob("*.jsonl")) if inbox else ():
        try:
            records = list(open_source(path))
        except SourceError:
            continue
        keys = {r.id for r in records if isinstance(r, Read)}
        if all(isinstance(r, Read) for r in records) and gone.filter(key__in=keys).count() == len(keys):
            found[path] = None
    return found


def _scrub() -> None:
    """Let go of what the database itself still holds of removed rows."""
    search.scrub()
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            for table in (Document, Prediction, RejectedRecord, Signature):
                cursor.execute(f"VACUUM {connection.ops.quote_name(table._meta.db_table)}")
