"""How well two people agree who read the same text without seeing each other's decision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.corpus.agreement import Agreement, agreement
from pipeline.desk.rounds import standing
from pipeline.desk.schemes import flat, label_names, taxonomy
from pipeline.desk.states import Kind, Turn
from pipeline.desk.tables import Decision

__all__ = ["Pairs", "pairs"]

#: Pairs that are looked at, newest first.
MOST = 5000


@dataclass(frozen=True, slots=True)
class Pairs:
    """``texts`` read twice, ``same`` of them with the very same labels; ``rows`` are (label's name, its agreement)."""

    texts: int
    same: int
    rows: tuple[tuple[str, Agreement], ...]


def pairs() -> Pairs:
    """Compare first and second decisions that stand, on the text they were both made on."""
    seconds = Decision.objects.standing().filter(turn=Turn.SECOND).order_by("-id")[:MOST]
    documents = list(seconds.values_list("document_id", flat=True))
    by_document: dict[int, list[Decision]] = {}
    for decision in Decision.objects.filter(document__in=documents).order_by("id"):
        by_document.setdefault(decision.document_id, []).append(decision)
    at = {label: i for i, (_, label) in enumerate(taxonomy().columns)}
    found = [p for made in by_document.values() if (p := _pair(made)) is not None]
    first, second = (np.zeros((len(found), len(at)), bool) for _ in range(2))
    for row, (one, other) in enumerate(found):
        first[row, [at[i] for i in flat(one.labels) if i in at]] = True
        second[row, [at[i] for i in flat(other.labels) if i in at]] = True
    names = label_names()
    rows = agreement(first, second, taxonomy()) if found else []
    same = int((first == second).all(1).sum()) if found else 0
    return Pairs(len(found), same, tuple((names[a.label], a) for a in rows if a.first or a.second))


def _pair(made: list[Decision]) -> tuple[Decision, Decision] | None:
    """The last first and second decision on one text; "not sure" is no judgement to compare."""
    valid = [d for d in standing(made) if d.kind != Kind.UNSURE]
    by_turn = {d.turn: d for d in valid}
    first, second = by_turn.get(Turn.FIRST), by_turn.get(Turn.SECOND)
    if first is None or second is None or first.text_hash != second.text_hash:
        return None
    return first, second
