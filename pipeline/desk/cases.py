"""Bring the queue up to what the night wrote. People's decisions are never touched."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Count, Exists, F, Max, OuterRef, Q
from django.utils import timezone

from pipeline.batch.lock import held
from pipeline.desk import search
from pipeline.desk.among import among
from pipeline.desk.complaints import complains_of
from pipeline.desk.groups import link
from pipeline.desk.models import Chunk, Document, Prediction, Run
from pipeline.desk.priority import prioritise, uncertainty_of
from pipeline.desk.schemes import decided_ids
from pipeline.desk.second_opinion import look_on
from pipeline.desk.states import Kind, State
from pipeline.desk.tables import Case, CaseLabel, Decision, Tally
from pipeline.desk.tallies import roll_up
from pipeline.desk.upsert import insert, upsert

__all__ = ["Scored", "refresh", "refresh_if_new", "take_in", "take_in_new"]

CHUNK = 2000
#: What a person's work on a case, or a draw that nobody may guess, keeps as it is.
_STATE = ("state", "blind")
_ORDER = ("priority", "uncertainty", "reasons")
_LABEL = ("case", "label", "by_people")
_PLACE = (
    "document", "state", "priority", "uncertainty", "reasons", "prediction", "run", "serial", "text_hash", "against",
    "blind", "purged",
)  # fmt: skip


class Scored(NamedTuple):
    """What a place in the queue is made of: a prediction, its run and its document."""

    prediction: int
    document: int
    model: str
    text_hash: str
    is_problem: bool
    problem_score: float
    review: bool
    labels: Sequence[str]
    uncertainty: int
    run: str
    serial: int
    started: dt.datetime
    received: str
    again: bool
    unanswered: bool
    purged: bool = False


def _stored(ids: Sequence[int]) -> list[Scored]:
    """Read predictions back."""
    found = Prediction.objects.filter(among(ids)).select_related("run", "document")
    return [
        Scored(
            p.pk, p.document_id, p.model, p.text_hash, p.is_problem, p.problem_score, p.review,
            decided_ids(p.decided),
            int(uncertainty_of([p.problem_score, *(v for of in p.scores.values() for v in of.values())], p.review)),
            p.run_id, p.run.serial, p.run.started, p.document.received, *complains_of(p.document.text),
            p.document.purged,
        )
        for p in found
    ]  # fmt: skip


def refresh_if_new() -> int:
    """Refresh when some night ended or was killed since anybody last looked, and look on with the office's rules;
    return changed cases.
    """
    seen = Run.objects.aggregate(last=Max("started"), ended=Max("finished"), n=Count("id"))
    last = Run.objects.first()
    # One that was killed has not ended, yet is to be looked at once, and again if it was taken up and killed once more.
    seen |= {"starts": last.starts, "chunks": Chunk.objects.filter(run=last).count()} if last else {}
    state = {k: str(v) for k, v in seen.items()}
    changed = 0
    goes_on = last is not None and last.state == "running" and held()
    if not goes_on and not Tally.objects.filter(name="queue", data=state).exists():
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
    with ThreadPoolExecutor(1, "counting") as beside:
        # What is counted are states and labels, which stand.
        counted = beside.submit(_roll_up)
        _recount()
        link()
        search.bring_up()
        counted.result()
    return changed


def _roll_up() -> None:
    try:
        roll_up()
    finally:
        connection.close()  # of this thread


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
        said = sorted(_stored(ids[at : at + CHUNK]), key=lambda p: (p.model == live, p.serial, p.prediction))
        newest = {p.document: p for p in said}
        with transaction.atomic():
            _write(list(newest.values()))
        changed += len(newest)
    return changed


def take_in_new(said: Sequence[Scored]) -> None:
    """Give documents that have none their places, in the transaction that stores them; `take_in` then sees to those
    whose text came before.
    """
    if not said:
        return
    day = functools.cache(timezone.localdate)
    rows = [_place(p, 0, day(p.started)) for p in said]
    insert(Case, _PLACE, rows, encoded=True)
    insert(CaseLabel, _LABEL, _labels({p.document: p.labels for p in said}))


def _live() -> str:
    """The model of the last night that was done; one that broke off changes nothing for those who read."""
    last = Run.objects.filter(kind="nightly", state="done").order_by("-serial").values_list("model", flat=True).first()
    return last or ""


def _write(predictions: Sequence[Scored]) -> None:
    # New rows too are written in the order in which they would be locked.
    predictions = sorted(predictions, key=lambda p: p.document)
    same = _same([p.text_hash for p in predictions])
    found = Case.objects.select_for_update().filter(among([p.document for p in predictions])).order_by("pk")
    before = {c.pk: c for c in found}
    judged = _judged([*before])
    day = functools.cache(timezone.localdate)
    rows, relabel = [], {}
    for p in predictions:
        place = dict(zip(_PLACE, _place(p, same[p.text_hash] - 1, day(p.started)), strict=True))
        old = before.get(p.document)
        if old is not None and old.unseen and old.text_hash == p.text_hash:
            # Drawn to be judged blind: where it stands must go on saying nothing of the model.
            place.update((f, getattr(old, f)) for f in (*_STATE, *_ORDER))
            place["reasons"] = json.dumps(old.reasons)
        elif old is not None and old.state not in (State.AUTO, State.OPEN) and old.text_hash == p.text_hash:
            place.update((f, getattr(old, f)) for f in _STATE)
            if old.state != State.DONE:
                # While the next person is waited for it carries the model's labels, nothing of the decision before.
                relabel[p.document] = p.labels
        else:
            relabel[p.document] = p.labels
            if p.document in judged:
                # What people decided on an older text is not dropped because the model finds nothing in the new one.
                place["state"] = State.OPEN.value
        rows.append(place)
    upsert(Case, _PLACE, [tuple(r.values()) for r in rows], unique=["document"], update=_PLACE[1:], encoded=True)
    CaseLabel.objects.filter(case__in=[c for c in relabel if c in before]).delete()
    upsert(CaseLabel, _LABEL, _labels(relabel), unique=["label", "case"], update=["by_people"])


def _judged(documents: Sequence[int]) -> set[int]:
    """Return those on which a decision stands, whatever their text was then."""
    made = Decision.objects.filter(among(documents, "document_id"), undone_by=None).exclude(kind=Kind.UNDO)
    return set(made.values_list("document_id", flat=True))


def _same(hashes: Sequence[str]) -> Counter[str]:
    """Count the documents with each of these texts, of those that more than one has."""
    texts = Document.objects.filter(among(hashes, "text_hash")).values_list("text_hash").annotate(n=Count("id"))
    return Counter(dict(texts.filter(n__gt=1)))


def _labels(of: Mapping[int, Sequence[str]]) -> list[tuple[int, str, bool]]:
    return [(case, label, False) for case, some in of.items() for label in some]


def _recount() -> None:
    """Weigh those anew that came since the last night that was done with a text that others have: they know of none."""
    done = Run.objects.filter(kind="nightly", state="done").aggregate(last=Max("serial"))["last"] or 0
    lately = Case.objects.filter(serial__gt=done)
    others = Document.objects.filter(text_hash=OuterRef("text_hash")).exclude(pk=OuterRef("pk"))
    ids = list(lately.filter(Exists(others)).order_by("pk").values_list("prediction_id", flat=True))
    for at in range(0, len(ids), CHUNK):
        with transaction.atomic():
            _write(_stored(ids[at : at + CHUNK]))


def _place(p: Scored, same_text: int, read: dt.date) -> tuple[Any, ...]:
    """Return the row of the prediction's document, the fields of _PLACE."""
    weighed = prioritise(
        problem_score=p.problem_score,
        labels=len(p.labels),
        again=p.again,
        unanswered=p.unanswered,
        same_text=max(0, same_text),
        received=p.received,
        read=read,
    )
    state = (State.OPEN if p.is_problem or p.review else State.AUTO).value
    return (
        p.document, state, weighed.order, p.uncertainty, _as_json(weighed.reasons), p.prediction, p.run, p.serial,
        p.text_hash, None, False, p.purged,
    )  # fmt: skip


_as_json = functools.lru_cache(maxsize=1 << 14)(json.dumps)
