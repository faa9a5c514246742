"""Honest live accuracy: a random sample that people label without seeing the model, weighted by how it was drawn.

Every document is drawn or not by a hash of its key, with a probability that is written down; documents the model
decides something in may be drawn more often, the weights make up for it (Horvitz & Thompson 1952). Precision and
recall are ratios of weighted sums; their intervals are those of Korn & Graubard (1998): Clopper–Pearson at the
effective sample size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.model.promise import clopper_pearson
from pipeline.ndarrays import Bools, Floats

__all__ = ["Estimate", "LiveRow", "draw", "estimate", "measure_live"]

#: How far each text counts: yes or no, or what lies between where people are of two minds.
Shares = Bools | Floats


@dataclass(frozen=True, slots=True)
class Estimate:
    """A weighted share with its 95 % interval; ``texts`` it rests on. Not a number where it rests on none."""

    value: float
    low: float
    high: float
    texts: int


@dataclass(frozen=True, slots=True)
class LiveRow:
    """Of one label: precision, recall, and the share of all documents that have it."""

    label: str
    precision: Estimate
    recall: Estimate
    share: Estimate


def draw(keys: Sequence[str], probabilities: Floats, salt: str) -> list[int]:
    """Return the rows whose hash falls below their probability; the same ``salt`` draws the same documents.

    Raising a probability keeps those already drawn.
    """
    lots = (int.from_bytes(hashlib.sha256(f"{salt}\x1f{key}".encode()).digest()[:8], "big") / 2**64 for key in keys)
    return [row for row, (lot, p) in enumerate(zip(lots, probabilities.tolist(), strict=True)) if lot < p]


def estimate(numerator: Shares, denominator: Shares, probabilities: Floats) -> Estimate:
    """Return Σ w·numerator / Σ w·denominator over drawn texts, w = 1 / probability; numerator ≤ denominator."""
    weight = 1 / probabilities
    weighted = weight * denominator
    total, texts = float(weighted.sum()), int((denominator > 0).sum())
    if not texts:
        return Estimate(float("nan"), 0.0, 1.0, 0)
    share = float((weight * numerator).sum()) / total
    # Linearised variance of a ratio under independent draws of whole texts, however many people read each.
    gap = (numerator - share * denominator) / total
    variance = float((gap**2 * (1 - probabilities) * weight**2).sum())
    # Where the sample shows no variance, Kish's effective size stands in.
    kish = float(weighted.sum() ** 2 / (weighted**2).sum())
    effective = min(share * (1 - share) / variance, float(texts)) if 0 < share < 1 and variance > 0 else kish
    return Estimate(share, *clopper_pearson(share * effective, effective), texts)


def measure_live(truth: Shares, called: Bools, probabilities: Floats, labels: Sequence[str]) -> list[LiveRow]:
    """Return precision and recall per label over drawn texts, (texts, labels), with their probabilities (texts,).

    Where people are of two minds the truth is ½: against two people this is precision against each of them, averaged.
    """
    everything = np.ones(len(truth), bool)
    right = truth * called
    return [
        LiveRow(
            label,
            estimate(right[:, j], called[:, j], probabilities),
            estimate(right[:, j], truth[:, j], probabilities),
            estimate(truth[:, j], everything, probabilities),
        )
        for j, label in enumerate(labels)
    ]
