"""The blind sample in the desk's own queue: drawn at random, judged without the model, read back with its odds.

A drawn document waits like any other, under the reason "抽查" with points that say nothing of its score; until it is
done no page and no table shows what the model says of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from pipeline.corpus.gold import Gold
from pipeline.desk import audit
from pipeline.desk.priority import day_of
from pipeline.desk.reviews import settled_labels
from pipeline.desk.rounds import standing
from pipeline.desk.schemes import flat
from pipeline.desk.shadows import SPOT_CHECK
from pipeline.desk.states import Kind, State
from pipeline.desk.tables import BlindDraw, Case, CaseLabel, Decision
from pipeline.exchange.labelled import Labelled
from pipeline.taxonomy import Taxonomy

__all__ = ["Put", "Sample", "put_into_queue", "read_sample"]

CHUNK = 500
#: Points are drawn between what the least and the most urgent documents usually have: spread over the queue, not last.
_LEAST, _SPREAD = 20, 70


@dataclass(frozen=True, slots=True)
class Put:
    """``fresh`` documents went into the queue, ``known`` were drawn before, ``late`` were already in people's hands."""

    fresh: int
    known: int
    late: int


@dataclass(frozen=True, slots=True)
class Sample:
    """What came back: the ``settled`` text labels, every person's own, and the odds by document key of all drawn.

    ``passed`` says which texts were settled by labels that the taxonomy has no more.
    """

    settled: tuple[Gold, ...]
    people: tuple[Labelled, ...]
    chances: Mapping[str, float]
    passed: tuple[str, ...]


def put_into_queue(drawn: Mapping[str, float], sample: str, *, actor: str) -> Put:
    """Put drawn documents (key → probability) before people; repeating it changes nothing."""
    keys, fresh, known, late = sorted(drawn), 0, 0, 0
    for at in range(0, len(keys), CHUNK):
        some = keys[at : at + CHUNK]
        with transaction.atomic():
            before = set(
                BlindDraw.objects.filter(sample=sample, document__key__in=some).values_list("document_id", flat=True)
            )
            rows = Case.objects.select_for_update(of=("self",)).filter(document__key__in=some, purged=False)
            for case in rows.select_related("document", "prediction__run").order_by("pk"):
                if case.pk in before:
                    known += 1
                elif case.blind or not _untouched(case):
                    late += 1
                else:
                    _put(case, sample, drawn[case.document.key])
                    fresh += 1
    with transaction.atomic():
        audit.record("sample.draw", sample, actor=actor, fresh=fresh, known=known, late=late)
    return Put(fresh, known, late)


def read_sample(sample: str, taxonomy: Taxonomy, *, actor: str) -> Sample:
    """Return what people said of the drawn texts: settled where they are done, and each person's own judgement."""
    draws = list(BlindDraw.objects.filter(sample=sample).select_related("document").order_by("document_id"))
    chances = {d.document.key: d.probability for d in draws}
    # A text that changed since is another text; a purged one cannot be scored again.
    valid = [d for d in draws if d.document.text_hash == d.text_hash and not d.document.purged]
    labels: dict[int, frozenset[str]] = {}
    people: list[Labelled] = []
    known = {label for _, label in taxonomy.columns}
    for at in range(0, len(valid), CHUNK):
        some = {d.document_id: d for d in valid[at : at + CHUNK]}
        labels |= settled_labels(sorted(some))
        made = Decision.objects.filter(document__in=some).select_related("by").order_by("id")
        for decision in standing(list(made)):
            draw = some[decision.document_id]
            said = flat(decision.labels)
            if decision.kind != Kind.UNSURE and decision.text_hash == draw.text_hash and known.issuperset(said):
                people.append(Labelled(_gold(draw, said, taxonomy), by=decision.by.username))
    # A label that was renamed since is not known to be absent: read so, the model would be blamed for finding it.
    lost = {d: "、".join(sorted(of - known)) for d, of in labels.items() if of - known}
    done = [d for d in valid if d.document_id in labels]
    settled = tuple(_gold(d, labels[d.document_id], taxonomy) for d in done if d.document_id not in lost)
    passed = tuple(f"{d.document.key} -> 标签体系里已没有 {lost[d.document_id]}" for d in done if d.document_id in lost)
    with transaction.atomic():
        audit.record("reviews.read", f"{len(settled)} 件", actor=actor, sample=sample)
    return Sample(settled, tuple(people), chances, passed)


def _untouched(case: Case) -> bool:
    """Whether nobody has had the document on the screen as a case to judge."""
    waits = case.state in (State.AUTO, State.OPEN) and case.holder_id is None
    return waits and not Decision.objects.filter(document=case.pk, text_hash=case.text_hash).exists()


def _put(case: Case, sample: str, probability: float) -> None:
    BlindDraw.objects.create(sample=sample, document=case.document, text_hash=case.text_hash, probability=probability)
    lot = int.from_bytes(hashlib.sha256(f"{sample} {case.text_hash}".encode()).digest()[:4], "big")
    points = _LEAST + lot % _SPREAD
    day = day_of(case.document.received) or timezone.localdate(case.prediction.run.started)
    case.blind, case.state, case.uncertainty = True, State.OPEN, lot % 100
    case.reasons, case.priority = [[SPOT_CHECK[0], points]], points - day.toordinal()
    case.against = None
    case.save(update_fields=["blind", "state", "uncertainty", "reasons", "priority", "against"])
    CaseLabel.objects.filter(case=case).delete()


def _gold(draw: BlindDraw, labels: Sequence[str] | frozenset[str], taxonomy: Taxonomy) -> Gold:
    found = {s.id: tuple(i for i in s.label_ids if i in labels) for s in taxonomy.schemes}
    return Gold(draw.document.key, draw.document.text, found)
