"""Trying a lexicon before it counts: what it would change in texts that are stored, text by text."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.analyst.rules import Hit, Rule, find_hits
from pipeline.corpus.gold import Gold
from pipeline.documents import Document
from pipeline.model.score import Scorer
from pipeline.text.concepts import Concept, Lexicon

__all__ = ["Change", "Standing", "Trial", "standing", "try_concepts", "try_rules"]

#: A form nobody writes, for a concept that is gone.
_NOWHERE = "\ue000\ue001"


@dataclass(frozen=True, slots=True)
class Change:
    """A label that a text would get (``added``) or lose; scores before and after, and the words."""

    document: Document
    label: str
    added: bool
    before: float
    after: float
    quote: str


@dataclass(frozen=True)
class Trial:
    """What became of so many ``documents``; ``notes`` are remarks for the author of the file."""

    documents: int
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> int:
        """Number of texts with at least one change."""
        return len({c.document.id for c in self.changes})


@dataclass(frozen=True, slots=True)
class Standing:
    """How a rule stands on labelled texts: where it speaks, and where the label is there."""

    rule: Rule
    hits: int
    right: int


def try_rules(rules: Sequence[Rule], scorer: Scorer, documents: Sequence[Document]) -> Trial:
    """Return the labels that rules would add to what the model decides; rules take nothing away."""
    texts = [d.text for d in documents]
    scores = scorer.probabilities(texts)
    decided = scorer.decide(scores)
    column = {label: j for j, (_, label) in enumerate(scorer.columns)}
    changes: dict[tuple[int, str], Change] = {}
    agreed = 0
    hits: list[Hit] = find_hits(rules, texts)
    for h in hits:
        j = column[h.rule.label]
        if decided[h.row, j]:
            agreed += 1
            continue
        score = float(scores[h.row, j])
        quote = texts[h.row][h.start : h.end]
        changes.setdefault((h.row, h.rule.label), Change(documents[h.row], h.rule.label, True, score, 1.0, quote))
    silent = {r.number for r in rules} - {h.rule.number for h in hits}
    notes = [f"规则说到 {len(hits)} 处，其中 {agreed} 处模型本来就判出"]
    notes += [f"第 {n} 条规则一次也没有说到" for n in sorted(silent)]
    return Trial(len(documents), tuple(changes.values()), tuple(notes))


def try_concepts(lexicon: Lexicon, scorer: Scorer, documents: Sequence[Document]) -> Trial:
    """Return what the model would decide otherwise if its concepts had the forms of ``lexicon``.

    Weights stay: a concept the model does not know has none until it is trained again, and the notes say so.
    """
    new = {c.id: c for c in lexicon.concepts}
    old = scorer.bundle.features.lexicon
    known = old.concepts if old else ()
    forms = [Concept(c.id, c.name, new[c.id].forms if c.id in new else (_NOWHERE,)) for c in known]
    notes = [f"概念“{c.name}”去掉了" for c in known if c.id not in new]
    unknown = [c.name for c in lexicon.concepts if c.id not in {k.id for k in known}]
    if unknown:
        notes.append(f"模型还不认识的概念，重新训练之前不起作用：{'、'.join(unknown)}")
    if not known:
        return Trial(len(documents), (), tuple(notes))
    features = copy.copy(scorer.bundle.features)
    features.lexicon = Lexicon(forms)
    other = scorer.reading_as(dataclasses.replace(scorer.bundle, features=features))
    texts = [d.text for d in documents]
    before, after = scorer.probabilities(texts), other.probabilities(texts)
    was, now = scorer.decide(before), scorer.decide(after)
    changes = []
    for row, j in zip(*(v.tolist() for v in np.nonzero(was != now)), strict=True):
        label, added = scorer.columns[j][1], bool(now[row, j])
        words = (other if added else scorer).strongest_words(texts[row], label)
        quote = words[0].quote if words else ""
        changes.append(Change(documents[row], label, added, float(before[row, j]), float(after[row, j]), quote))
    return Trial(len(documents), tuple(changes), tuple(notes))


def standing(rules: Sequence[Rule], gold: Sequence[Gold]) -> list[Standing]:
    """Return how each rule stands on labelled texts."""
    hits = find_hits(rules, [g.text for g in gold])
    named = [{x for labels in g.labels.values() for x in labels} for g in gold]
    found = []
    for rule in rules:
        mine = [h for h in hits if h.rule.number == rule.number]
        found.append(Standing(rule, len(mine), sum(rule.label in named[h.row] for h in mine)))
    return found
