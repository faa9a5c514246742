"""The linear heads over places of features: TF-IDF, unit length, products and the strongest sentence in one pass."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from pipeline.model.bundle import Bundle
from pipeline.model.features import CONCEPTS
from pipeline.model.places import BLOCKS, Places, Vocabulary
from pipeline.model.pool import NOISE
from pipeline.text.compiled import compiled, wide

__all__ = ["Heads"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Shorts = npt.NDArray[np.int32]


class Heads:
    """Weights in the order of a vocabulary: of each column those for sentences, then those for passages."""

    def __init__(self, bundle: Bundle, vocabulary: Vocabulary) -> None:
        w = bundle.weights
        self.weights = np.hstack([w.sentence_coef, w.coef])[vocabulary.order]
        self.scale = vocabulary.scale
        self._bias = w.bias.astype(float)
        self._sentence_bias = w.sentence_bias.astype(float)

    def margins(self, places: Places, sentence_of: Ints) -> tuple[Floats, Floats, Ints]:
        """Return (passages, heads): margins of the passages, of their strongest sentences, and which those are.

        The number of a sentence is that in the batch; -1 where there is none.
        """
        many, heads = len(sentence_of) - 1, len(self._bias)
        whole = np.tile(self._bias, (many, 1))
        strongest = np.tile(self._sentence_bias, (many, 1))
        which = np.full((many, heads), -1)
        _margins(
            places.group, places.column, sentence_of, self.weights, self.scale, self._sentence_bias, whole, strongest,
            which,
        )  # fmt: skip
        return whole, strongest, which


@compiled
def _margins(
    group: Ints,
    column: Shorts,
    sentence_of: Ints,
    weights: Singles,
    scale: Floats,
    sentence_bias: Floats,
    whole: Floats,
    strongest: Floats,
    which: Ints,
) -> None:
    heads = weights.shape[1] // 2
    count = np.zeros(len(scale), np.int32)
    total = np.zeros((3, heads))
    length = np.zeros(3)
    logs = np.ones(256)
    for c in range(1, 256):
        logs[c] = 1 + math.log(c)
    for p in range(len(sentence_of) - 1):
        for s in range(sentence_of[p], sentence_of[p + 1]):
            _sum(column[group[s + p] : group[s + p + 1]], 0, count, weights, scale, logs, total, length)
            for h in range(heads):
                value = sentence_bias[h] + total[0, h] * length[0] + total[1, h] * length[1] + total[2, h]
                # Of equals, whatever the order their parts were added in, the first.
                if which[p, h] < 0 or round(value / NOISE) > round(strongest[p, h] / NOISE):
                    strongest[p, h] = value
                    which[p, h] = s
        first = group[sentence_of[p] + p]
        last = group[sentence_of[p + 1] + p + 1]
        _sum(column[first:last], heads, count, weights, scale, logs, total, length)
        for h in range(heads):
            whole[p, h] += total[0, h] * length[0] + total[1, h] * length[1] + total[2, h]


@compiled
def _sum(
    column: Shorts,
    at: int,
    count: Shorts,
    weights: Singles,
    scale: Floats,
    logs: Floats,
    total: Floats,
    length: Floats,
) -> None:
    """Fill ``total`` (blocks, heads) with the products of one row, ``length`` with what makes a block of unit length.

    ``at`` is where the weights of these heads begin; ``count`` is zero before and after.
    """
    heads = total.shape[1]
    total[:] = 0.0
    length[:] = 0.0
    for k in range(len(column)):
        count[column[k] // BLOCKS] += 1
    for k in range(len(column)):
        c = wide(column[k]) // BLOCKS
        times = wide(count[c])
        if times == 0:
            continue
        count[c] = 0
        block = wide(column[k]) % BLOCKS
        value = scale[c]
        if block != CONCEPTS:
            value *= logs[times] if times < 256 else 1 + math.log(times)
        length[block] += value * value
        row = weights[c]
        into = total[block]
        for h in range(heads):
            into[h] += value * row[at + h]
    for block in range(2):
        length[block] = 1 / math.sqrt(length[block]) if length[block] > 0 else 1.0
