"""What to label next: where a person's word changes most, spread over labels, no two alike.

Four reasons, each from 0 to 1 for a text and a label:
unsure      the score is near even odds (uncertainty sampling, Lewis & Gale 1994); thresholds lie lower, where rare
            labels have almost only negatives, and there it saved nothing
rules       the concepts of the lexicon and the model disagree
thin        decided, but no single sentence says so, or few words do
new         little of the text's vocabulary is known to the model
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import expit, logit

from pipeline.ndarrays import Bools, Floats

__all__ = ["REASONS", "Chosen", "Interest", "choose", "interest"]

REASONS = {"unsure": "拿不准", "rules": "词典与模型不一", "thin": "证据单薄", "new": "用词陌生"}
#: What each reason weighs against being unsure.
WEIGHTS = {"unsure": 1.0, "rules": 0.35, "thin": 0.25, "new": 0.15}
#: Log-odds that far from even count for little.
SPREAD = 1.0
#: A text this like one already chosen (cosine) waits for another batch.
ALIKE = 0.5


@dataclass(frozen=True)
class Interest:
    """``total`` (texts, labels), and the single ``reasons`` it was added up from."""

    total: Floats
    reasons: dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A text, the label it was chosen for, the strongest reason."""

    row: int
    column: int
    reason: str


def interest(
    probabilities: Floats, *, concepts: Floats | None = None, thin: Bools | None = None, known: Floats | None = None
) -> Interest:
    """Rate every text for every label.

    ``probabilities`` (texts, labels); ``concepts`` (texts, labels) what the lexicon adds to each margin, ``thin``
    (texts, labels) decisions on little, ``known`` (texts,) the known share of each vocabulary.
    """
    clipped = np.clip(probabilities, 1e-6, 1 - 1e-6)
    reasons = {"unsure": np.exp(-abs(logit(clipped)) / SPREAD)}
    if concepts is not None:
        spread = concepts.std(0) + 1e-9
        loud = expit(4 * (concepts / spread - 2))
        reasons["rules"] = np.where(probabilities >= 0.5, (concepts <= 0).astype(float), loud)
    if thin is not None:
        reasons["thin"] = thin.astype(float)
    if known is not None:
        reasons["new"] = np.repeat((1 - known)[:, None], probabilities.shape[1], 1)
    total = sum((WEIGHTS[name] * value for name, value in reasons.items()), np.zeros(probabilities.shape))
    return Interest(total, reasons)


def choose(rated: Interest, x: sparse.csr_matrix, size: int, *, seen: Sequence[int] = ()) -> list[Chosen]:
    """Return up to ``size`` texts, the labels taking turns; ``x`` (texts, columns) tells which are alike.

    ``seen`` rows are never chosen. When only texts like the chosen ones are left, they are taken after all.
    """
    texts = len(rated.total)
    norms = np.sqrt(np.asarray(x.multiply(x).sum(1)).ravel()) + 1e-12
    unit = sparse.diags(1 / norms) @ x
    nearest = np.zeros(texts)
    free = np.ones(texts, bool)
    free[list(seen)] = False
    order = np.argsort(-rated.total, 0, kind="stable")
    chosen: list[Chosen] = []
    for limit in (ALIKE, np.inf):
        turns = deque((column, iter(rows)) for column, rows in enumerate(order.T.tolist()))
        while turns and len(chosen) < size:
            column, rows = turns.popleft()
            row = next((r for r in rows if free[r] and nearest[r] < limit), None)
            if row is None:
                continue  # nothing is left for this label
            turns.append((column, rows))
            free[row] = False
            nearest = np.maximum(nearest, np.asarray((unit @ unit[row].T).todense()).ravel())
            chosen.append(Chosen(row, column, _why(rated, row, column)))
    return chosen


def _why(rated: Interest, row: int, column: int) -> str:
    return max(rated.reasons, key=lambda name: WEIGHTS[name] * rated.reasons[name][row, column])
