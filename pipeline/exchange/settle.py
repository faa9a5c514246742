"""Several judgements of one text become one: the last word of each person, then the majority, label by label."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from pipeline.corpus.gold import Gold, Span, label_matrix
from pipeline.corpus.identity import text_key
from pipeline.documents import text_hash
from pipeline.exchange.labelled import Labelled, in_order
from pipeline.taxonomy import Taxonomy

__all__ = ["last_words", "majority", "settle"]

_INK = re.compile(r"\S")


def settle(items: Sequence[Labelled], taxonomy: Taxonomy) -> tuple[list[Labelled], list[str]]:
    """Return one judgement per text, in the order texts first appear, and why any text was dropped.

    Texts are the same when they differ only in white space and in what is starred out. A label holds when more than
    half of the people give it; a text with a tie is dropped, for a person to decide, and one where no label of a
    scheme that must not stay empty holds. ``sure`` becomes the lowest share of agreement over the labels that anybody
    gave, times the mean of what people said of themselves.
    """
    settled: list[Labelled] = []
    dropped: list[str] = []
    used: set[str] = set()
    for people in last_words(items, lambda i: text_key(i.gold.text)):
        first = f"{people[0].gold.id}（{people[0].origin}）"
        held = {label: share for (_, label), share in zip(taxonomy.columns, majority(people, taxonomy), strict=True)}
        if ties := sorted(label for label, share in held.items() if share == 0.5):
            names = "、".join(taxonomy.label(label).name for label in ties)
            dropped.append(f"{first}-> 意见各半：{names}")
            continue
        item = _one(people, {label for label, share in held.items() if share == 1}, taxonomy)
        if empty := [s.name for s in taxonomy.schemes if s.kind != "multi" and not item.gold.labels[s.id]]:
            dropped.append(f"{first}-> 没有哪个标签过半，此方案又不能空着：{'、'.join(empty)}")
            continue
        if item.gold.id in used:
            # One number, two texts: both are kept, told apart.
            item = replace(item, gold=replace(item.gold, id=f"{item.gold.id}~{text_hash(item.gold.text)[:8]}"))
        used.add(item.gold.id)
        settled.append(item)
    return settled, dropped


def last_words(items: Iterable[Labelled], text: Callable[[Labelled], str]) -> list[list[Labelled]]:
    """Return the last judgement of each person, text by text as ``text`` names them, in the order they first appear."""
    found: dict[str, dict[str, Labelled]] = {}
    for n, item in enumerate(items):
        last = found.setdefault(text(item), {})
        # Without a name each judgement is somebody's.
        who = item.by or f"\0{n}"
        if who not in last or item.at >= last[who].at:
            last[who] = item
    return [list(last.values()) for last in found.values()]


def majority(people: Sequence[Labelled], taxonomy: Taxonomy) -> npt.NDArray[np.float64]:
    """Return per column of the taxonomy 1 where more than half give the label, 0 where fewer do, ½ for a tie."""
    given = label_matrix([p.gold for p in people], taxonomy).sum(axis=0)
    found: npt.NDArray[np.float64] = (np.sign(2 * given - len(people)) + 1) / 2
    return found


def _one(people: Sequence[Labelled], holds: set[str], taxonomy: Taxonomy) -> Labelled:
    newest = max(people, key=lambda p: p.at)
    if len(people) == 1:
        return newest
    votes = Counter(label for p in people for labels in p.gold.labels.values() for label in labels)
    labels = {s.id: tuple(x for x in s.label_ids if x in holds) for s in taxonomy.schemes}
    evidence = tuple(e for p in people for e in _carried(p.gold, newest.gold.text) if e.label in holds)
    gold: Gold = in_order(replace(newest.gold, labels=labels, evidence=evidence), taxonomy)
    agreed = min((max(n, len(people) - n) / len(people) for n in votes.values()), default=1.0)
    said = [p.sure for p in people if p.sure is not None]
    sure = agreed * (sum(said) / len(said) if said else 1.0)
    return Labelled(gold, "、".join(sorted(p.by for p in people if p.by)), newest.at, round(sure, 4), newest.origin)


def _carried(gold: Gold, text: str) -> tuple[Span, ...]:
    """Return the evidence of ``gold`` where it stands in ``text``, a copy that differs in white space or in stars.

    A space inside of a number is starred out too: then one character has no other, and nothing is carried.
    """
    if gold.text == text:
        return gold.evidence
    ours, theirs = (np.array([m.start() for m in _INK.finditer(t)], np.int64) for t in (gold.text, text))
    if len(ours) != len(theirs):
        return ()
    first, behind = (np.searchsorted(ours, [getattr(e, of) for e in gold.evidence]) for of in ("start", "end"))
    return tuple(
        replace(e, start=int(theirs[a]), end=int(theirs[b - 1]) + 1)
        for e, a, b in zip(gold.evidence, first, behind, strict=True)
        if a < b
    )
