"""What people settled at the desk, as labelled texts to learn from: who, when, how many agreed."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils import timezone

from pipeline.corpus.gold import Gold
from pipeline.desk import audit
from pipeline.desk.reading import masked
from pipeline.desk.rounds import last_round, state_after
from pipeline.desk.schemes import flat
from pipeline.desk.states import STATES, Kind, State, Turn
from pipeline.desk.tables import Case, Decision
from pipeline.exchange.labelled import Labelled, Read
from pipeline.taxonomy import Taxonomy

__all__ = ["settled_labels", "take_reviews"]

CHUNK = 500


@dataclass(frozen=True, slots=True)
class _Verdict:
    """The outcome of one text: its labels, who gave just these, when the last word fell, how many agree."""

    labels: frozenset[str]
    by: tuple[str, ...]
    at: dt.datetime
    sure: float | None


def take_reviews(taxonomy: Taxonomy, *, actor: str, since: dt.date | None = None, until: dt.date | None = None) -> Read:
    """Return one judgement per document that is done, personal data masked, and why others were passed over.

    ``since`` and ``until`` are days of the last word, inclusive. What waits for a second person or a final word is
    passed over, so nobody can read ahead here what the desk keeps from them. Goes on the trail under ``actor``.
    """
    items: list[Labelled] = []
    passed: list[str] = []
    # In no transaction: on SQLite nobody could decide, or open a document, before the last text is masked.
    for case, made in _decided():
        verdict = _verdict(case, made)
        if verdict is None:
            passed.append(f"{case.document.key} -> {_why(case)}")
            continue
        day = timezone.localtime(verdict.at).date()
        if (since and day < since) or (until and day > until):
            continue
        item = _item(case, verdict, taxonomy)
        if isinstance(item, str):
            passed.append(f"{case.document.key} -> {item}")
        else:
            items.append(item)
    days = {"since": str(since or ""), "until": str(until or "")}
    audit.record("reviews.read", f"{len(items)} 件", actor=actor, passed=len(passed), **days)
    return Read(tuple(items), (), tuple(passed))


def settled_labels(documents: Sequence[int]) -> dict[int, frozenset[str]]:
    """Return the labels that people settled on, by document, for those of ``documents`` that are done."""
    rows = _decided(documents)
    return {case.pk: verdict.labels for case, made in rows if (verdict := _verdict(case, made)) is not None}


def _decided(documents: Sequence[int] | None = None) -> Iterator[tuple[Case, list[Decision]]]:
    """Yield every case that somebody decided something of, with its decisions, oldest first."""
    rows = Decision.objects.order_by("document_id").values_list("document_id", flat=True).distinct()
    ids = list(rows) if documents is None else sorted(documents)
    for at in range(0, len(ids), CHUNK):
        some = ids[at : at + CHUNK]
        cases = {c.pk: c for c in Case.objects.filter(pk__in=some).select_related("document")}
        made = Decision.objects.filter(document__in=some).select_related("by").order_by("document_id", "id")
        for document, decisions in itertools.groupby(made, key=lambda d: d.document_id):
            if document in cases:
                yield cases[document], list(decisions)


def _verdict(case: Case, made: Sequence[Decision]) -> _Verdict | None:
    valid = last_round(made, case.text_hash)
    state, labels = state_after(made, case.text_hash)
    # The draw of second readers may have been set otherwise since: what the desk calls done is done.
    if case.state != State.DONE or not valid:
        return None
    if state != State.DONE or labels is None:
        labels = flat(valid[-1].labels)
    outcome = frozenset(labels)
    agree = [d for d in valid if d.kind != Kind.UNSURE and frozenset(flat(d.labels)) == outcome]
    alone = len(valid) == 1 and valid[0].turn != Turn.FINAL
    names = tuple(dict.fromkeys(d.by.username for d in agree))
    return _Verdict(outcome, names, valid[-1].at, None if alone else round(len(agree) / len(valid), 4))


def _item(case: Case, verdict: _Verdict, taxonomy: Taxonomy) -> Labelled | str:
    document = case.document
    if document.purged or not document.text.strip():
        return "原文已清除"
    if document.text_hash != case.text_hash:
        return "判过之后原文更新了"
    labels = {s.id: tuple(i for i in s.label_ids if i in verdict.labels) for s in taxonomy.schemes}
    if unknown := verdict.labels - {i for ids in labels.values() for i in ids}:
        return f"标签体系里已没有 {'、'.join(sorted(unknown))}"
    # Near duplicates stay together in every split; the group's name only has to be the same for all of them.
    group = document.key if case.group is None else f"desk-{case.group}"
    gold = Gold(document.key, masked(document.text), labels, group=group)
    at = timezone.localtime(verdict.at).isoformat(timespec="seconds")
    return Labelled(gold, "、".join(verdict.by), at, verdict.sure, "复核台")


def _why(case: Case) -> str:
    if case.state in (State.SECOND, State.DISPUTED):
        return STATES[State(case.state)]
    return "判定已撤销，或判过之后原文更新了"
