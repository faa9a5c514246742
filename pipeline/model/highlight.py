"""Evidence of whole batches: what `explain` finds in strings, from the places the margins were made of."""

from __future__ import annotations

import functools
import math
import sys

import numpy as np
import numpy.typing as npt

from pipeline.model.bundle import Bundle
from pipeline.model.explain import BETWEEN, COST, MOST, SHARE, STOPS, TAKEN
from pipeline.model.features import CONCEPTS
from pipeline.model.margins import Heads
from pipeline.model.places import BLOCKS, Places
from pipeline.model.pool import NOISE
from pipeline.text.compiled import compiled, wide
from pipeline.text.prefetch import prefetch

__all__ = ["Highlighter"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Grains = npt.NDArray[np.int16]
Shorts = npt.NDArray[np.int32]
Columns = npt.NDArray[np.uint32]
Points = npt.NDArray[np.uint32]
Flags = npt.NDArray[np.uint8]

_BETWEEN, _STOP, _SPACE = 1, 2, 4
_WORDS, _CHARS = 0, 1
_BLOCK_BITS = np.uint32(BLOCKS.bit_length() - 1)
_BLOCK = np.uint32(BLOCKS - 1)


class Highlighter:
    """The heads of a bundle, ready to say what speaks for a label."""

    def __init__(self, bundle: Bundle, heads: Heads) -> None:
        self._heads = heads
        whole = np.array([h.whole for h in bundle.heads])
        sentence, long = np.array([[h.sentence, h.long_sentence] for h in bundle.heads]).T
        self._slopes = heads.grain * np.array([sentence, whole, whole * heads.lead])
        self._long = heads.grain * np.array([long, np.zeros_like(whole), np.zeros_like(whole)])

    def find(
        self,
        points: Points,
        passages: tuple[Ints, Ints],
        sentence_of: Ints,
        places: Places,
        read: tuple[Ints, Ints],
        leads: npt.NDArray[np.bool_],
        long: Floats,
        wanted: tuple[Ints, Ints],
    ) -> tuple[Ints, Floats]:
        """Return (wanted pair, start, end), (spans, 3), and their weights, (spans,).

        ``wanted`` are passages, ascending, and heads; ``read`` are the strongest sentences and the experts as
        `Heads.margins` gives them; ``leads`` (passages,) says with which a document begins, ``long`` (passages,) what
        share of it is read as a long one; places are in ``points``.
        """
        span = np.empty((MOST * len(wanted[0]), 3), np.int64)
        weight = np.empty(len(span))
        n = _find(
            points, *passages, sentence_of, places.group, places.column, places.start, places.end, *read, leads,
            long, *wanted, self._heads.weights, self._heads.scales, self._slopes, self._long, _flags(), span, weight,
        )  # fmt: skip
        return span[:n], weight[:n]


@functools.cache
def _flags() -> Flags:
    flags = np.zeros(sys.maxunicode + 1, np.uint8)
    flags[[ord(c) for c in BETWEEN]] |= _BETWEEN
    flags[[ord(c) for c in STOPS]] |= _STOP
    flags[[c for c in range(0x10000) if chr(c).isspace()]] |= _SPACE
    return flags


@compiled
def _find(
    points: Points,
    start: Ints,
    end: Ints,
    sentence_of: Ints,
    group: Ints,
    column: Columns,
    place: Shorts,
    place_end: Shorts,
    which: Ints,
    expert: Ints,
    leads: npt.NDArray[np.bool_],
    long: Floats,
    passage: Ints,
    head: Ints,
    weights: Grains,
    scales: Singles,
    usual: Floats,
    long_slopes: Floats,
    flags: Flags,
    span: Ints,
    weight: Floats,
) -> int:
    count = np.zeros(weights.shape[2], np.int32)
    places = 1
    for p in passage:
        places = max(places, group[sentence_of[p + 1] + p + 1] - group[sentence_of[p] + p])
    # What each of as many places of a feature is worth; a concept counts once, however often it stands there.
    parts = np.ones((2, places + 1))
    for c in range(1, places + 1):
        parts[0, c] = (1 + math.log(c)) / c
        parts[1, c] = 1 / c
    n = i = 0
    while i < len(passage):
        p = passage[i]
        j = i
        while j < len(passage) and passage[j] == p:
            j += 1
        heads = head[i:j]
        slopes = usual * (1 - long[p]) + long_slopes * long[p]
        e = expert[p]
        a, b = start[p], end[p]
        edge = np.zeros((len(heads), b - a + 1))
        first = group[sentence_of[p] + p]
        last = group[sentence_of[p + 1] + p + 1]
        each = np.arange(len(heads))
        _spread(
            column,
            place,
            place_end,
            first,
            last,
            a,
            count,
            weights[e, 1],
            scales[e, 1],
            slopes[1],
            parts,
            heads,
            each,
            edge,
        )
        s = sentence_of[p]
        if leads[p] and s < sentence_of[p + 1] and slopes[2].any():
            _spread(
                column, place, place_end, group[s + p], group[s + p + 1], a, count, weights[e, 1], scales[e, 1],
                slopes[2], parts, heads, each, edge,
            )  # fmt: skip
        for q in range(len(heads)):
            s = which[p, heads[q]]
            # Once for all heads whose strongest sentence this is.
            if s >= 0 and not _is_seen(which[p], heads, q):
                speaks = each[which[p][heads] == s]
                _spread(
                    column, place, place_end, group[s + p], group[s + p + 1], a, count, weights[e, 0], scales[e, 0],
                    slopes[0], parts, heads, speaks, edge,
                )  # fmt: skip
        clauses, opens = _clauses(points, a, b, flags)
        worth = _worth(edge, clauses, a)
        for k in range(len(heads)):
            n = _runs(clauses, opens, worth[k], i + k, span, weight, n)
        i = j
    return n


@compiled
def _is_seen(which: Ints, heads: Ints, q: int) -> bool:
    """Return whether the sentence of head ``q`` is that of one before."""
    seen = False
    for before in range(q):
        seen |= which[heads[before]] == which[heads[q]]
    return seen


@compiled
def _spread(
    column: Columns,
    place: Shorts,
    place_end: Shorts,
    first: int,
    last: int,
    begin: int,
    count: Shorts,
    weights: Grains,
    scales: Singles,
    slopes: Floats,
    parts: Floats,
    heads: Ints,
    speaks: Ints,
    edge: Floats,
) -> None:
    """Add to ``edge`` (heads, places) what each place adds to those that ``speaks``, as differences at its borders.

    ``count`` is zero before and after.
    """
    length = np.zeros(BLOCKS)
    for k in range(first, last):
        c = np.uint64(column[k] >> _BLOCK_BITS)
        prefetch(weights, c * np.uint64(weights.shape[1]))
        count[c] += 1
    share = np.empty(last - first)
    # Sums that need not go through memory.
    words = chars = 0.0
    for k in range(first, last):
        c = np.uint64(column[k] >> _BLOCK_BITS)
        of = np.uint64(column[k] & _BLOCK)
        times = np.uint64(count[c])
        value = np.float64(scales[c, -2]) + np.float64(scales[c, -1])
        value *= parts[of >> np.uint64(1), times]
        # Each of as many places has its part of the square.
        square = value * value * times
        words += square if of == _WORDS else 0.0
        chars += square if of == _CHARS else 0.0
        share[k - first] = value
    length[_WORDS] = 1 / math.sqrt(words) if words > 0 else 1.0
    length[_CHARS] = 1 / math.sqrt(chars) if chars > 0 else 1.0
    length[CONCEPTS] = 1.0
    for k in range(first, last):
        count[np.uint64(column[k] >> _BLOCK_BITS)] = 0
        a = wide(place[k])
        share[k - first] *= length[np.uint64(column[k] & _BLOCK)] / (wide(place_end[k]) - a)
    for q in speaks:
        h = heads[q]
        slope = slopes[h]
        for k in range(first, last):
            c = np.uint64(column[k] >> _BLOCK_BITS)
            part = share[k - first] * np.float64(weights[c, h]) * slope
            edge[q, np.uint64(wide(place[k]) - begin)] += part
            edge[q, np.uint64(wide(place_end[k]) - begin)] -= part


@compiled
def _clauses(points: Points, start: int, end: int, flags: Flags) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Return start and end of each clause and whether a sentence opens with it; all is one if there is none."""
    clauses = np.empty((end - start + 1, 2), np.int64)
    opens = np.empty(end - start + 1, np.bool_)
    n = 0
    i = start
    stopped = True
    while i < end:
        sort = flags[points[i]]
        if sort & _BETWEEN:
            stopped |= sort & _STOP != 0
            i += 1
            continue
        j = i
        blank = True
        while j < end and not flags[points[j]] & _BETWEEN:
            blank &= flags[points[j]] & _SPACE != 0
            j += 1
        if not blank:
            clauses[n, 0], clauses[n, 1] = i, j
            opens[n] = stopped
            stopped = False
            n += 1
        i = j
    if n == 0:
        clauses[0, 0], clauses[0, 1] = start, end
        opens[0] = True
        n = 1
    return clauses[:n], opens[:n]


@compiled
def _worth(edge: Floats, clauses: Ints, begin: int) -> Ints:
    """Return the sum over the characters of each clause, (heads, clauses), in whole numbers of NOISE."""
    worth = np.zeros((len(edge), len(clauses)), np.int64)
    for h in range(len(edge)):
        level = 0.0
        at = 0
        for c in range(len(clauses)):
            total = 0.0
            while at < clauses[c, 1] - begin:
                level += edge[h, at]
                if at >= clauses[c, 0] - begin:
                    total += level
                at += 1
            worth[h, c] = round(total / NOISE)
    return worth


@compiled
def _runs(
    clauses: Ints, opens: npt.NDArray[np.bool_], worth: Ints, pair: int, span: Ints, weight: Floats, n: int
) -> int:
    """Write the runs of the largest sums behind the first ``n`` spans; return how many there are now."""
    paid = worth - wide(round(COST * abs(worth.max())))
    least = wide(TAKEN)
    for _ in range(min(MOST, len(paid))):
        best = wide(2 * TAKEN)
        first = last = start = 0
        total = wide(0)
        for i in range(len(paid)):
            if total <= 0 or opens[i]:
                start = i
                total = wide(0)
            total += paid[i]
            if total > best:
                best = total
                first, last = start, i
        if best < least:
            break
        least = max(least, wide(round(SHARE * best)), 1)
        span[n, 0], span[n, 1], span[n, 2] = pair, clauses[first, 0], clauses[last, 1]
        weight[n] = worth[first : last + 1].sum() * NOISE
        n += 1
        paid[first : last + 1] = TAKEN
    return n
