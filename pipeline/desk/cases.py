"""Bring the queue up to what the night wrote. People's decisions are never touched."""

from __future__ import annotations

import datetime as dt
import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Count, Exists, F, Max, OuterRef, Q
from django.utils import timezone

from pipeline.desk import search
from pipeline.desk.among import among
from pipeline.desk.groups import link
from pipeline.desk.models import Document, Prediction, Run
from pipeline.desk.priority import prioritise, uncertainty_of
from pipeline.desk.second_opinion import look_on
from pipeline.desk.states import State
from pipeline.desk.tables import Case, CaseLabel, Tally
from pipeline.desk.tallies import roll_up
from pipeline.desk.upsert import upsert

__all__ = ["refresh", "refresh_if_new", "take_in"]

CHUNK = 2000
#: What a person's work on a case, or a draw that nobody may guess, keeps as it is.
_STATE = ("state", "blind")
_ORDER = ("priority", "uncertainty", "reasons")


class _Said(NamedTuple):
    """What a place in the queue is made of: a prediction, its run and its document."""

    id: int
    document: int
    model: str
    text_hash: str
    is_problem: bool
    problem_score: float
    review: bool
    decided: Mapping[str, Sequence[Mapping[str, Any]]]
    scores: Mapping[str, Mapping[str, Any]]
    run: str
    serial: int
    started: dt.datetime
    text: str
    received: str
    purged: bool

    @classmethod
    def of(cls, ids: Sequence[int]) -> list[_Said]:
        rows = Prediction.objects.filter(among(ids))
        return [cls(*row) for row in rows.values_list(*(_COLUMNS.get(f, f) for f in cls._fields))]


_COLUMNS = {
    "document": "document_id", "run": "run_id", "serial": "run__serial", "started": "run__started",
    "text": "document__text", "received": "document__received", "purged": "document__purged",
}  # fmt: skip


def refresh_if_new() -> int:
    """Refresh when some night began or ended since anybody last looked, and look on with the office's rules; return
    changed cases.
    """
    seen = Run.objects.aggregate(last=Max("started"), ended=Max("finished"), n=Count("id"))
    state = {k: str(v) for k, v in seen.items()}
    changed = 0
    if not Tally.objects.filter(name="queue", data=state).exists():
        changed = take_in()
        Tally.objects.update_or_create(name="queue", defaults={"at": timezone.now(), "cases": 0, "data": state})
    while look_on():
        pass
    return changed


def take_in(live: str | None = None) -> int:
    """Bring everything up to what was scored: places in the queue, groups, search, counts; return how many places
    changed.

    ``live`` is the model to show, of the last night that was done when it is None.
    """
    changed = refresh(live)
    link()
    search.bring_up()
    roll_up()
    return changed


def refresh(live: str | None = None) -> int:
    """Give every scored document its place in the queue; return how many places are new or moved."""
    live = _live() if live is None else live
    same = Q(document__case__prediction=F("id"))
    # A run that was continued keeps its number: a text that changed in between tells by its hash.
    rewritten = same & (~Q(document__case__run=F("run_id")) | ~Q(document__case__text_hash=F("text_hash")))
    newer = Q(document__case__serial__lt=F("run__serial"))
    current = Q(model=live, text_hash=F("document__text_hash"))
    lives = Exists(Prediction.objects.filter(current, document=OuterRef("document")))
    # What another model said in advance waits until a night uses that model: no two models in one queue.
    stale = Prediction.objects.filter(Q(model=live) | ~Q(run__kind="rescore")).filter(
        Q(document__case=None) | rewritten | (current & ~same) | (newer & ~lives)
    )
    ids = list(stale.order_by("run__serial", "id").values_list("id", flat=True))
    changed = 0
    for at in range(0, len(ids), CHUNK):
        # The live model says the last word, where it has said nothing the newest run's.
        said = sorted(_Said.of(ids[at : at + CHUNK]), key=lambda p: (p.model == live, p.serial, p.id))
        newest = {p.document: p for p in said}
        with transaction.atomic():
            _write(list(newest.values()))
        changed += len(newest)
    return changed


def _live() -> str:
    """The model of the last night that was done; one that broke off changes nothing for those who read."""
    last = Run.objects.filter(kind="nightly", state="done").order_by("-serial").values_list("model", flat=True).first()
    return last or ""


def _write(predictions: Sequence[_Said]) -> None:
    hashes = [p.text_hash for p in predictions]
    texts = Document.objects.filter(among(hashes, "text_hash"))
    same = Counter(dict(texts.values_list("text_hash").annotate(n=Count("id"))))
    found = Case.objects.select_for_update().filter(among([p.document for p in predictions])).order_by("pk")
    before = {c.pk: c for c in found}
    day = functools.cache(_local_day)
    rows, relabel = [], {}
    for p in predictions:
        place = _place(p, same[p.text_hash] - 1, day(p.started))
        old = before.get(p.document)
        if old is not None and old.state not in (State.AUTO, State.OPEN) and old.text_hash == p.text_hash:
            place.update((f, getattr(old, f)) for f in _STATE)
        elif old is not None and old.unseen and old.text_hash == p.text_hash:
            # Drawn to be judged blind: where it stands must go on saying nothing of the model.
            place.update((f, getattr(old, f)) for f in (*_STATE, *_ORDER))
        else:
            relabel[p.document] = [d["id"] for labels in p.decided.values() for d in labels]
        rows.append(place)
    fields = list(rows[0])
    upsert(Case, fields, [list(r.values()) for r in rows], unique=["document"], update=fields[1:])
    CaseLabel.objects.filter(case__in=[c for c in relabel if c in before]).delete()
    labels = [(case, label, False) for case, some in relabel.items() for label in some]
    upsert(CaseLabel, ["case", "label", "by_people"], labels, unique=["label", "case"], update=["by_people"])


def _place(p: _Said, same_text: int, read: dt.date) -> dict[str, Any]:
    """Return the row of the prediction's document."""
    weighed = prioritise(
        problem_score=p.problem_score,
        labels=sum(map(len, p.decided.values())),
        text=p.text,
        same_text=max(0, same_text),
        received=p.received,
        read=read,
    )
    return {
        "document": p.document,
        "state": (State.OPEN if p.is_problem or p.review else State.AUTO).value,
        "priority": weighed.order,
        "uncertainty": uncertainty_of(p.scores, p.problem_score, p.review),
        "reasons": weighed.reasons,
        "prediction": p.id,
        "run": p.run,
        "serial": p.serial,
        "text_hash": p.text_hash,
        "against": None,
        "blind": False,
        "purged": p.purged,
    }


def _local_day(at: dt.datetime) -> dt.date:
    day: dt.date = timezone.localtime(at).date()
    return day
