"""Texts nobody labelled, of the office a model is for: it guesses their labels, and learns on from the sure guesses.

Self-training (Yarowsky 1995; Lee 2013): the corpus was written by other people, and what stands beside conduct in real
texts is learned from texts that the first model reads without doubt. A guess counts less than a label.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.corpus.gold import Gold
from pipeline.model.experts import present_experts
from pipeline.model.odds import expit
from pipeline.model.recipe import Settings
from pipeline.model.score import Scorer

__all__ = ["guess_labels"]

#: A text is sure when every label's probability lies outside these.
LOWEST, HIGHEST = 0.2, 0.5
#: What a guess counts beside a label.
WEIGHT = 0.6


def guess_labels(scorer: Scorer, texts: Sequence[str], settings: Settings, gold: Sequence[Gold]) -> list[Gold]:
    """Return those of ``texts`` whose labels ``scorer`` does not doubt, with these labels; repeated texts once.

    ``scorer`` was trained on ``gold`` with ``settings``. None has fewer or more labels than its scheme allows. Each is
    in the first register of the expert that read it.
    """
    texts = list(dict.fromkeys(t for t in texts if t.strip()))
    if not texts:
        return []
    seen = scorer.look(texts)
    likely = expit(seen.log_odds[:, :-1])
    named = likely >= HIGHEST
    sure = (named | (likely <= LOWEST)).all(1)
    for scheme in scorer.bundle.taxonomy.schemes:
        count = named[:, [of == scheme.id for of, _ in scorer.columns]].sum(1)
        sure &= (count > 0) | (scheme.kind == "multi")
        sure &= (count < 2) | (scheme.kind != "exclusive")
    # A model has no expert for registers that its corpus lacks: a guess must not make one that only guesses teach.
    experts = present_experts(gold, settings)[0].tolist()
    registers = [settings.experts[e].registers[0] for e in experts] if settings.experts else [""]
    return [
        Gold(
            id=f"guess-{row}",
            text=texts[row],
            labels={
                s.id: tuple(label for j, (of, label) in enumerate(scorer.columns) if of == s.id and named[row, j])
                for s in scorer.bundle.taxonomy.schemes
            },
            group=f"guess-{row}",
            register=registers[int(seen.expert[row])],
            sure=(1 + WEIGHT) / 2,
        )
        for row in np.flatnonzero(sure).tolist()
    ]
