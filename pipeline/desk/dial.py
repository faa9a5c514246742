"""Workload against risk: what could be left to the model at each promise, and how much of it would be wrong.

A text is left to the model when the model is at least that sure of every single call, of what it gives and of what it
leaves out. Two readings of the risk stand side by side: expected, from the calibrated scores, and found, where people
have decided such texts themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection
from django.db.models import Exists, F, OuterRef

from pipeline.desk.models import Prediction, Run
from pipeline.desk.schemes import decided_ids
from pipeline.desk.states import Kind, Turn
from pipeline.desk.tables import Decision
from pipeline.desk.tallies import kept

__all__ = ["PROMISES", "Setting", "count_dial", "dial", "settings_of", "sureness"]

PROMISES = (0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99)
#: The newest texts and the newest first readings stand for all.
MOST_TEXTS, MOST_READ = 2000, 2000
#: Readings after which the counts are made again.
STEP = 25
_made: dict[str, tuple[object, tuple[Setting, ...]]] = {}


@dataclass(frozen=True, slots=True)
class Setting:
    """One promise: of ``texts`` the model would decide ``automatic``, ``wrong`` of them wrongly as expected.

    ``read`` of those that people read were as sure, in ``changed`` of them people said otherwise.
    """

    promise: float
    texts: int
    automatic: int
    wrong: float
    read: int
    changed: int

    @property
    def share(self) -> float:
        """Share of texts that nobody would read."""
        return self.automatic / self.texts if self.texts else 0.0

    @property
    def by_people(self) -> int:
        """Texts of a thousand that people would read."""
        return round(1000 * (1 - self.share))

    @property
    def wrong_per_thousand(self) -> float:
        """Texts of a thousand that would be decided wrongly without anybody looking."""
        return 1000 * self.wrong / self.texts if self.texts else 0.0

    @property
    def found(self) -> float:
        """Share of the texts read by people that they changed."""
        return self.changed / self.read if self.read else 0.0


def dial() -> tuple[Setting, ...]:
    """Return every setting, nothing while nothing was scored: of a large store as it was last counted."""
    row = kept("dial")
    if row is not None:
        return tuple(Setting(**s) for s in row.data["settings"])
    name = str(connection.settings_dict["NAME"])
    run = Run.objects.order_by("-started").values_list("id", "finished").first()
    last = Decision.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    stamp = run, last // STEP
    last_made = _made.get(name)
    if last_made is None or last_made[0] != stamp:
        last_made = _made[name] = (stamp, settings_of(_newest(), _read()))
    return last_made[1]


def count_dial() -> dict[str, Any]:
    """Count the settings now; the result is plain enough to be kept as JSON."""
    return {"settings": [asdict(s) for s in settings_of(_newest(), _read())]}


def settings_of(texts: Sequence[tuple[float, float]], read: Iterable[tuple[float, bool]]) -> tuple[Setting, ...]:
    """Return the settings for ``texts`` (least sureness, chance that all is right) and ``read`` (sureness, changed)."""
    if not texts:
        return ()
    seen = list(read)
    made = []
    for promise in PROMISES:
        left = [right for least, right in texts if least >= promise]
        as_sure = [changed for least, changed in seen if least >= promise]
        wrong = math.fsum(1 - right for right in left)
        made.append(Setting(promise, len(texts), len(left), wrong, len(as_sure), sum(as_sure)))
    return tuple(made)


def sureness(said: Mapping[str, Any]) -> tuple[float, float]:
    """Return how sure the model is of its least sure call, and the chance that all its calls are right.

    The chance takes the calls as independent; they are not quite, so it is a little too low: the cautious side.
    """
    given = decided_ids(said["decided"])
    calls = [v if label in given else 1 - v for scheme in said["scores"].values() for label, v in scheme.items()]
    calls.append(said["problem_score"] if said["is_problem"] else 1 - said["problem_score"])
    calls = [min(1.0, max(0.0, float(c))) for c in calls]
    return min(calls), math.prod(calls)


_FIELDS = ("decided", "scores", "problem_score", "is_problem")


def _newest() -> list[tuple[float, float]]:
    live = Run.objects.filter(kind="nightly", state="done").order_by("-serial").values_list("model", flat=True).first()
    rows = Prediction.objects.filter(model=live or "").order_by("-pk").values(*_FIELDS)[:MOST_TEXTS]
    return [sureness(row) for row in rows]


def _read() -> list[tuple[float, bool]]:
    """First readings that stand, of each document the newest, beside what the model said of the same text."""
    # Asked of each, for joined to what undoes them all would be read to find the newest.
    stands = ~Exists(Decision.objects.filter(undoes=OuterRef("pk")))
    made = Decision.objects.filter(stands, turn=Turn.FIRST).exclude(kind__in=(Kind.UNDO, Kind.UNSURE))
    of: dict[int, dict[str, Any]] = {}
    for d in made.order_by("-pk").values("document_id", "kind", "model", "text_hash")[:MOST_READ]:
        of.setdefault(d["document_id"], d)
    said = Prediction.objects.filter(document__in=list(of), text_hash=F("document__text_hash"))
    return [
        (sureness(row)[0], of[row["document_id"]]["kind"] != Kind.CONFIRM)
        for row in said.values("document_id", "model", "text_hash", *_FIELDS)
        if (row["model"], row["text_hash"]) == tuple(of[row["document_id"]][k] for k in ("model", "text_hash"))
    ]
