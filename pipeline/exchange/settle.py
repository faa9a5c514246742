"""Several judgements of one text become one: the last word of each person, then the majority, label by label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.corpus.gold import Gold, Span
from pipeline.corpus.identity import text_key
from pipeline.documents import text_hash
from pipeline.exchange.labelled import Labelled, in_order
from pipeline.taxonomy import Taxonomy

__all__ = ["settle"]


def settle(items: Sequence[Labelled], taxonomy: Taxonomy) -> tuple[list[Labelled], list[str]]:
    """Return one judgement per text, in the order texts first appear, and why any text was dropped.

    Texts are the same when they differ in white space only. A label holds when more than half of the people give it;
    a text with a tie is dropped, for a person to decide. ``sure`` becomes the lowest share of agreement over the
    labels that anybody gave, times the mean of what people said of themselves.
    """
    by_text: dict[str, list[Labelled]] = {}
    for item in items:
        by_text.setdefault(text_key(item.gold.text), []).append(item)
    settled: list[Labelled] = []
    dropped: list[str] = []
    used: set[str] = set()
    for same in by_text.values():
        last: dict[str, Labelled] = {}
        for n, item in enumerate(same):
            # Without a name each judgement is somebody's.
            who = item.by or f"\0{n}"
            if who not in last or item.at >= last[who].at:
                last[who] = item
        people = list(last.values())
        ties = _ties(people)
        if ties:
            names = "、".join(taxonomy.label(label).name for label in ties)
            dropped.append(f"{people[0].gold.id}（{people[0].origin}）-> 意见各半：{names}")
            continue
        item = _one(people, taxonomy)
        if item.gold.id in used:
            # One number, two texts: both are kept, told apart.
            item = replace(item, gold=replace(item.gold, id=f"{item.gold.id}~{text_hash(item.gold.text)[:8]}"))
        used.add(item.gold.id)
        settled.append(item)
    return settled, dropped


def _votes(people: Sequence[Labelled]) -> dict[str, int]:
    votes: dict[str, int] = {}
    for p in people:
        for labels in p.gold.labels.values():
            for label in labels:
                votes[label] = votes.get(label, 0) + 1
    return votes


def _ties(people: Sequence[Labelled]) -> list[str]:
    return sorted(label for label, n in _votes(people).items() if 2 * n == len(people))


def _one(people: Sequence[Labelled], taxonomy: Taxonomy) -> Labelled:
    newest = max(people, key=lambda p: p.at)
    if len(people) == 1:
        return newest
    votes = _votes(people)
    holds = {label for label, n in votes.items() if 2 * n > len(people)}
    labels = {s.id: tuple(x for x in s.label_ids if x in holds) for s in taxonomy.schemes}
    evidence: tuple[Span, ...] = tuple(
        e for p in people for e in p.gold.evidence if e.label in holds and p.gold.text == newest.gold.text
    )
    gold: Gold = in_order(replace(newest.gold, labels=labels, evidence=evidence), taxonomy)
    agreed = min((max(n, len(people) - n) / len(people) for n in votes.values()), default=1.0)
    said = [p.sure for p in people if p.sure is not None]
    sure = agreed * (sum(said) / len(said) if said else 1.0)
    return Labelled(gold, "、".join(sorted(p.by for p in people if p.by)), newest.at, round(sure, 4), newest.origin)
