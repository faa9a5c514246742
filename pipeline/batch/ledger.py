"""The ledger: which run this is, which of its chunks are done, and how it ended."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max

from pipeline.desk.models import Chunk, Run
from pipeline.model.runs import program

__all__ = [
    "KINDS", "OPEN", "STATES", "Chunks", "began", "begin", "chunks_of", "counts_before", "finish", "new_id", "program",
    "runs_before", "runs_on", "same", "write_chunk_state",
]  # fmt: skip

#: By source and number.
Chunks = dict[tuple[str, int], Chunk]
#: States of a run that a later one takes up.
OPEN = ("running", "unfinished")
#: What people read of a run's state and of its kind.
STATES = {
    "done": "做完",
    "running": "没有结束",
    "unfinished": "停在半路",
    "failed": "没有做成",
    "died": "中断，已由后来的接替",
}
KINDS = {"nightly": "夜间任务", "rescore": "重新打分", "purge": "清除"}
#: How the id of a run begins: when it was made, in UTC.
_WHEN = "%Y%m%dT%H%M%S"


def new_id(now: dt.datetime) -> str:
    """Return a new run's id: readable, and unique even when a clock goes back."""
    return f"{now:{_WHEN}}-{uuid.uuid4().hex[:6]}"


def began(run: str) -> dt.datetime | None:
    """Return when the run of this id was made, read from the id alone; None when it is none."""
    try:
        return dt.datetime.strptime(run.partition("-")[0], _WHEN).replace(tzinfo=dt.UTC)
    except ValueError:
        return None


def begin(*, kind: str, source: str, model: str, plan: Mapping[str, Any], now: dt.datetime) -> Run:
    """Continue the last run when it stopped half-way on the same work, else start a new one.

    Only the very last run is continued: after another one has written, its chunks may be out of date.
    """
    with transaction.atomic():
        last: Run | None = Run.objects.first()
        if last is not None and last.state in OPEN and same(last, kind, source, model, plan):
            last.state, last.reason, last.starts = "running", "", last.starts + 1
            if program() not in last.program.split("、"):
                last.program = f"{last.program}、{program()}".strip("、")
            last.save(update_fields=["state", "reason", "starts", "program"])
            return last
        Run.objects.filter(state__in=OPEN).update(state="died", reason="没有做完，由后来的一次接替")
        serial = (Run.objects.aggregate(top=Max("serial"))["top"] or 0) + 1
        run = Run(
            id=new_id(now), serial=serial, kind=kind, source=source, model=model, plan=dict(plan), started=now,
            program=program(),
        )  # fmt: skip
        run.save(force_insert=True)
        return run


def runs_on(day: dt.date, zone: dt.tzinfo) -> list[Run]:
    """Return the runs that were started on ``day`` in ``zone``, in order."""
    start = dt.datetime.combine(day, dt.time(), zone)
    return list(Run.objects.filter(started__gte=start, started__lt=start + dt.timedelta(days=1)).order_by("serial"))


def runs_before(run: str, most: int) -> list[str]:
    """Return up to ``most`` earlier runs of the same kind, source and model that were done, latest first."""
    of = Run.objects.get(id=run)
    done = Run.objects.filter(kind=of.kind, source=of.source, model=of.model, state="done", serial__lt=of.serial)
    return list(done.values_list("id", flat=True)[:most])


def counts_before(run: str, most: int) -> list[list[dict[str, Any]]]:
    """Return the counts of the chunks of those runs, in their order."""
    found: dict[str, list[dict[str, Any]]] = {earlier: [] for earlier in runs_before(run, most)}
    for earlier, counts in Chunk.objects.filter(run__in=list(found)).values_list("run_id", "counts"):
        found[earlier].append(counts)
    return list(found.values())


def same(run: Run, kind: str, source: str, model: str, plan: Mapping[str, Any]) -> bool:
    """Whether ``run`` was about this work."""
    return (run.kind, run.source, run.model, run.plan) == (kind, source, model, dict(plan))


def chunks_of(run: Run) -> Chunks:
    """Return the states of a run's chunks."""
    return {(c.source, c.number): c for c in Chunk.objects.filter(run=run)}


def write_chunk_state(
    run: Run,
    source: str,
    number: int,
    *,
    state: str,
    fingerprint: str,
    counts: Mapping[str, Any],
    attempts: int = 0,
    reason: str = "",
    mark: Any = None,
    first: str = "",
    last: str = "",
) -> None:
    """Write one chunk's state; called inside the transaction of its rows."""
    row = Chunk(
        run=run, source=source, number=number, state=state, fingerprint=fingerprint, counts=dict(counts),
        attempts=attempts, reason=reason, mark=mark, first=first, last=last,
    )  # fmt: skip
    Chunk.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["run", "source", "number"],
        update_fields=["state", "fingerprint", "counts", "attempts", "reason", "mark", "first", "last"],
    )


def finish(run: Run, state: str, *, counts: Mapping[str, Any], reason: str = "") -> None:
    """Say how the run ended."""
    run.state, run.reason, run.counts = state, reason, dict(counts)
    run.finished = dt.datetime.now(dt.UTC)
    run.save(update_fields=["state", "reason", "counts", "finished"])
