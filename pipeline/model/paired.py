"""Two sets of decisions on the same texts: F1 of each, the difference with its interval, and a paired test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.ndarrays import Bools, Floats, Ints

__all__ = ["Contrast", "Counts", "adjust", "contrasts", "count", "holm"]

#: Resamples for intervals, and sign flips for tests.
ROUNDS = 2000
FLIPS = 9999


@dataclass(frozen=True, slots=True)
class Contrast:
    """A figure of A and of B on the same texts: B minus A with its 95 % bootstrap interval.

    ``p`` is of the paired randomisation test, two-sided; ``adjusted`` after Holm's correction over its family.
    """

    a: float
    b: float
    difference: float
    low: float
    high: float
    p: float
    adjusted: float


@dataclass(frozen=True)
class Counts:
    """What F1 is made of, each (clusters, columns): decided and true, decided, true."""

    hits: Floats
    said: Floats
    real: Floats


def count(truth: Bools, called: Bools, clusters: Ints, pools: Sequence[Ints] = ()) -> Counts:
    """Count the columns of (texts, columns) per cluster; each of ``pools`` (columns,) adds a column of their sums."""

    def fold(cells: Bools) -> Floats:
        full = np.column_stack([cells.astype(float), *(cells[:, p].sum(1) for p in pools)])
        total = np.zeros((int(clusters.max()) + 1, full.shape[1]))
        np.add.at(total, clusters, full)
        return total

    return Counts(fold(truth & called), fold(called), fold(truth))


def contrasts(
    a: Counts, b: Counts, *, means: Sequence[Ints] = (), rounds: int = ROUNDS, flips: int = FLIPS, seed: int = 0
) -> list[Contrast]:
    """Contrast F1 of every column, then of the mean F1 over each of ``means`` (columns,).

    Whole clusters are drawn for the interval (percentile bootstrap) and exchanged between A and B for the test
    (approximate randomisation, Noreen 1989): near copies of a text count as one observation.
    """
    rng = np.random.default_rng(seed)
    clusters = len(a.hits)
    weights = rng.multinomial(clusters, np.full(clusters, 1 / clusters), rounds).astype(float)
    one, other = (_with_means(_f1(c.hits.sum(0), c.said.sum(0), c.real.sum(0))[None], means)[0] for c in (a, b))
    drawn_a, drawn_b = (_with_means(_f1(weights @ c.hits, weights @ c.said, weights @ c.real), means) for c in (a, b))
    low, high = np.percentile(drawn_b - drawn_a, [2.5, 97.5], axis=0)
    gap = other - one
    # Only where A and B differ does an exchange change anything.
    differ = (a.hits != b.hits).any(1) | (a.said != b.said).any(1)
    signs = rng.choice([-1.0, 1.0], (flips, int(differ.sum())))
    half_hits, half_said = signs @ (b.hits - a.hits)[differ] / 2, signs @ (b.said - a.said)[differ] / 2
    hits, said, real = (a.hits + b.hits).sum(0) / 2, (a.said + b.said).sum(0) / 2, a.real.sum(0)
    exchanged = _with_means(_f1(hits + half_hits, said + half_said, real), means) - _with_means(
        _f1(hits - half_hits, said - half_said, real), means
    )
    p = (1 + (abs(exchanged) >= abs(gap) - 1e-12).sum(0)) / (flips + 1)
    values = np.column_stack([one, other, gap, low, high, p, p])
    return [Contrast(*map(float, row)) for row in values]


def adjust(family: Sequence[Contrast]) -> list[Contrast]:
    """Return the contrasts with ``adjusted`` corrected over the family."""
    return [replace(c, adjusted=p) for c, p in zip(family, holm([c.p for c in family]), strict=True)]


def holm(p: Sequence[float]) -> list[float]:
    """Return Holm's (1979) adjusted p-values in the order given."""
    order = sorted(range(len(p)), key=lambda i: p[i])
    adjusted = [0.0] * len(p)
    highest = 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(p) - rank) * p[i]))
        adjusted[i] = highest
    return adjusted


def _f1(hits: Floats, said: Floats, real: Floats) -> Floats:
    # Nothing decided where nothing is true is no mistake of either side.
    total = said + real
    return np.where(total > 0, 2 * hits / np.maximum(total, 1e-9), 1.0)


def _with_means(f1: Floats, means: Sequence[Ints]) -> Floats:
    return np.column_stack([f1, *(f1[:, m].mean(1) for m in means)])
