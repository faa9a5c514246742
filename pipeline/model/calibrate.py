"""Margins → probabilities → thresholds, per label, from out-of-fold values."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

__all__ = ["best_f1_threshold", "expected_calibration_error", "fit_sigmoid"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def fit_sigmoid(margins: Floats, truth: Bools) -> tuple[Floats, float]:
    """Return slopes ≥ 0, (margins,), and the intercept of P(label) = sigmoid(margins · slopes + intercept).

    ``margins`` (texts, margins). Platt 1999 with his smoothed targets, so that a label with few positives does not
    end in certainty; with several margins it is a stacked regression (Wolpert 1992) that no margin can turn around.
    """
    positives = int(truth.sum())
    negatives = len(truth) - positives
    target = np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    many = margins.shape[1]

    def loss(p: Floats) -> tuple[float, Floats]:
        z = margins @ p[:many] + p[many]
        gap = expit(z) - target
        return float((np.logaddexp(0, z) - target * z).sum()), np.append(gap @ margins, gap.sum())

    start = np.append(np.full(many, 1 / many), np.log((positives + 1) / (negatives + 1)))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * many + [(None, None)])
    return found.x[:many], float(found.x[many])


def best_f1_threshold(
    probabilities: Floats, truth: Bools, *, rounds: int = 50, seed: int = 0, least: float = 0.1, most: float = 0.9
) -> float:
    """Return the threshold of the highest mean F1 over bootstrap samples.

    The plain maximum sits on single texts; averaged over samples it holds better on new ones.
    """
    grid = np.round(np.arange(least, most + 1e-9, 0.01), 2)
    passed = probabilities[:, None] >= grid - 1e-12
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(truth), np.full(len(truth), 1 / len(truth)), rounds).astype(float)
    hits = weights @ (passed & truth[:, None])
    called = weights @ passed
    real = weights @ truth.astype(float)
    f1 = (2 * hits / np.maximum(called + real[:, None], 1)).mean(0)
    # A flat top has many equal thresholds; its middle is the safest.
    top = np.flatnonzero(f1 >= f1.max() - 1e-9)
    return float(grid[top[len(top) // 2]])


def expected_calibration_error(probabilities: Floats, truth: Bools, bins: int = 10) -> float:
    """Return Σ share(bin) · |mean score − rate| over equal-width bins (Naeini et al. 2015)."""
    index = np.minimum((probabilities * bins).astype(int), bins - 1)
    count = np.bincount(index, minlength=bins)
    score = np.bincount(index, probabilities, bins)
    hits = np.bincount(index, truth.astype(float), bins)
    return float(np.abs(score - hits).sum() / max(count.sum(), 1))
