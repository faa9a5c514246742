"""Probabilities of texts by heads that did not learn from them: the words of a bundle, its heads fitted anew."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.special import expit

from pipeline.corpus.gold import Gold, label_matrix
from pipeline.errors import CorpusError
from pipeline.model.calibrate import fit_sigmoid
from pipeline.model.folds import group_folds
from pipeline.model.score import Scorer
from pipeline.model.train import fit_heads
from pipeline.text.clean import clean

__all__ = ["calibrated", "held_out_probabilities", "text_matrix"]

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

C = 0.5
FEWEST = 60


def text_matrix(scorer: Scorer, texts: Sequence[str]) -> sparse.csr_matrix:
    """Return the bundle's features of whole texts, (texts, columns)."""
    features = scorer.bundle.features
    return features.transform([clean(t).text for t in texts], scorer.segmenter)


def held_out_probabilities(
    scorer: Scorer, gold: Sequence[Gold], *, folds: int = 3, seed: int = 0, jobs: int = 2
) -> Floats:
    """Return P(label), (texts, labels), each text by heads fitted without its group.

    Whole-text heads only: a third of the time of a training. Raises CorpusError for fewer than FEWEST texts.
    """
    from joblib import Parallel, delayed

    if len(gold) < FEWEST:
        raise CorpusError("ZF-HELD-FEW", f"只有 {len(gold)} 条文本，不够交叉验证", f"至少 {FEWEST} 条。")
    x = text_matrix(scorer, [g.text for g in gold])
    truth = label_matrix(gold, scorer.bundle.taxonomy)
    fold = group_folds([g.group for g in gold], truth, folds, seed)

    def one(number: int) -> Floats:
        inside = fold != number
        coef, bias = fit_heads(x[inside], truth[inside], C)
        return np.asarray(x[~inside] @ coef + bias)

    margins = np.zeros(truth.shape)
    found = Parallel(n_jobs=jobs)(delayed(one)(n) for n in range(folds))
    for number, part in enumerate(found):
        margins[fold == number] = part
    return calibrated(margins, truth)


def calibrated(margins: Floats, truth: Bools) -> Floats:
    """Return sigmoid-calibrated probabilities of held-out ``margins``, both (texts, labels)."""
    probabilities = np.zeros(margins.shape)
    for j in range(margins.shape[1]):
        slope, intercept = fit_sigmoid(margins[:, j], truth[:, j])
        probabilities[:, j] = expit(margins[:, j] * slope + intercept)
    return probabilities
