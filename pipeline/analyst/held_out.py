"""Probabilities of texts by heads that did not learn from them: the words of a bundle, its heads fitted anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import sparse
from scipy.special import expit

from pipeline.corpus.gold import Gold, label_matrix
from pipeline.errors import CorpusError
from pipeline.model.calibrate import fit_sigmoids
from pipeline.model.experts import fit_heads
from pipeline.model.folds import group_folds
from pipeline.model.score import Scorer
from pipeline.ndarrays import Bools, Floats, Ints
from pipeline.text.clean import clean

__all__ = ["fit_scale", "held_out_margins", "held_out_probabilities", "text_matrix"]

#: What a mistake costs, and the folds: those of a training by default.
C, FOLDS = 0.5, 3
FEWEST = 60


def text_matrix(scorer: Scorer, texts: Sequence[str]) -> sparse.csr_matrix:
    """Return the bundle's features of whole texts, (texts, columns), an encoder's dimensions behind them."""
    cleaned = [clean(t).text for t in texts]
    return scorer.widen(scorer.bundle.features.transform(cleaned, scorer.segmenter), cleaned)


def held_out_probabilities(scorer: Scorer, gold: Sequence[Gold], *, jobs: int = 2) -> Floats:
    """Return P(label), (texts, labels), each text by heads fitted without its group.

    Whole-text heads only: a third of the time of a training. Raises CorpusError for fewer than FEWEST texts.
    """
    if len(gold) < FEWEST:
        raise CorpusError("ZF-HELD-FEW", f"只有 {len(gold)} 条文本，不够交叉验证", f"至少 {FEWEST} 条。")
    x = text_matrix(scorer, [g.text for g in gold])
    truth = label_matrix(gold, scorer.bundle.taxonomy)
    margins = held_out_margins(x, truth, group_folds([g.group for g in gold], truth, FOLDS, 0), jobs=jobs)
    return fit_scale(margins, truth)(margins)


def held_out_margins(x: sparse.csr_matrix, truth: Bools, fold: Ints, *, jobs: int = 1) -> Floats:
    """Return margins, (texts, labels), each text by heads fitted without its ``fold`` (texts,)."""
    from joblib import Parallel, delayed

    def one(number: int) -> Floats:
        inside = fold != number
        coef, bias = fit_heads(x[inside], truth[inside], C)
        return np.asarray(x[~inside] @ coef + bias)

    margins = np.zeros(truth.shape)
    numbers = np.unique(fold).tolist()
    for number, part in zip(numbers, Parallel(n_jobs=jobs)(delayed(one)(n) for n in numbers), strict=True):
        margins[fold == number] = part
    return margins


def fit_scale(margins: Floats, truth: Bools) -> Callable[[Floats], Floats]:
    """Return what turns margins into probabilities, both (texts, labels), fitted on held-out ``margins``."""
    slope, intercept = fit_sigmoids(margins, truth)
    return lambda some: np.asarray(expit(some * slope + intercept))
