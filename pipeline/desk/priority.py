"""Why a document comes before another: points that a person can read and add up."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import re
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Priority", "day_of", "prioritise", "uncertainty_of", "waiting"]

CERTAIN, EACH_LABEL, MOST_LABELS = 40, 6, 4
REPEATED, UNANSWERED, SAME_TEXT, MOST_SAME = 10, 10, 4, 5
#: Days a document may count as having waited when it comes in.
OLDEST = 60

_DAY = re.compile(r"((?:19|20)\d{2})[-/.年](\d{1,2})[-/.月](\d{1,2})")


class Priority(NamedTuple):
    """``reasons`` are (what, points) without the days waited; ``order`` sorts: a day's wait weighs one point."""

    reasons: tuple[tuple[str, int], ...]
    order: int


def prioritise(
    *, problem_score: float, labels: int, again: bool, unanswered: bool, same_text: int, received: str, read: dt.date
) -> Priority:
    """Weigh one document. ``again`` and ``unanswered`` are what it `complains_of`, ``same_text`` counts other documents
    with this very text, ``read`` is the night's date.
    """
    shown, certain = f"问题分 {problem_score:.2f}", round(problem_score * CERTAIN)
    reasons, points = _reasons(shown, certain, labels, again, unanswered, same_text)
    # All open documents age alike: with the first day subtracted, their order never changes by waiting.
    return Priority(reasons, points - _since(received[:10] if _is_plain(received) else received, read))


@functools.lru_cache(maxsize=1 << 14)
def _reasons(
    shown: str, certain: int, labels: int, again: bool, unanswered: bool, same_text: int
) -> tuple[tuple[tuple[str, int], ...], int]:
    """Return the reasons, and what their points add up to; a night has the same ones over and over."""
    reasons = [(shown, certain)]
    if labels:
        reasons.append((f"判出 {labels} 个标签", min(labels, MOST_LABELS) * EACH_LABEL))
    if again:
        reasons.append(("文中说反映过多次", REPEATED))
    if unanswered:
        reasons.append(("文中说打过电话、投诉过没有回音", UNANSWERED))
    if same_text:
        reasons.append((f"另有 {same_text} 件同文", min(same_text, MOST_SAME) * SAME_TEXT))
    return tuple(reasons), sum(p for _, p in reasons)


@functools.lru_cache(maxsize=1 << 12)
def _since(received: str, read: dt.date) -> int:
    """Return the number of the day from which a document counts as waiting; a night has few of them."""
    since = max(day_of(received) or read, read - dt.timedelta(days=OLDEST))
    return min(since, read).toordinal()


def waiting(order: int, reasons: list[tuple[str, int]], today: dt.date) -> int:
    """Return the days waited that are hidden in ``order``; they are points as they stand."""
    return max(0, order + today.toordinal() - sum(p for _, p in reasons))


def uncertainty_of(scores: npt.ArrayLike, review: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return 0 (sure) to 200 of texts with ``scores`` (texts, all of a text), (texts,): how close the most doubtful
    one is to a coin's toss, more when ``review`` was asked.
    """
    doubt = (1 - 2 * abs(np.asarray(scores) - 0.5)).max(-1)
    return np.rint(doubt * 100).astype(np.int64) + 100 * np.asarray(review, np.int64)


def day_of(received: str) -> dt.date | None:
    """Return the day written in a free-form date, None when there is none."""
    if _is_plain(received):
        with contextlib.suppress(ValueError):
            return dt.date.fromisoformat(received[:10])
    found = _DAY.search(received)
    if found is None:
        return None
    try:
        return dt.date(*map(int, found.groups()))
    except ValueError:
        return None


def _is_plain(received: str) -> bool:
    """Whether a date stands at the beginning as nearly all are written, 2026-01-31."""
    return received[4:5] == "-" == received[7:8] and received[:2] in ("19", "20")
