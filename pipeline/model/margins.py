"""The linear heads over places of features: TF-IDF, unit length, products and the strongest sentence in one pass."""

from __future__ import annotations

import math

import numpy as np

from pipeline.model.bundle import Bundle
from pipeline.model.features import CONCEPTS
from pipeline.model.places import BLOCKS, Places, Vocabulary
from pipeline.model.pool import NOISE
from pipeline.ndarrays import Columns, Floats, Grains, Ints, Shorts, Singles
from pipeline.text.compiled import compiled
from pipeline.text.prefetch import prefetch

__all__ = ["Heads"]

#: Coefficients in a line of the cache, and those that are worked on at once.
_LINE, _LANES = 32, 8
# Unsigned like the columns.
_BLOCK_BITS = np.uint32(BLOCKS.bit_length() - 1)
_BLOCK = np.uint32(BLOCKS - 1)
_BLOCKS = CONCEPTS + 1


class Heads:
    """Weights in the order of a vocabulary.

    ``weights`` (experts, 2, columns, ``width``): for sentences, then for passages, in grains. Behind the heads of a row
    stand the gates; its last eight bytes are its scale as the sum of two numbers, ``scale_parts`` (experts, 2,
    columns, width / 2) over the same memory. Rows are whole lines of the cache.
    """

    def __init__(self, bundle: Bundle, vocabulary: Vocabulary) -> None:
        w = bundle.weights
        experts, self.heads = w.bias.shape
        self.lead = float(bundle.features.lead)
        self.grain = w.grain
        gates = self.heads + len(w.gate_bias)
        self.width = -(-(-(-gates // _LANES) * _LANES + 4) // _LINE) * _LINE
        columns = len(vocabulary.order)
        room = np.zeros(experts * 2 * columns * self.width + _LINE, np.int16)
        skip = -room.ctypes.data % 64 // room.itemsize
        self.weights = room[skip : len(room) - _LINE + skip].reshape(experts, 2, columns, self.width)
        self.scale_parts = self.weights.view(np.float32)
        self.scale = vocabulary.scale
        for side, coef in enumerate((w.sentence_coef, w.coef)):
            _lay_out(coef, vocabulary.order, self.scale, self.weights[:, side], self.scale_parts[:, side])
        # The first expert's table is read first, so the gates stand there.
        self.weights[0, 1, :, self.heads : gates] = w.gate[vocabulary.order]
        self._bias = w.bias.astype(np.float64)
        self._sentence_bias = w.sentence_bias.astype(np.float64)
        self._gate_bias = w.gate_bias.astype(np.float64)
        self._dense_coef = w.dense_coef.astype(np.float64)
        self._dense_gate = w.dense_gate.astype(np.float64)

    def margins(
        self, places: Places, sentence_of: Ints, row: Ints, dense: Singles | None = None
    ) -> tuple[Floats, Floats, Ints, Ints, Floats]:
        """Return margins of the passages, of their strongest sentences, which those are, all (passages, heads), which
        expert read each passage and how much each is told like texts that count fully, both (passages,).

        ``row`` (passages,) ascends and numbers the text of each; ``dense`` (passages, dimensions) is what an encoder
        says of it. The number of a sentence is that in the batch; -1 where there is none.
        """
        many = len(sentence_of) - 1
        whole, strongest = np.empty((2, many, self.heads))
        which = np.full((many, self.heads), -1)
        expert, told = np.zeros(many, np.int64), np.zeros(many)
        gate_bias = np.tile(self._gate_bias, (many, 1))
        if dense is not None:
            gate_bias += dense @ self._dense_gate
        _margins(
            places.group, places.column, sentence_of, row, self.weights, self.scale_parts, self.grain, self._bias,
            self._sentence_bias, gate_bias, self.lead, whole, strongest, which, expert, told,
        )  # fmt: skip
        if dense is not None:
            for e, coef in enumerate(self._dense_coef):
                whole[expert == e] += dense[expert == e] @ coef
        return whole, strongest, which, expert, told


@compiled
def _lay_out(coef: Grains, order: Ints, scale: Floats, weights: Grains, scale_parts: Singles) -> None:
    """Fill in coefficients (experts, columns, heads) in another ``order`` (columns,), and the scales of each row."""
    for e in range(len(coef)):
        for c in range(len(order)):
            for h in range(coef.shape[2]):
                weights[e, c, h] = coef[e, order[c], h]
            rough = np.float32(scale[c])
            scale_parts[e, c, -2] = rough
            scale_parts[e, c, -1] = np.float32(scale[c] - rough)


@compiled
def _margins(
    group: Ints,
    column: Columns,
    sentence_of: Ints,
    row: Ints,
    weights: Grains,
    scales: Singles,
    grain: float,
    bias: Floats,
    sentence_bias: Floats,
    gate_bias: Floats,
    lead: float,
    whole: Floats,
    strongest: Floats,
    which: Ints,
    expert: Ints,
    told: Floats,
) -> None:
    heads = which.shape[1]
    count = np.zeros(weights.shape[2], np.int32)
    gates = gate_bias.shape[1]
    used = -(-(heads + gates) // _LANES) * _LANES
    total = np.zeros(_BLOCKS * used)
    length = np.zeros(_BLOCKS)
    places = 1
    for p in range(len(sentence_of) - 1):
        places = max(places, group[sentence_of[p + 1] + p + 1] - group[sentence_of[p] + p])
    seen = np.empty(places + 1, np.uint32)
    # A concept counts once, however often it stands there.
    logs = np.ones((2, places + 1))
    for c in range(1, places + 1):
        logs[0, c] = 1 + math.log(c)
    # The tables end to end, each expert's for sentences, then that for passages. Views cost as much as some features.
    width = weights.shape[3]
    size = weights.shape[2] * width
    flat, scale = weights.reshape(-1), scales.reshape(-1)
    passage_flat, passage_scale = flat[size:], scale[size // 2 :]
    margin = np.zeros(used)
    high, best = np.empty((2, heads))
    at = np.empty(heads, np.int64)
    opening = 0
    for p in range(len(sentence_of) - 1):
        # Every passage is read with the first sentence of its document.
        if row[p] != row[opening]:
            opening = p
        s = sentence_of[opening]
        again = group[s + opening]
        again_end = group[s + opening + 1] if lead > 0 and s < sentence_of[opening + 1] else again
        begin, end = group[sentence_of[p] + p], group[sentence_of[p + 1] + p + 1]
        sentence_flat, sentence_scale = flat, scale
        _passage(
            column, begin, end, again, again_end, lead, passage_flat, passage_scale, width, sentence_flat, grain, seen,
            count, logs, total, length, margin,
        )  # fmt: skip
        e = 0
        most = 0.0
        for g in range(len(weights) - 1):
            opened = _rounded(gate_bias[p, g] + margin[heads + g])
            if opened > most:
                e = g + 1
                most = opened
        if gates == len(weights):
            told[p] = gate_bias[p, gates - 1] + margin[heads + gates - 1]
        if e > 0:
            table = 2 * e * size
            sentence_flat, sentence_scale = flat[table:], scale[table // 2 :]
            _passage(
                column, begin, end, again, again_end, lead, sentence_flat[size:], sentence_scale[size // 2 :], width,
                sentence_flat, grain, seen, count, logs, total, length, margin,
            )  # fmt: skip
        expert[p] = e
        for h in range(heads):
            whole[p, h] = bias[e, h] + margin[h]
            high[h] = sentence_bias[e, h]
            best[h] = -np.inf
            at[h] = -1
        for s in range(sentence_of[p], sentence_of[p + 1]):
            _sum(
                column, group[s + p], group[s + p + 1], sentence_flat, sentence_scale, width, passage_flat, grain,
                seen, count, logs, total, length,
            )  # fmt: skip
            for h in range(heads):
                value = sentence_bias[e, h] + _joined(total, length, h)
                # Of equals, whatever the order their parts were added in, the first.
                better = _rounded(value) > best[h]
                best[h] = _rounded(value) if better else best[h]
                high[h] = value if better else high[h]
                at[h] = s if better else at[h]
        for h in range(heads):
            strongest[p, h] = high[h]
            which[p, h] = at[h]


@compiled
def _passage(
    column: Columns,
    begin: int,
    end: int,
    again: int,
    again_end: int,
    lead: float,
    weights: Grains,
    scales: Singles,
    width: int,
    ahead: Grains,
    grain: float,
    seen: Columns,
    count: Shorts,
    logs: Floats,
    total: Floats,
    length: Floats,
    margin: Floats,
) -> None:
    """Fill ``margin`` with the products of a passage and, ``lead`` times, of what is read ``again``."""
    _sum(column, begin, end, weights, scales, width, ahead, grain, seen, count, logs, total, length)
    for h in range(len(margin)):
        margin[h] = _joined(total, length, h)
    if again < again_end:
        _sum(column, again, again_end, weights, scales, width, ahead, grain, seen, count, logs, total, length)
        for h in range(len(margin)):
            margin[h] += lead * _joined(total, length, h)


@compiled
def _joined(total: Floats, length: Floats, h: int) -> float:
    """Return the product of head ``h`` from those of the blocks."""
    used = len(total) // _BLOCKS
    return float(total[h] * length[0] + total[used + h] * length[1] + total[2 * used + h] * length[2])


@compiled
def _rounded(value: float) -> float:
    """Return ``value`` in whole numbers of NOISE, as numpy rounds."""
    return float(np.rint(value / NOISE))


@compiled
def _sum(
    column: Columns,
    begin: int,
    end: int,
    weights: Grains,
    scales: Singles,
    width: int,
    ahead: Grains,
    grain: float,
    seen: Columns,
    count: Shorts,
    logs: Floats,
    total: Floats,
    length: Floats,
) -> None:
    """Fill ``total`` (blocks x heads,) with the products of one row, ``column[begin:end]``, in grains, ``length`` with
    what makes of a block one of unit length in real numbers.

    ``weights`` and ``scales`` are tables in one line, ``ahead`` is that where the same features are read next;
    ``count`` is zero before and after.
    """
    for h in range(len(total)):
        total[h] = 0.0
    for i in range(_BLOCKS):
        length[i] = 0.0
    # Unsigned, for numba need not ask then whether an index counts from the end.
    whole = np.uint64(width)
    half = np.uint64(width // 2)
    used = np.uint64(len(total) // _BLOCKS)
    # Without branches: whether a feature stands there again nobody foresees, the processor neither.
    many = 0
    for k in range(begin, end):
        c = np.uint64(column[k] >> _BLOCK_BITS)
        for line in range(0, width, _LINE):
            prefetch(weights, c * whole + np.uint64(line))
        seen[many] = column[k]
        many += count[c] == 0
        count[c] += 1
    for k in range(many):
        c = np.uint64(seen[k] >> _BLOCK_BITS)
        times = np.uint64(count[c])
        count[c] = 0
        block = np.uint64(seen[k] & _BLOCK)
        row = c * whole
        prefetch(ahead, row)
        behind = (c + np.uint64(1)) * half
        value = np.float64(scales[behind - np.uint64(2)]) + np.float64(scales[behind - np.uint64(1)])
        value *= logs[block >> np.uint64(1), times]
        length[block] += value * value
        into = block * used
        for h in range(used):
            total[into + h] += value * np.float64(weights[row + h])
    for i in range(CONCEPTS):
        length[i] = grain / math.sqrt(length[i]) if length[i] > 0 else grain
    length[CONCEPTS] = grain
