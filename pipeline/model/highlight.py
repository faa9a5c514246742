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

__all__ = ["Highlighter"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Shorts = npt.NDArray[np.int32]
Points = npt.NDArray[np.uint32]
Flags = npt.NDArray[np.uint8]

_BETWEEN, _STOP, _SPACE = 1, 2, 4


class Highlighter:
    """The heads of a bundle, ready to say what speaks for a label."""

    def __init__(self, bundle: Bundle, heads: Heads) -> None:
        self._heads = heads
        self._slopes = np.array([[h.sentence for h in bundle.heads], [h.whole for h in bundle.heads]])

    def find(
        self,
        points: Points,
        passages: tuple[Ints, Ints],
        sentence_of: Ints,
        places: Places,
        which: Ints,
        wanted: tuple[Ints, Ints],
    ) -> tuple[Ints, Floats]:
        """Return (wanted pair, start, end), (spans, 3), and their weights, (spans,).

        ``wanted`` are passages, ascending, and heads; ``which`` as `Heads.margins` gives it; places are in ``points``.
        """
        span = np.empty((MOST * len(wanted[0]), 3), np.int64)
        weight = np.empty(len(span))
        n = _find(
            points, *passages, sentence_of, places.group, places.column, places.start, places.end, which, *wanted,
            self._heads.weights, self._heads.scale, self._slopes, _flags(), span, weight,
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
    column: Shorts,
    place: Shorts,
    place_end: Shorts,
    which: Ints,
    passage: Ints,
    head: Ints,
    weights: Singles,
    scale: Floats,
    slopes: Floats,
    flags: Flags,
    span: Ints,
    weight: Floats,
) -> int:
    count = np.zeros(len(scale), np.int32)
    n = i = 0
    while i < len(passage):
        p = passage[i]
        j = i
        while j < len(passage) and passage[j] == p:
            j += 1
        heads = head[i:j]
        a, b = start[p], end[p]
        edge = np.zeros((b - a + 1, len(heads)))
        first = group[sentence_of[p] + p]
        last = group[sentence_of[p + 1] + p + 1]
        every = np.ones(len(heads), np.bool_)
        _spread(column, place, place_end, first, last, a, count, weights, scale, 1, slopes, heads, every, edge)
        for s in range(sentence_of[p], sentence_of[p + 1]):
            speaks = which[p][heads] == s
            if speaks.any():
                _spread(
                    column, place, place_end, group[s + p], group[s + p + 1], a, count, weights, scale, 0, slopes,
                    heads, speaks, edge,
                )  # fmt: skip
        clauses, opens = _clauses(points, a, b, flags)
        worth = _worth(edge, clauses, a)
        for k in range(len(heads)):
            n = _runs(clauses, opens, worth[:, k], i + k, span, weight, n)
        i = j
    return n


@compiled
def _spread(
    column: Shorts,
    place: Shorts,
    place_end: Shorts,
    first: int,
    last: int,
    begin: int,
    count: Shorts,
    weights: Singles,
    scale: Floats,
    side: int,
    slopes: Floats,
    heads: Ints,
    speaks: npt.NDArray[np.bool_],
    edge: Floats,
) -> None:
    """Add to ``edge`` what each place adds to the heads that ``speaks``, as differences at its borders.

    ``side`` is 0 for the weights of sentences, 1 for those of passages; ``count`` is zero before and after.
    """
    length = np.zeros(3)
    for k in range(first, last):
        count[column[k] // BLOCKS] += 1
    for k in range(first, last):
        c = wide(column[k]) // BLOCKS
        # Each of as many places has its part of the square.
        value = scale[c] * (1 + math.log(count[c]))
        length[wide(column[k]) % BLOCKS] += value * value / count[c]
    for block in range(CONCEPTS):
        length[block] = math.sqrt(length[block]) if length[block] > 0 else 1.0
    for k in range(first, last):
        c = wide(column[k]) // BLOCKS
        block = wide(column[k]) % BLOCKS
        if block == CONCEPTS:
            value = scale[c] / count[c]
        else:
            value = scale[c] * (1 + math.log(count[c])) / length[block] / count[c]
        value /= place_end[k] - place[k]
        for h in range(len(heads)):
            if speaks[h]:
                share = value * weights[c, side * slopes.shape[1] + heads[h]] * slopes[side, heads[h]]
                edge[place[k] - begin, h] += share
                edge[place_end[k] - begin, h] -= share
    for k in range(first, last):
        count[column[k] // BLOCKS] = 0


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
    """Return the sum over the characters of each clause, (clauses, heads), in whole numbers of NOISE."""
    worth = np.zeros((len(clauses), edge.shape[1]), np.int64)
    for h in range(edge.shape[1]):
        level = 0.0
        at = 0
        for c in range(len(clauses)):
            total = 0.0
            while at < clauses[c, 1] - begin:
                level += edge[at, h]
                if at >= clauses[c, 0] - begin:
                    total += level
                at += 1
            worth[c, h] = round(total / NOISE)
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
