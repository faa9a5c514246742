"""Evidence: what each character of a passage adds to a label, gathered into clauses a person can read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.model.bundle import Bundle
from pipeline.text.segment import Segmenter

__all__ = ["Passage", "character_weights", "explain"]

_CLAUSE = re.compile(r"[^，。！？；：、,!?;:…\n“”\"]+")
#: A second clause is shown when it carries at least this share of the first one's weight.
SHARE = 0.6
MOST = 3


@dataclass(frozen=True, slots=True)
class Passage:
    """``row`` numbers the document in its batch, ``start``/``end`` are offsets in its clean text."""

    row: int
    start: int
    end: int


def character_weights(text: str, bundle: Bundle, segmenter: Segmenter) -> npt.NDArray[np.float64]:
    """Return what each character adds to each head's margin, shape (len(text), heads).

    A linear margin is a sum over features; a feature's share is split evenly over its occurrences and each
    occurrence's over its characters, so the columns sum to the margin without its bias.
    """
    found = bundle.features.occurrences([text], segmenter)
    x = bundle.features.matrix(found, 1)
    value = np.zeros(bundle.features.columns)
    value[x.indices] = x.data
    count = np.bincount(found.column, minlength=bundle.features.columns)
    length = found.end - found.start
    share = (value[found.column] / count[found.column] / length)[:, None] * bundle.coef[found.column]
    # Differences at the borders, summed up, spread each occurrence over its characters.
    edge = np.zeros((len(text) + 1, bundle.coef.shape[1]))
    np.add.at(edge, found.start, share)
    np.subtract.at(edge, found.end, share)
    return np.asarray(edge.cumsum(0)[:-1])


def explain(
    text: str, heads: Sequence[int], bundle: Bundle, segmenter: Segmenter
) -> Iterator[tuple[int, int, int, float]]:
    """Yield ``(head, start, end, weight)`` for the clauses that speak most for each head, at least one each."""
    weights = character_weights(text, bundle, segmenter)
    clauses = [m.span() for m in _CLAUSE.finditer(text) if text[m.start() : m.end()].strip()] or [(0, len(text))]
    sums = np.concatenate([np.zeros((1, weights.shape[1])), weights.cumsum(0)])
    for head in heads:
        worth = np.array([sums[b, head] - sums[a, head] for a, b in clauses])
        order = np.argsort(-worth, kind="stable")[:MOST]
        for at in order:
            if at != order[0] and worth[at] < max(SHARE * worth[order[0]], 1e-9):
                break
            yield head, clauses[at][0], clauses[at][1], float(worth[at])
