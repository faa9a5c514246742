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
from pipeline.text.prefetch import prefetch

__all__ = ["Heads"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Shorts = npt.NDArray[np.int32]
Columns = npt.NDArray[np.uint32]

#: Numbers that are worked on at once.
_LANES = 16
# Unsigned like the columns.
_BLOCK_BITS = np.uint32(BLOCKS.bit_length() - 1)
_BLOCK = np.uint32(BLOCKS - 1)
_CONCEPTS = np.uint64(CONCEPTS)


class Heads:
    """Weights in the order of a vocabulary.

    ``weights`` (2, columns, ``width``): for sentences, then for passages. Behind the heads of a row stands its scale as
    the sum of two numbers, then nothing, so that rows are whole lines of the cache and machine words.
    """

    def __init__(self, bundle: Bundle, vocabulary: Vocabulary) -> None:
        w = bundle.weights
        self.heads = len(w.bias)
        self.lead = float(bundle.features.lead)
        self.width = -(-(self.heads + 2) // _LANES) * _LANES
        columns = len(vocabulary.order)
        room = np.zeros(2 * columns * self.width + _LANES, np.float32)
        skip = -room.ctypes.data % 64 // room.itemsize
        self.weights = room[skip : skip + 2 * columns * self.width].reshape(2, columns, self.width)
        rough = vocabulary.scale.astype(np.float32)
        for side, coef in enumerate((w.sentence_coef, w.coef)):
            self.weights[side, :, : self.heads] = coef[vocabulary.order]
            self.weights[side, :, self.heads] = rough
            self.weights[side, :, self.heads + 1] = vocabulary.scale - rough
        self._bias = self._padded(w.bias)
        self._sentence_bias = self._padded(w.sentence_bias)

    def _padded(self, values: Singles) -> Floats:
        return np.append(values, np.zeros(self.width - self.heads))

    def margins(self, places: Places, sentence_of: Ints, row: Ints) -> tuple[Floats, Floats, Ints]:
        """Return (passages, heads): margins of the passages, of their strongest sentences, and which those are.

        ``row`` (passages,) ascends and numbers the text of each. The number of a sentence is that in the batch; -1
        where there is none.
        """
        many = len(sentence_of) - 1
        whole = np.tile(self._bias, (many, 1))
        strongest = np.tile(self._sentence_bias, (many, 1))
        which = np.full((many, self.heads), -1)
        _margins(
            places.group, places.column, sentence_of, row, self.weights, self._sentence_bias, self.lead, whole,
            strongest, which,
        )  # fmt: skip
        return whole[:, : self.heads], strongest[:, : self.heads], which


@compiled
def _margins(
    group: Ints,
    column: Columns,
    sentence_of: Ints,
    row: Ints,
    weights: Singles,
    sentence_bias: Floats,
    lead: float,
    whole: Floats,
    strongest: Floats,
    which: Ints,
) -> None:
    heads = which.shape[1]
    count = np.zeros(weights.shape[1], np.int32)
    total = np.zeros((3, weights.shape[2]))
    length = np.zeros(3)
    logs = np.ones(256)
    for c in range(1, 256):
        logs[c] = 1 + math.log(c)
    opening = 0
    for p in range(len(sentence_of) - 1):
        for s in range(sentence_of[p], sentence_of[p + 1]):
            _sum(column[group[s + p] : group[s + p + 1]], weights[0], heads, count, logs, total, length)
            for h in range(heads):
                value = sentence_bias[h] + total[0, h] * length[0] + total[1, h] * length[1] + total[2, h]
                # Of equals, whatever the order their parts were added in, the first.
                if which[p, h] < 0 or _rounded(value) > _rounded(strongest[p, h]):
                    strongest[p, h] = value
                    which[p, h] = s
        first = group[sentence_of[p] + p]
        last = group[sentence_of[p + 1] + p + 1]
        _sum(column[first:last], weights[1], heads, count, logs, total, length)
        for h in range(heads):
            whole[p, h] += total[0, h] * length[0] + total[1, h] * length[1] + total[2, h]
        if lead == 0:
            continue
        # Every passage is read with the first sentence of its document.
        if row[p] != row[opening]:
            opening = p
        s = sentence_of[opening]
        if s < sentence_of[opening + 1]:
            first, last = group[s + opening], group[s + opening + 1]
            _sum(column[first:last], weights[1], heads, count, logs, total, length)
            for h in range(heads):
                whole[p, h] += lead * (total[0, h] * length[0] + total[1, h] * length[1] + total[2, h])


@compiled
def _rounded(value: float) -> float:
    """Return ``value`` in whole numbers of NOISE, as numpy rounds."""
    return float(np.rint(value / NOISE))


@compiled
def _sum(
    column: Columns, weights: Singles, heads: int, count: Shorts, logs: Floats, total: Floats, length: Floats
) -> None:
    """Fill ``total`` (blocks, width) with the products of one row, ``length`` with what makes a block of unit length.

    ``count`` is zero before and after.
    """
    total[:] = 0.0
    length[:] = 0.0
    # Unsigned, for numba need not ask then whether an index counts from the end.
    width = np.uint64(weights.shape[1])
    scale = np.uint64(heads)
    flat = weights.reshape(-1)
    sums = total.reshape(-1)
    for k in range(len(column)):
        c = np.uint64(column[k] >> _BLOCK_BITS)
        if count[c] == 0:
            for line in range(0, width, _LANES):
                prefetch(flat, c * width + np.uint64(line))
        count[c] += 1
    for k in range(len(column)):
        c = np.uint64(column[k] >> _BLOCK_BITS)
        times = wide(count[c])
        if times == 0:
            continue
        count[c] = 0
        block = np.uint64(column[k] & _BLOCK)
        row = c * width
        value = np.float64(flat[row + scale]) + np.float64(flat[row + scale + np.uint64(1)])
        if times > 1 and block != _CONCEPTS:
            value *= logs[times] if times < 256 else 1 + math.log(times)
        length[block] += value * value
        into = block * width
        for h in range(width):
            sums[into + h] += value * flat[row + h]
    for i in range(CONCEPTS):
        length[i] = 1 / math.sqrt(length[i]) if length[i] > 0 else 1.0
