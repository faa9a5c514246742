"""Evidence of whole batches: what `explain` finds in strings, from the places the margins were made of."""

from __future__ import annotations

import functools
import math
import sys

import numpy as np

from pipeline.model.bundle import Bundle, fields
from pipeline.model.explain import BETWEEN, COST, MOST, SHARE, STOPS, TAKEN
from pipeline.model.margins import PASSAGES, SENTENCES, SINGLES, Heads
from pipeline.model.places import BLOCKS, Places
from pipeline.model.pool import NOISE
from pipeline.ndarrays import Bools, Columns, Flags, Floats, Grains, Ints, Points, Shorts, Singles
from pipeline.text.compiled import compiled, index, wide
from pipeline.text.prefetch import prefetch

__all__ = ["Highlighter"]

_BETWEEN, _STOP, _SPACE = 1, 2, 4
_WORDS, _CHARS = 0, 1
_BLOCK_BITS = np.uint32(BLOCKS.bit_length() - 1)
_BLOCK = np.uint32(BLOCKS - 1)


class Highlighter:
    """The heads of a bundle, ready to say what speaks for a label."""

    def __init__(self, bundle: Bundle, heads: Heads) -> None:
        self._heads = heads
        whole, sentence, long = fields(bundle.heads, "whole", "sentence", "long_sentence")
        self._slopes = np.array([sentence, whole, whole * heads.lead])
        self._long = np.array([long, np.zeros_like(whole), np.zeros_like(whole)])

    def find(
        self,
        points: Points,
        passages: tuple[Ints, Ints],
        sentence_of: Ints,
        places: Places,
        read: tuple[Ints, Ints],
        leads: Bools,
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
            long, *wanted, self._heads.weights, self._heads.singles, self._heads.lanes, self._heads.scale,
            self._slopes, self._long, _flags(), span, weight,
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
    leads: Bools,
    long: Floats,
    passage: Ints,
    head: Ints,
    weights: Grains,
    singles: Singles,
    lanes: int,
    scale: Singles,
    usual: Floats,
    long_slopes: Floats,
    flags: Flags,
    span: Ints,
    weight: Floats,
) -> int:
    most = size = 1
    for p in passage:
        most = max(most, group[sentence_of[p + 1] + p + 1] - group[sentence_of[p] + p])
        size = max(size, end[p] - start[p])
    number = np.zeros(weights.shape[1], np.int32)
    # Of the features of a passage: which of its places have which, and what belongs to each.
    of = np.empty(most, np.int32)
    feature = np.empty(most + 1, np.uint32)
    worth, count = np.empty(most + 1), np.zeros(most + 1, np.int32)
    seen, share, part = np.empty(most + 1, np.int32), np.empty(most + 1), np.empty(most + 1)
    # What each of as many places of a feature is worth; a concept counts once, however often it stands there.
    each = np.ones((2, most + 1))
    for c in range(1, most + 1):
        each[0, c] = (1 + math.log(c)) / c
        each[1, c] = 1 / c
    # Of so many characters, what one has.
    one = np.ones(size + 1)
    for c in range(1, size + 1):
        one[c] = 1 / c
    n = i = 0
    while i < len(passage):
        p = passage[i]
        j = i
        while j < len(passage) and passage[j] == p:
            j += 1
        e = expert[p]
        a, b = start[p], end[p]
        edge = np.zeros((j - i, b - a + 1))
        first = group[sentence_of[p] + p]
        last = group[sentence_of[p + 1] + p + 1]
        _number(column, first, last, scale, number, of, feature, worth)
        # Its margin as a whole, that of the sentence it begins with, and those of the strongest sentences.
        for turn in range(2 + j - i):
            s = sentence_of[p] if turn == 1 else (which[p, head[i + turn - 2]] if turn else wide(-1))
            if turn == 1 and not (leads[p] and s < sentence_of[p + 1] and usual[2].any()):
                continue
            # Once for all heads whose strongest sentence this is.
            if turn > 1 and (s < 0 or _is_seen(which[p], head[i : i + turn - 2], s)):
                continue
            low = group[s + p] if turn else first
            high = group[s + p + 1] if turn else last
            side = PASSAGES if turn < 2 else SENTENCES
            table, numbers = weights[e], singles[e]
            coefs, grain = side * lanes, numbers.shape[1] - SINGLES + side
            many = _share(of, low - first, high - first, feature, worth, count, each, table, seen, share)
            for k in range(index(many)):
                m = index(seen[k])
                share[m] *= np.float64(numbers[index(feature[m] >> _BLOCK_BITS), index(grain)])
            kind = (1, 2, 0)[min(turn, 2)]
            for q in range(j - i):
                h = index(head[i + q])
                if turn > 1 and which[p, h] != s:
                    continue
                slope = usual[kind, h] * (1 - long[p]) + long_slopes[kind, h] * long[p]
                for k in range(index(many)):
                    m = index(seen[k])
                    part[m] = share[m] * slope * np.float64(table[index(feature[m] >> _BLOCK_BITS), index(coefs) + h])
                mine = edge[q]
                for k in range(index(low), index(high)):
                    x, y = wide(place[k]) - a, wide(place_end[k]) - a
                    v = part[index(of[k - index(first)])] * one[index(y - x)]
                    mine[index(x)] += v
                    mine[index(y)] -= v
        clauses, opens = _clauses(points, a, b, flags)
        sums = _worth(edge, clauses, a)
        for q in range(j - i):
            n = _runs(clauses, opens, sums[q], i + q, span, weight, n)
        i = j
    return n


@compiled
def _is_seen(which: Ints, heads: Ints, sentence: int) -> bool:
    """Return whether ``sentence`` is that of one of ``heads``."""
    seen = False
    for h in heads:
        seen |= which[h] == sentence
    return seen


@compiled
def _number(
    column: Columns, first: int, last: int, scale: Singles, number: Shorts, of: Shorts, feature: Columns, worth: Floats
) -> None:
    """Number the features of ``column[first:last]``: ``of`` gets that at each place, the others what belongs to it.

    ``number`` is zero before and after.
    """
    # Without branches: whether a feature stands there again nobody foresees, the processor neither.
    many = wide(0)
    for k in range(index(first), index(last)):
        c = index(column[k] >> _BLOCK_BITS)
        known = wide(number[c])
        feature[index(many)] = column[k]
        many += known == 0
        known = many if known == 0 else known
        number[c] = known
        of[k - index(first)] = known - 1
    for m in range(index(many)):
        c = index(feature[m] >> _BLOCK_BITS)
        number[c] = 0
        worth[m] = scale[c]


@compiled
def _share(
    of: Shorts,
    low: int,
    high: int,
    feature: Columns,
    worth: Floats,
    count: Shorts,
    each: Floats,
    ahead: Grains,
    seen: Shorts,
    share: Floats,
) -> int:
    """Write what one place of each feature of ``of[low:high]`` is worth in a row of its own into ``share``, and which
    features these are into ``seen``; return how many.

    ``count`` is zero before and after; ``ahead`` is the table in which they are read next.
    """
    many = wide(0)
    for k in range(index(low), index(high)):
        m = index(of[k])
        seen[index(many)] = m
        many += count[m] == 0
        count[m] += 1
    # Sums that need not go through memory.
    words = chars = 0.0
    for k in range(index(many)):
        m = index(seen[k])
        block = index(feature[m] & _BLOCK)
        times = index(count[m])
        count[m] = 0
        value = worth[m] * each[block >> index(1), times]
        # Each of as many places has its part of the value.
        square = value * value * times * times
        prefetch(ahead, index(feature[m] >> _BLOCK_BITS) * index(ahead.shape[1]))
        words += square if block == _WORDS else 0.0
        chars += square if block == _CHARS else 0.0
        share[m] = value
    of_words = 1 / math.sqrt(words) if words > 0 else 1.0
    of_chars = 1 / math.sqrt(chars) if chars > 0 else 1.0
    for k in range(index(many)):
        m = index(seen[k])
        block = feature[m] & _BLOCK
        share[m] *= of_words if block == _WORDS else (of_chars if block == _CHARS else 1.0)
    return many


@compiled
def _clauses(points: Points, start: int, end: int, flags: Flags) -> tuple[Ints, Bools]:
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
def _runs(clauses: Ints, opens: Bools, worth: Ints, pair: int, span: Ints, weight: Floats, n: int) -> int:
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
