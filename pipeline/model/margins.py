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

__all__ = ["PASSAGES", "SENTENCES", "SINGLES", "Heads"]

#: Bytes in a line of the cache, coefficients that are worked on at once, and the single numbers behind those of a row.
_LINE, _LANES, SINGLES = 64, 8, 4
#: Which of a row's coefficients, and of the single numbers behind them, where the worth of the column follows.
SENTENCES, PASSAGES, _GATES, _WORTH = 0, 1, 2, 3
# Unsigned like the columns.
_BLOCK_BITS = np.uint32(BLOCKS.bit_length() - 1)
_BLOCK = np.uint32(BLOCKS - 1)
_BLOCKS = CONCEPTS + 1


class Heads:
    """Weights in the order of a vocabulary.

    ``weights`` (experts, columns, width) in grains: ``lanes`` for sentences, then as many for passages; the first
    expert's gates stand in the lanes behind the heads for sentences. The last four of ``singles`` (experts, columns,
    width / 4), over the same memory, are the grains of the three and what the column is worth. Rows are whole lines of
    the cache.
    """

    def __init__(self, bundle: Bundle, vocabulary: Vocabulary) -> None:
        w = bundle.weights
        experts, self.heads = w.bias.shape
        self.lead = float(bundle.features.lead)
        gates = self.heads + len(w.gate_bias)
        self.lanes = -(-gates // _LANES) * _LANES
        width = -(-(2 * self.lanes + SINGLES * 4) // _LINE) * _LINE
        columns = len(vocabulary.order)
        room = np.zeros(experts * columns * width + _LINE, np.int8)
        skip = -room.ctypes.data % _LINE
        self.weights = room[skip : len(room) - _LINE + skip].reshape(experts, columns, width)
        self.singles = self.weights.view(np.float32)
        self.scale = vocabulary.scale
        of_sides = ((w.sentence_coef, w.sentence_exponent), (w.coef, w.exponent))
        for side, (coef, exponent) in enumerate(of_sides):
            _lay_out(coef, vocabulary.order, side * self.lanes, self.weights)
            self.singles[..., side - SINGLES] = np.ldexp(np.float32(1), exponent[:, vocabulary.order])
        self.singles[..., _WORTH - SINGLES] = self.scale
        # The first expert's table is read first, so the gates stand there.
        self.weights[0, :, self.heads : gates] = w.gate[vocabulary.order]
        self.singles[0, :, _GATES - SINGLES] = np.ldexp(np.float32(1), w.gate_exponent[vocabulary.order])
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
            places.group, places.column, sentence_of, row, self.weights, self.singles, self._bias, self._sentence_bias,
            gate_bias, self.lead, whole, strongest, which, expert, told,
        )  # fmt: skip
        if dense is not None:
            for e, coef in enumerate(self._dense_coef):
                whole[expert == e] += dense[expert == e] @ coef
        return whole, strongest, which, expert, told


@compiled
def _lay_out(coef: Grains, order: Ints, first: int, weights: Grains) -> None:
    """Fill in coefficients (experts, columns, heads) from the ``first`` on, in another ``order`` (columns,)."""
    for e in range(len(coef)):
        for c in range(len(order)):
            for h in range(coef.shape[2]):
                weights[e, c, first + h] = coef[e, order[c], h]


@compiled
def _margins(
    group: Ints,
    column: Columns,
    sentence_of: Ints,
    row: Ints,
    weights: Grains,
    singles: Singles,
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
    count = np.zeros(weights.shape[1], np.int32)
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
    # The tables end to end. Views cost as much as some features.
    width = weights.shape[2]
    size = weights.shape[1] * width
    flat, single = weights.reshape(-1), singles.reshape(-1)
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
        table, numbers = flat, single
        _passage(
            column, begin, end, again, again_end, lead, table, numbers, width, heads, gates, seen, count, logs, total,
            length, margin,
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
            table, numbers = flat[e * size :], single[e * size // 4 :]
            _passage(
                column, begin, end, again, again_end, lead, table, numbers, width, heads, 0, seen, count, logs, total,
                length, margin,
            )  # fmt: skip
        expert[p] = e
        for h in range(heads):
            whole[p, h] = bias[e, h] + margin[h]
            high[h] = sentence_bias[e, h]
            best[h] = -np.inf
            at[h] = -1
        for s in range(sentence_of[p], sentence_of[p + 1]):
            _sum(
                column, group[s + p], group[s + p + 1], table, numbers, width, SENTENCES, heads, 0, seen, count, logs,
                total, length,
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
    table: Grains,
    numbers: Singles,
    width: int,
    heads: int,
    gates: int,
    seen: Columns,
    count: Shorts,
    logs: Floats,
    total: Floats,
    length: Floats,
    margin: Floats,
) -> None:
    """Fill ``margin`` with the products of a passage and, ``lead`` times, of what is read ``again``."""
    _sum(column, begin, end, table, numbers, width, PASSAGES, heads, gates, seen, count, logs, total, length)
    for h in range(len(margin)):
        margin[h] = _joined(total, length, h)
    if again < again_end:
        _sum(column, again, again_end, table, numbers, width, PASSAGES, heads, gates, seen, count, logs, total, length)
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
    table: Grains,
    numbers: Singles,
    width: int,
    side: int,
    heads: int,
    gates: int,
    seen: Columns,
    count: Shorts,
    logs: Floats,
    total: Floats,
    length: Floats,
) -> None:
    """Fill ``total`` (blocks x heads,) with the products of one row, ``column[begin:end]``, ``length`` with what makes
    of a block one of unit length.

    ``table`` and ``numbers`` are an expert's, in one line, and read are the coefficients of that ``side`` and so many
    ``gates``; ``count`` is zero before and after.
    """
    for h in range(len(total)):
        total[h] = 0.0
    for i in range(_BLOCKS):
        length[i] = 0.0
    # Unsigned, for numba need not ask then whether an index counts from the end.
    whole = np.uint64(width)
    quarter = np.uint64(width // 4)
    used = np.uint64(len(total) // _BLOCKS)
    first = used * np.uint64(side)
    grain_of_side, grain_of_gates = np.uint64(SINGLES - side), np.uint64(SINGLES - _GATES)
    gate_at = np.uint64(heads)
    # Without branches: whether a feature stands there again nobody foresees, the processor neither.
    many = 0
    for k in range(begin, end):
        c = np.uint64(column[k] >> _BLOCK_BITS)
        for line in range(0, width, _LINE):
            prefetch(table, c * whole + np.uint64(line))
        seen[many] = column[k]
        many += count[c] == 0
        count[c] += 1
    for k in range(many):
        c = np.uint64(seen[k] >> _BLOCK_BITS)
        times = np.uint64(count[c])
        count[c] = 0
        block = np.uint64(seen[k] & _BLOCK)
        row = c * whole
        behind = (c + np.uint64(1)) * quarter
        value = np.float64(numbers[behind - np.uint64(SINGLES - _WORTH)]) * logs[block >> np.uint64(1), times]
        length[block] += value * value
        into = block * used
        of_row = value * np.float64(numbers[behind - grain_of_side])
        for h in range(used):
            total[into + h] += of_row * np.float64(table[row + first + h])
        of_row = value * np.float64(numbers[behind - grain_of_gates])
        for g in range(gate_at, gate_at + np.uint64(gates)):
            total[into + g] += of_row * np.float64(table[row + g])
    for i in range(CONCEPTS):
        length[i] = 1 / math.sqrt(length[i]) if length[i] > 0 else 1.0
    length[CONCEPTS] = 1.0
