"""From where a night reads when only new rows are wanted.

The mark is kept with the run, in its plan. It lags behind on purpose: rows are stamped before they are committed, and
clocks and time zones of two machines differ. It lags behind the newest row too: a copy that stood still for days brings
rows of those days when it goes on. What is read once more is recognised as unchanged.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.errors import SourceError

if TYPE_CHECKING:
    from pipeline.desk.models import Run

__all__ = ["decode", "next_mark", "plan_of"]

T = TypeVar("T", dt.date, dt.datetime)

LAG = dt.timedelta(days=1)
#: Of rising integers so many before the highest are read again.
LAG_NUMBERS = 10_000
#: As PostgreSQL writes a time that Python's cannot be.
_BEYOND = re.compile(r"-?infinity|\d{5,}-\d\d-\d\d.*|\d+-\d\d-\d\d.* BC")


def next_mark(highest: Any, now: dt.datetime) -> list[Any] | None:
    """Return the mark the next night may start from, given the column's highest value and the time (with a zone).

    Raises SourceError ``ZF-TAB-WATERMARK`` when the column holds neither times nor integers, or a time out of range.
    """
    naive = now.astimezone(dt.UTC).replace(tzinfo=None)
    match highest:
        case None:
            return None
        case dt.datetime() if highest.tzinfo:
            return ["aware", _before(min(highest, now)).isoformat()]
        case dt.datetime():
            return ["naive", _before(min(highest, naive)).isoformat()]
        case dt.date():
            return ["date", _before(min(highest, naive.date())).isoformat()]
        case int() if not isinstance(highest, bool):
            return ["number", highest - LAG_NUMBERS]
        case str() if _BEYOND.fullmatch(highest):
            raise SourceError(
                "ZF-TAB-WATERMARK", "水位列里有超出公元 1 至 9999 年的时间",
                "改正那一行，或在 zuofeng.toml 的 [tables] watermark 里换一列，或去掉它。", [f"读到的是 {highest}"],
            )  # fmt: skip
        case str() if (time := _time_of(highest)) is not None:
            return ["text", _before(min(time, naive)).isoformat(" ", "seconds")]
    raise SourceError(
        "ZF-TAB-WATERMARK", "水位列须是时间或递增的整数", "在 zuofeng.toml 的 [tables] watermark 里换一列，或去掉它。",
        [f"读到的是 {type(highest).__name__}"],
    )  # fmt: skip


def decode(mark: list[Any] | None) -> Any:
    """Return a mark as a value to compare the column with."""
    match mark:
        case ["aware" | "naive", value]:
            return dt.datetime.fromisoformat(value)
        case ["date", value]:
            return dt.date.fromisoformat(value)
        case [_, value]:
            return value
    return None


def plan_of(*, source: str, model: str, digest: str, upto: list[Any] | None) -> dict[str, Any]:
    """Return what the run's plan says of the source: an open run's own, else one that starts where the last ended.

    Only a run that was done whole counts (read to the end, nothing set aside). After a night with another model or
    with other settings everything is read: whatever became of it, it may have written over what earlier ones left.
    """
    from pipeline.batch.ledger import OPEN
    from pipeline.desk.models import Run

    last: Run | None = Run.objects.first()
    if last is not None and last.state in OPEN and _same(last, source, model, digest):
        return dict(last.plan["table"])
    for run in Run.objects.filter(kind="nightly", source=source):
        if not _same(run, source, model, digest):
            break
        if (run.state, run.reason) == ("done", "") and not run.chunks.filter(state="aside").exists():
            return {"digest": digest, "above": run.plan["table"]["upto"], "upto": upto}
    return {"digest": digest, "above": None, "upto": upto}


def _same(run: Run, source: str, model: str, digest: str) -> bool:
    return bool((run.source, run.model) == (source, model) and run.plan.get("table", {}).get("digest") == digest)


def _before(time: T) -> T:
    """Return ``time`` less the lag, as far as times go."""
    try:
        return time - LAG
    except OverflowError:
        return time


def _time_of(text: str) -> dt.datetime | None:
    """Return the time that a text says, as it stands there; None when it says none."""
    try:
        return None if text.isdecimal() else dt.datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None
