"""Margins → probabilities → thresholds, per label, from out-of-fold values."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit
from scipy.stats import binom

from pipeline.model.bundle import NEVER
from pipeline.model.promise import CONFIDENCE
from pipeline.ndarrays import Bools, Floats, Ints

__all__ = [
    "BINS",
    "best_f_threshold",
    "expected_calibration_error",
    "expected_f1_threshold",
    "fit_sigmoid",
    "fit_sigmoids",
    "lean_thresholds",
    "promised_thresholds",
    "raise_to_promise",
    "stand_in_threshold",
    "trust",
]

#: Lowest threshold tried; labels are rare and their scores low.
LEAST = 0.02
#: With so many positives a label's own threshold counts as much as that of all labels together.
TRUSTED = 100
#: Thresholds tried for a promise, closer together where few texts are called.
STEPS = 60
#: Bootstrap samples that a threshold of highest F1 is averaged over.
SAMPLES = 50
#: Scores are compared with what holds in so many bins of equal width.
BINS = 10


def fit_sigmoid(margins: Floats, truth: Bools) -> tuple[float, float]:
    """Return slope ≥ 0 and intercept of P(label) = sigmoid(slope · margin + intercept); ``margins`` (texts,).

    Platt 1999 with his smoothed targets, so that a label with few positives does not end in certainty.
    """
    positives = int(truth.sum())
    negatives = len(truth) - positives
    target = np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(p: Floats) -> tuple[float, Floats]:
        z = margins * p[0] + p[1]
        gap = expit(z) - target
        return float((np.logaddexp(0, z) - target * z).sum()), np.array([gap @ margins, gap.sum()])

    start = np.array([1.0, np.log((positives + 1) / (negatives + 1))])
    slope, intercept = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None), (None, None)]).x
    return float(slope), float(intercept)


def fit_sigmoids(margins: Floats, truth: Bools) -> Floats:
    """Return slopes and intercepts, (2, labels), as `fit_sigmoid`; ``margins`` and ``truth`` (texts, labels)."""
    return np.array([fit_sigmoid(m, t) for m, t in zip(margins.T, truth.T, strict=True)]).T


def best_f_threshold(probabilities: Floats, truth: Bools, beta: float = 1.0) -> float:
    """Return the threshold from LEAST to 0.9 of the highest mean F-beta over bootstrap samples; both (texts,).

    Recall counts ``beta`` times as much as precision. The plain maximum sits on single texts; averaged over samples it
    holds better on new ones.
    """
    grid = np.round(np.arange(LEAST, 0.9 + 1e-9, 0.01), 2)
    rng = np.random.default_rng(0)
    # Texts that pass the same thresholds and have the label or not are counted together.
    sort = 2 * np.searchsorted(grid - 1e-12, probabilities, "right") + truth
    drawn = (sort[rng.integers(len(truth), size=len(truth))] for _ in range(SAMPLES))
    counts = np.array([np.bincount(d, minlength=2 * len(grid) + 2) for d in drawn]).reshape(SAMPLES, -1, 2)
    above = counts[:, ::-1].cumsum(1)[:, -2::-1]
    hits, called, real = above[..., 1], above.sum(2), counts[..., 1].sum(1)
    share = beta**2 / (1 + beta**2)
    f = (hits / np.maximum(called * (1 - share) + real[:, None] * share, 0.5)).mean(0)
    # A flat top has many equal thresholds; its middle is the safest.
    top = np.flatnonzero(f >= f.max() - 1e-9)
    return float(grid[top[len(top) // 2]])


def expected_f1_threshold(probabilities: Floats) -> float:
    """Return the threshold of the highest expected F1, 2·Σ p(called) / (called + Σ p), of calibrated probabilities.

    ``probabilities`` (texts,). It looks at no label, so a handful of positives cannot lead it astray (plug-in rule, Ye
    et al. 2012).
    """
    falling = np.append(np.sort(probabilities)[::-1], 0.0)
    called = np.arange(1, len(falling))
    f1 = 2 * falling[:-1].cumsum() / (called + falling.sum())
    last = int(f1.argmax()) if len(f1) else 0
    return float(falling[last : last + 2].mean())


def lean_thresholds(own: Floats, common: float, positives: Ints) -> Floats:
    """Return thresholds between each label's ``own`` (labels,) and the ``common`` one, half-way at TRUSTED positives.

    Chosen on few positives a threshold fits those; log-odds are averaged, as an empirical Bayes estimate would be.
    """
    share = trust(positives)
    return np.asarray(expit(share * logit(own) + (1 - share) * logit(common)))


def trust(positives: Ints) -> Floats:
    """Return how far to believe what was found on so many ``positives`` (labels,), 0 to 1; a half at TRUSTED."""
    return np.asarray(positives / (positives + TRUSTED))


def stand_in_threshold(probabilities: Floats, truth: Bools) -> float:
    """Return the one threshold of highest micro-F1 where each text's most probable label is always called.

    ``probabilities`` and ``truth`` (texts, labels). The labels share it: each alone, not knowing that one stands in,
    would set it lower.
    """
    best = probabilities.argmax(1)[:, None] == np.arange(probabilities.shape[1])
    order = np.argsort(-probabilities[~best], kind="stable")
    falling, shown = probabilities[~best][order], truth[~best][order]
    called = len(truth) + np.arange(len(falling) + 1)
    hits = truth[best].sum() + np.append(0, shown.cumsum())
    f1 = 2 * hits / (called + truth.sum())
    # A threshold calls all of equal score or none.
    f1[1:-1][falling[1:] == falling[:-1]] = 0
    last = int(f1.argmax())
    return float(np.append(np.append(1.0, falling), 0.0)[last : last + 2].mean())


def promised_thresholds(probabilities: Floats, truth: Bools, precision: float) -> list[float]:
    """Return for each label the lowest threshold that keeps the promised ``precision``, or NEVER.

    ``probabilities`` and ``truth`` (texts, labels), out of fold. A threshold keeps the promise when, were its precision
    no better than promised, so many hits would hardly come (binomial test). The level is shared out among the labels.
    Each label walks down thresholds that only scores and numbers choose, so that the lowest that passes is not the
    luckiest of many: what passes hands its level on to the next (fixed-sequence testing from two starts, Wiens 2003;
    Angelopoulos et al. 2021, Learn then Test). With CONFIDENCE all thresholds returned keep the promise.
    """
    texts, labels = truth.shape
    share = (1 - CONFIDENCE) / (2 * labels)
    # The first where it could pass, with every text right; the second where some may be wrong.
    first = math.ceil(math.log(share) / math.log(precision))
    thresholds = np.full(labels, NEVER)
    if first > texts:
        return thresholds.tolist()
    counts = np.unique(np.geomspace(first, texts, STEPS).astype(int))
    starts = (0, int(np.searchsorted(counts, 2 * first)))
    falling = -np.sort(-probabilities, 0)
    level = np.zeros(labels)
    for step, count in enumerate(counts.tolist()):
        level += share * (step in starts)
        # A threshold calls all texts of equal score or none.
        called = probabilities >= falling[count - 1]
        kept = binom.sf((called & truth).sum(0) - 1, called.sum(0), precision) <= level
        thresholds[kept] = falling[count - 1, kept]
        level *= kept
    return thresholds.tolist()


def raise_to_promise(thresholds: Floats, probabilities: Floats, truth: Bools, precision: float) -> Floats:
    """Return ``thresholds`` (…, heads) of the labels no lower than the promise allows; problem-or-not, last, stays.

    ``probabilities`` and ``truth`` (texts, heads), out of fold.
    """
    promised = promised_thresholds(probabilities[:, :-1], truth[:, :-1], precision)
    return np.maximum(thresholds, [*promised, 0.0])


def expected_calibration_error(probabilities: Floats, truth: Bools) -> float:
    """Return Σ share(bin) · |mean score − rate| over BINS of equal width (Naeini et al. 2015); both (texts,)."""
    index = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    count = np.bincount(index, minlength=BINS)
    score = np.bincount(index, probabilities, BINS)
    hits = np.bincount(index, truth.astype(float), BINS)
    return float(np.abs(score - hits).sum() / max(count.sum(), 1))
