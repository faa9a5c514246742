"""The sheet: everything one document's page shows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Max, Min, Q

from pipeline.desk.models import Document, Prediction
from pipeline.desk.queue import MOST_TWINS, repeats, twins, with_it
from pipeline.desk.reading import Reading, hidden, masked, read
from pipeline.desk.roles import Permission
from pipeline.desk.rounds import standing
from pipeline.desk.schemes import decided_ids, flat, keys, label_names, taxonomy
from pipeline.desk.states import State
from pipeline.desk.tables import AuditEntry, Case, CaseLabel, Decision, Note, Signature, User
from pipeline.text.near import ALGORITHM, shares

__all__ = ["LabelRow", "Sheet", "history", "is_blind", "label_rows", "notes", "sheet", "similar"]

HUES = 8
#: Decided documents that are looked through for such of the same unit, and those that are compared.
MOST_LOOKED_AT, MOST_COMPARED = 600, 200


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One label beside the text: the model's side and the person's side of it."""

    id: str
    name: str
    definition: str
    key: str
    score: float
    by_model: bool
    chosen: bool
    hue: int
    quotes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """``schemes`` are (scheme, rows by the model's score); ``blind``: an earlier decision is kept from this reader;
    ``together``: so many of the twins this reader decides with it; ``personal``: so many pieces of personal data.
    """

    case: Case
    document: Document
    prediction: Prediction
    title: str
    reading: Reading
    personal: int
    schemes: tuple[tuple[Any, tuple[LabelRow, ...]], ...]
    decisions: tuple[Decision, ...]
    blind: bool
    twins: tuple[Case, ...]
    together: int
    hues: dict[str, int]

    @property
    def outdated(self) -> bool:
        """Whether people decided on a text that was replaced, and nobody yet on this one."""
        made = standing(self.decisions)
        return bool(made) and all(d.text_hash != self.case.text_hash for d in made)


def sheet(case: Case, user: User, *, reveal: bool = False, ticked: Collection[str] | None = None) -> Sheet:
    """Gather one document's page for this reader; ``ticked`` are the labels he or she has chosen already."""
    document, prediction = case.document, case.prediction
    unseen = case.unseen
    # Evidence points into the text that was scored; a newer text has none until it is scored.
    shown = document.text_hash == prediction.text_hash and not unseen
    reading = read(document.text, prediction.evidence if shown else (), reveal=reveal)
    made = list(Decision.objects.filter(document=document).select_related("by").order_by("id"))
    blind = is_blind(case, made, user)
    decided = () if unseen else tuple(decided_ids(prediction.decided))
    hues = {label: i % HUES for i, label in enumerate(decided)}
    chosen = frozenset(_chosen(prediction, decided, made, blind) if ticked is None else ticked)
    # Not their texts: hundreds may be alike.
    others = twins(case).select_related("document").only("document__key", "document__unit").order_by("pk")
    alike = () if case.blind else tuple(others[:MOST_TWINS])
    return Sheet(
        case=case,
        document=document,
        prediction=prediction,
        title=document.title if reveal else masked(document.title),
        reading=reading,
        personal=reading.personal + hidden(document.title),
        schemes=label_rows({} if unseen else prediction.scores, decided, reading, hues, chosen),
        decisions=() if blind else tuple(made),
        blind=blind,
        twins=alike,
        together=with_it(case, user)[:MOST_TWINS].count() if alike else 0,
        hues=hues,
    )


def is_blind(case: Case, decisions: Sequence[Decision], user: User) -> bool:
    """Return whether this reader may still become the second pair of eyes and must not see the first decision."""
    waits = case.state == State.SECOND and not case.purged and user.may(Permission.REVIEW)
    # Who judged an earlier text only is as good a second reader of this one as any.
    return waits and user.pk not in {d.by_id for d in standing(decisions) if d.text_hash == case.text_hash}


def notes(sheet: Sheet, user: User) -> list[Note]:
    """Return the remarks on the document; while its decision is kept blind from ``user``, without those of others who
    decided.
    """
    rows = Note.objects.filter(document=sheet.document).select_related("by", "to")
    if sheet.blind:
        decided = Decision.objects.filter(document=sheet.document).exclude(by=user)
        rows = rows.exclude(by__in=decided.values("by"))
    return list(rows)


def label_rows(
    scores: Mapping[str, Mapping[str, float]],
    decided: Sequence[str],
    reading: Reading,
    hues: dict[str, int],
    chosen: frozenset[str],
) -> tuple[tuple[Any, tuple[LabelRow, ...]], ...]:
    """Return every scheme with its labels, the model's highest first; without scores in the order of the taxonomy."""
    press = keys()

    def row(scheme: str, label: Any) -> LabelRow:
        return LabelRow(
            id=label.id,
            name=label.name,
            definition=label.definition,
            key=press.get(label.id, ""),
            score=float(scores.get(scheme, {}).get(label.id, 0)),
            by_model=label.id in decided,
            chosen=label.id in chosen,
            hue=hues.get(label.id, -1),
            quotes=reading.quotes.get(label.id, ()),
        )

    return tuple(
        (s, tuple(sorted((row(s.id, x) for x in s.labels), key=lambda r: (not r.by_model, -r.score))))
        for s in taxonomy().schemes
    )


def similar(case: Case, user: User, count: int = 5) -> list[dict[str, Any]]:
    """Return decided documents that share a label, those with most words in common first, with what people said.

    Compared are the newest of the same unit, then the newest of others; by their signatures first, then by their words.
    A blind reader is shown none that would tell what the first reader said.
    """
    if case.document.purged or case.unseen:
        return []
    # Step by step: joined into one question, the database would read every decided document to answer it.
    done = Case.objects.filter(state=State.DONE).exclude(pk=case.pk).order_by("-document_id")
    latest = done[:MOST_LOOKED_AT].aggregate(first=Min("document_id"), last=Max("document_id"))
    labels = list(CaseLabel.objects.filter(case=case).values_list("label", flat=True))
    between = Q(case_id__gte=latest["first"] or 0, case_id__lte=latest["last"] or 0)
    shared = CaseLabel.objects.filter(between, case__state=State.DONE, case__purged=False, label__in=labels)
    shared = shared.exclude(case=case)
    units = dict(shared.values_list("case_id", "case__document__unit"))
    own = list(Decision.objects.filter(document=case.document))
    if is_blind(case, own, user):
        telling = repeats(case) | Q(document__decisions__by__in={d.by_id for d in own})
        for pk in set(Case.objects.filter(telling, pk__in=list(units)).values_list("pk", flat=True)):
            del units[pk]
    newest = sorted(units.items(), reverse=True)
    # A stable sort: those of the same unit first, the newest first within both.
    newest.sort(key=lambda row: not case.document.unit or row[1] != case.document.unit)
    near = _nearest(case, [pk for pk, _ in newest[:MOST_COMPARED]], count)
    names = label_names()
    # Oldest first: the last one of a document is what holds.
    made = Decision.objects.standing().filter(document__in=[c.pk for _, _, c in near]).order_by("id")
    said = {d.document_id: d for d in made}
    return [
        {
            "id": c.pk,
            "key": c.document.key,
            # Masked as a whole: half a number is no number, and would stand there as it is.
            "head": masked(c.document.title) or masked(c.document.text)[:60],
            "unit": c.document.unit,
            "share": share,
            "said": said[c.pk].get_kind_display() if c.pk in said else "",
            "labels": [names[i] for i in flat(said[c.pk].labels) if i in names] if c.pk in said else [],
        }
        for share, _, c in near
    ]


def _nearest(case: Case, others: Sequence[int], count: int) -> list[tuple[float, int, Case]]:
    """Return the ``count`` others that have most words in common with ``case``."""
    marks = Signature.objects.filter(case__in=[case.pk, *others], algorithm=ALGORITHM).values_list("case_id", "values")
    ids, values = zip(*marks, strict=True) if marks else ((), ())
    if case.pk in ids:
        signed = np.frombuffer(b"".join(map(bytes, values)), np.uint32).reshape(len(ids), -1)
        alike = dict(zip(ids, (signed == signed[ids.index(case.pk)]).sum(1).tolist(), strict=True))
        del alike[case.pk]
        others = sorted(alike, key=lambda pk: (-alike[pk], -pk))[: 2 * count]
    rows = list(Case.objects.filter(pk__in=others).select_related("document"))
    texts = [case.document.text, *(c.document.text for c in rows)]
    found = shares(texts, np.array([(0, i) for i in range(1, len(texts))], np.int64).reshape(-1, 2))
    return sorted(((share, c.pk, c) for share, c in zip(found.tolist(), rows, strict=True)), reverse=True)[:count]


def history(sheet: Sheet) -> list[AuditEntry]:
    """Return what the trail says of the document, oldest first; nothing of decisions while they are kept blind, or
    would tell what the model said.
    """
    # A number of a document may be the name of an account too: only what speaks of documents counts.
    about = Q(action__startswith="document.") | Q(action__startswith="review.") | Q(action__startswith="worksheet.")
    rows = AuditEntry.objects.filter(about, target=sheet.document.key[:220]).order_by("number")
    if sheet.blind or sheet.case.unseen:
        rows = rows.exclude(action__startswith="review.")
    return list(rows[:200])


def _chosen(prediction: Prediction, decided: Sequence[str], made: Sequence[Decision], blind: bool) -> frozenset[str]:
    """The boxes that are ticked at first: the last standing decision's, else what the model says."""
    valid = [] if blind else [d for d in standing(made) if d.text_hash == prediction.text_hash]
    return frozenset(flat(valid[-1].labels) if valid else decided)
