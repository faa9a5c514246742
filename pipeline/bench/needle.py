"""A needle in a long text: one offending sentence in the middle of thirty, and the same text without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.corpus.gold import Gold
from pipeline.documents import Document
from pipeline.model.score import Scorer
from pipeline.text.clean import clean
from pipeline.text.sentences import split_sentences

__all__ = ["CASES", "Found", "Needle", "Read", "find_needles", "hide_needles", "read_alone"]

CASES = 50
SENTENCES = 30
#: An offending sentence of fewer characters says too little alone, one of more is a paragraph.
SHORTEST, LONGEST = 15, 120


@dataclass(frozen=True, slots=True)
class Needle:
    """``text`` holds ``sentence``, which shows ``labels``; ``control`` is the same text without it.

    The sentence is that of the text ``id``, where it begins at ``start``.
    """

    text: str
    control: str
    sentence: str
    labels: frozenset[str]
    id: str
    start: int


@dataclass(frozen=True, slots=True)
class Found:
    """How many cases were found with the sentence as evidence, and how many controls got a label."""

    cases: int
    found: int
    false_alarms: int


@dataclass(frozen=True, slots=True)
class Read:
    """What each of two people saw who read nothing but the sentence.

    Of the sentences of cases, ``cases`` were read and so many ``found``; of ``others``, from texts without labels, so
    many were thought to show one.
    """

    cases: int
    found: tuple[int, int]
    others: int
    false_alarms: tuple[int, int]


def hide_needles(gold: Sequence[Gold], *, cases: int = CASES) -> list[Needle]:
    """Return offending sentences of some texts, each inside unlabelled texts of the same register.

    Unlabelled texts follow each other whole and in order until there are SENTENCES sentences; each is used once.
    """
    rng = np.random.default_rng(0)
    hay: dict[str, list[list[str]]] = {}
    for g in gold:
        if not g.positive:
            hay.setdefault(g.register, []).append([g.text[a:b] for a, b in _places(g.text)])
    # The longest first, so that few texts make one; then any, so that no two cases are alike.
    for texts in hay.values():
        texts.sort(key=lambda t: -len(t))
    sharp = [(g, *offence) for g in gold if g.positive and (offence := _offence(g))]
    needles = []
    for i in rng.permutation(len(sharp)).tolist():
        g, start, sentence, labels = sharp[i]
        around: list[str] = []
        texts = hay.get(g.register, [])
        while len(around) < SENTENCES - 1 and texts:
            around += texts.pop(0)
        if len(around) < SENTENCES - 1:
            continue
        around = around[: SENTENCES - 1]
        middle = SENTENCES // 2
        text = "".join([*around[:middle], sentence, *around[middle:]])
        needles.append(Needle(text, "".join(around), sentence, labels, g.id, start))
        if len(needles) == cases:
            break
    return needles


def find_needles(scorer: Scorer, needles: Sequence[Needle]) -> Found:
    """Score the cases and their controls."""
    said = scorer.score([Document(str(i), n.text) for i, n in enumerate(needles)])
    plain = scorer.score([Document(str(i), n.control) for i, n in enumerate(needles)], evidence=False)
    found = 0
    for needle, p in zip(needles, said, strict=True):
        start = needle.text.index(needle.sentence)
        end = start + len(needle.sentence)
        found += any(e.label in needle.labels and e.start < end and e.end > start for e in p.evidence)
    return Found(len(needles), found, sum(any(p.decided.values()) for p in plain))


def read_alone(needles: Sequence[Needle], records: Sequence[Mapping[str, Any]], gold: Sequence[Gold]) -> Read:
    """Return what the two people of ``records`` (`pair_records`, with ``start``) saw in sentences of ``gold``."""
    said = {
        (r["id"], r["start"]): [{x for of in r[who].values() for x in of} for who in ("first", "second")]
        for r in records
    }
    read = [(n.labels, said[n.id, n.start]) for n in needles if (n.id, n.start) in said]
    innocent = {g.id for g in gold if not g.positive}
    others = [labels for (text, _), labels in said.items() if text in innocent]
    return Read(
        len(read),
        (sum(bool(labels & a) for labels, (a, _) in read), sum(bool(labels & b) for labels, (_, b) in read)),
        len(others),
        (sum(bool(a) for a, _ in others), sum(bool(b) for _, b in others)),
    )


def _places(text: str) -> list[tuple[int, int]]:
    """Return where the sentences stand in the text as given."""
    cleaned = clean(text)
    found = split_sentences([cleaned.text])
    places = [cleaned.to_given(a, b) for a, b in zip(found.start.tolist(), found.end.tolist(), strict=True)]
    return [(a, b) for a, b in places if text[a:b].strip()]


def _offence(g: Gold) -> tuple[int, str, frozenset[str]] | None:
    """Return where the first sentence begins that holds whole spans of evidence, the sentence, and their labels."""
    for start, end in _places(g.text):
        labels = frozenset(e.label for e in g.evidence if e.start >= start and e.end <= end)
        if labels and SHORTEST <= end - start <= LONGEST:
            return start, g.text[start:end], labels
    return None
