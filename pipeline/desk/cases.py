"""Bring the queue up to what the night wrote. People's decisions are never touched."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Count, Exists, F, Max, OuterRef, Q
from django.utils import timezone

from pipeline.desk import search
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
#: Of a prediction and its document, what the queue has no use for.
_UNUSED = (
    *("evidence", "taxonomy", "segmenter", "dictionary", "thresholds"),
    *(f"document__{n}" for n in ("key", "text_hash", "title", "unit", "channel", "district", "place", "stored")),
)


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
        rows = Prediction.objects.filter(id__in=ids[at : at + CHUNK]).select_related("document", "run")
        rows = rows.defer(*_UNUSED)
        # The live model says the last word, where it has said nothing the newest run's.
        newest = {p.document_id: p for p in sorted(rows, key=lambda p: (p.model == live, p.run.serial, p.id))}
        with transaction.atomic():
            _write(list(newest.values()))
        changed += len(newest)
    return changed


def _live() -> str:
    """The model of the last night that was done; one that broke off changes nothing for those who read."""
    last = Run.objects.filter(kind="nightly", state="done").order_by("-serial").values_list("model", flat=True).first()
    return last or ""


def _write(predictions: Sequence[Prediction]) -> None:
    hashes = [p.text_hash for p in predictions]
    same = Counter(dict(Document.objects.filter(text_hash__in=hashes).values_list("text_hash").annotate(n=Count("id"))))
    before = {
        c.pk: c
        for c in Case.objects.select_for_update().filter(pk__in=[p.document_id for p in predictions]).order_by("pk")
    }
    cases, relabel = [], {}
    for p in predictions:
        case = _place(p, same[p.text_hash] - 1)
        old = before.get(p.document_id)
        if old is not None and old.state not in (State.AUTO, State.OPEN) and old.text_hash == p.text_hash:
            case.state, case.blind = old.state, old.blind
        elif old is not None and old.unseen and old.text_hash == p.text_hash:
            # Drawn to be judged blind: where it stands must go on saying nothing of the model.
            case.state, case.blind, case.priority = old.state, True, old.priority
            case.reasons, case.uncertainty = old.reasons, old.uncertainty
        else:
            relabel[p.document_id] = [d["id"] for labels in p.decided.values() for d in labels]
        cases.append(case)
    fields = [
        "state",
        "priority",
        "uncertainty",
        "reasons",
        "prediction_id",
        "run",
        "serial",
        "text_hash",
        "against",
        "blind",
        "purged",
    ]
    rows = [[c.document_id, *(getattr(c, f) for f in fields)] for c in cases]
    fields[fields.index("prediction_id")] = "prediction"
    upsert(Case, ["document", *fields], rows, unique=["document"], update=fields)
    CaseLabel.objects.filter(case__in=list(relabel)).delete()
    CaseLabel.objects.bulk_create([CaseLabel(case_id=c, label=i) for c, labels in relabel.items() for i in labels])


def _place(p: Prediction, same_text: int) -> Case:
    weighed = prioritise(
        problem_score=p.problem_score,
        labels=sum(map(len, p.decided.values())),
        text=p.document.text,
        same_text=max(0, same_text),
        received=p.document.received,
        read=_local_day(p.run.started),
    )
    return Case(
        document_id=p.document_id,
        state=(State.OPEN if p.is_problem or p.review else State.AUTO).value,
        priority=weighed.order,
        uncertainty=uncertainty_of(p.scores, p.problem_score, p.review),
        reasons=[list(r) for r in weighed.reasons],
        prediction=p,
        run=p.run_id,
        serial=p.run.serial,
        text_hash=p.text_hash,
        purged=p.document.purged,
    )


def _local_day(at: dt.datetime) -> dt.date:
    day: dt.date = timezone.localtime(at).date()
    return day
