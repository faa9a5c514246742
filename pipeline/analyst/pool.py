"""A pool of unlabelled texts, rated with a model: from documents to suggestions a person can take up."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from pipeline.analyst.held_out import text_matrix
from pipeline.analyst.suggest import Interest, choose, interest
from pipeline.corpus.identity import text_key
from pipeline.documents import Document, Evidence
from pipeline.model.score import Scorer
from pipeline.ndarrays import Floats

__all__ = ["Suggestion", "concept_margins", "rate", "suggest"]

#: A decision shown by no more characters than this is thin.
THIN = 8


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A text worth a person's time, the label and reason it was chosen for, the model's score and words for it."""

    document: Document
    label: str
    reason: str
    score: float
    decided: bool
    evidence: tuple[Evidence, ...]


def suggest(
    scorer: Scorer, documents: Sequence[Document], size: int, *, reviewed: Collection[str] = ()
) -> list[Suggestion]:
    """Return ``size`` of ``documents``; ``reviewed`` holds the keys (`text_key`) of those to leave out."""
    fresh = [d for d in documents if text_key(d.text) not in reviewed]
    if not fresh:
        return []
    rated, x, probabilities = rate(scorer, fresh)
    found = []
    chosen = choose(rated, x, size)
    # A score above its threshold is no decision where the problem head holds it back.
    said = scorer.score([fresh[c.row] for c in chosen], evidence=False)
    for c, of in zip(chosen, said, strict=True):
        label = scorer.columns[c.column][1]
        score = float(probabilities[c.row, c.column])
        words = scorer.strongest_words(fresh[c.row].text, label)
        found.append(Suggestion(fresh[c.row], label, c.reason, score, label in of.labels, words))
    return found


def rate(scorer: Scorer, documents: Sequence[Document]) -> tuple[Interest, sparse.csr_matrix, Floats]:
    """Return the interest of every document, its features, and P(label)."""
    texts = [d.text for d in documents]
    x = text_matrix(scorer, texts)
    probabilities = scorer.probabilities(texts)
    thin = np.zeros((len(texts), len(scorer.columns)), bool)
    column = {label: j for j, (_, label) in enumerate(scorer.columns)}
    for row, prediction in enumerate(scorer.score(documents)):
        shown = dict.fromkeys(prediction.labels, 0)
        for e in prediction.evidence:
            shown[e.label] += e.end - e.start
        for label, characters in shown.items():
            thin[row, column[label]] = characters <= THIN
    # Known vocabulary: features found per character, against the richest tenth of the pool.
    rich = np.diff(x[:, : scorer.bundle.features.columns].indptr) / np.maximum([len(t) for t in texts], 1)
    known = np.clip(rich / max(float(np.quantile(rich, 0.9)), 1e-9), 0, 1)
    labels = probabilities[:, :-1]
    return interest(labels, concepts=concept_margins(scorer, x), thin=thin, known=known), x, labels


def concept_margins(scorer: Scorer, x: sparse.csr_matrix) -> Floats:
    """Return what the concepts of the lexicon alone add to each label's margin, (texts, labels)."""
    first, end = scorer.bundle.features.ngrams, scorer.bundle.features.columns
    weights = scorer.bundle.weights
    alone = replace(
        weights, coef=weights.coef[:, first:], exponent=weights.exponent[:, first:], bias=np.zeros_like(weights.bias)
    )
    return alone.read(x[:, first:end], weights.choose(x)[0])[:, :-1]
