"""Finds thousands of forms in whole batches of texts, exactly as Python's ``re`` would, each wherever it begins.

Forms without gaps are found by one walk through a table. The others are tried, as ``re`` would, where the walk finds
their anchor and what has to stand near it (see `pipeline.text.anchors`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.ndarrays import Bools, Codes, Ints, Points, Shorts
from pipeline.text.anchors import find_pieces
from pipeline.text.automaton import END, FAIL, GAP, build_automaton
from pipeline.text.compiled import compiled, wide
from pipeline.text.normalise import code_points
from pipeline.text.table import build_table
from pipeline.text.walk import walk

__all__ = ["Matcher"]


class Matcher:
    """Forms ready to be found; building takes a fifth of a second for some thousand forms."""

    def __init__(self, forms: Sequence[str]) -> None:
        self._forms = len(forms)
        self._automaton = a = build_automaton(forms)
        # What is read together stands together: most of the time goes into waiting for memory.
        self._state = np.column_stack([a.wanted, a.first])
        self._leaf = np.column_stack([a.leaf, a.follow, a.rest])
        pieces = find_pieces(a)
        self._anchor, self._pairs, self._alone = pieces.anchor, pieces.pairs, pieces.alone
        self._table = build_table(pieces, len(forms), a.over.shape[1])

    def find(self, texts: Sequence[str], owner: Ints | None = None) -> Ints:
        """Return (text, form, start, end) of every place, (places, 4), in reading order, forms by number.

        With the ``owner`` of each form, only the first place of each owner in each text.
        """
        points = code_points("".join(texts))
        size = np.fromiter(map(len, texts), np.int64, len(texts))
        end = np.cumsum(size)
        return self.find_in(points, end - size, end, owner)

    def find_in(self, points: Points, start: Ints, end: Ints, owner: Ints | None = None) -> Ints:
        """Return what `find` does for the texts ``points[start:end]``."""
        a, b = self._automaton, self._table
        codes, stops = _codes(points, start, end, a.classes, a.over.shape[1] - 1)
        found, near = walk(codes, b)
        worth = _worth(codes, near, b.lists, b.said, self._forms, self._anchor, self._pairs, self._alone)
        tried = _try(codes, worth, a.longest, a.start, self._state, self._leaf, a.gap, a.over)
        tried = tried[np.lexsort((tried[:, 1], tried[:, 0]))]
        each = np.arange(self._forms) if owner is None else owner
        return _places(found, tried, stops, each, owner is None, each.max(initial=0) + 1)


@compiled
def _codes(points: Points, start: Ints, end: Ints, classes: Codes, stop: int) -> tuple[Codes, Ints]:
    """Return the classes of all texts, each followed by ``stop``, and where those are."""
    stops = np.empty(len(start), np.int64)
    room = len(start)
    for t in range(len(start)):
        room += end[t] - start[t]
    codes = np.empty(room, np.uint16)
    n = 0
    for t in range(len(start)):
        for i in range(start[t], end[t]):
            codes[n] = classes[points[i]]
            n += 1
        codes[n] = stop
        stops[t] = n
        n += 1
    return codes, stops


@compiled
def _worth(
    codes: Codes, near: Shorts, lists: Shorts, said: Shorts, forms: int, anchor: Ints, pairs: Ints, alone: Ints
) -> Shorts:
    """Return (place, form) of what is worth a try: near its anchor stands what has to."""
    # List by list, so that what belongs to an anchor is at hand.
    begin = np.zeros(len(lists) + 1, np.int32)
    for x in range(len(near)):
        begin[near[x, 1] + 1] += 1
    room = 0
    for w in range(len(lists)):
        if begin[w + 1]:
            for y in range(lists[w, 1], lists[w, 2]):
                a = wide(said[y]) - forms
                room += begin[w + 1] * (1 + anchor[a, 3] - anchor[a, 2] if a < len(anchor) else 1)
        begin[w + 1] += begin[w]
    places = np.empty(len(near), np.int32)
    for x in range(len(near)):
        w = near[x, 1]
        places[begin[w]] = near[x, 0]
        begin[w] += 1
    worth = np.empty((room, 2), np.int32)
    words = pairs.shape[1] - 1
    n = 0
    low = wide(0)
    for w in range(len(lists)):
        high = wide(begin[w])
        if low == high:
            continue
        for y in range(lists[w, 1], lists[w, 2]):
            a = wide(said[y]) - forms
            form, side, first, last = a - len(anchor), wide(0), wide(0), wide(0)
            if a < len(anchor):
                form, side, first, last = anchor[a, 0], anchor[a, 1], anchor[a, 2], anchor[a, 3]
            for z in range(low, high):
                at = wide(places[z])
                if side > 0:
                    fits = wide(0)
                    for x in range(at + first, min(at + last, len(codes) - 2) + 1):
                        c, d = wide(codes[x]), wide(codes[x + 1])
                        fits |= pairs[a, c & words] >> (d & 63) | alone[a, c >> 6] >> (c & 63)
                    worth[n, 0], worth[n, 1] = at, form
                    n += fits & 1
                elif side < 0:
                    for x in range(max(at - last, 0), at - first + 1):
                        c, d = wide(codes[x]), wide(codes[x + 1])
                        worth[n, 0], worth[n, 1] = x, form
                        n += (pairs[a, c & words] >> (d & 63) | alone[a, c >> 6] >> (c & 63)) & 1
                else:
                    worth[n, 0], worth[n, 1] = at, form
                    n += 1
        low = high
    return worth[:n]


@compiled
def _try(
    codes: Codes, worth: Shorts, longest: int, start: Shorts, state: Ints, leaf: Shorts, gap: Shorts, over: Bools
) -> Shorts:
    """Return (place, form, end) of what is found where it was worth a try."""
    found = np.empty((len(worth), 3), np.int32)
    n = 0
    # Here wait leaf, place, and the length to try next if the leaf is a gap tried before, else -1.
    stack = np.empty((2 * longest + 4, 3), np.int64)
    for t in range(len(worth)):
        at = wide(worth[t, 0])
        s = wide(start[worth[t, 1]])
        top = 0
        # State, leaf and length; a state is left for its best leaf.
        k = length = wide(-1)
        end = wide(-1)
        while True:
            c = wide(codes[at])
            if s >= 0:
                k = state[s, 1] if state[s, 0] >> (c & 63) & 1 else wide(-1)
                length = wide(-1)
            if k < 0:
                if top == 0:
                    break
                top -= 1
                s, k, at, length = wide(-1), stack[top, 0], stack[top, 1], stack[top, 2]
                continue
            while leaf[k, 0] >= 0 and leaf[k, 0] != c:
                k += 1
            kind = wide(leaf[k, 0])
            if kind == END:
                end = at
                break
            if kind == FAIL:
                s, k = wide(-1), wide(-1)
                continue
            if length < 0 and leaf[k, 2] >= 0:
                stack[top, 0], stack[top, 1], stack[top, 2] = leaf[k, 2], at, -1
                top += 1
            s = wide(leaf[k, 1])
            if kind >= 0:
                at += 1
                continue
            g = GAP - kind
            if length < 0:
                length = wide(0)
                while length < gap[g, 1] and over[gap[g, 2], codes[at + length]]:
                    length += 1
            # The longest that something can follow; shorter ones wait on the stack.
            while length >= gap[g, 0] and not state[s, 0] >> wide(codes[at + length] & 63) & 1:
                length -= 1
            if length < gap[g, 0]:
                s = k = wide(-1)
                continue
            if length > gap[g, 0]:
                stack[top, 0], stack[top, 1], stack[top, 2] = k, at, length - 1
                top += 1
            at += length
        if end >= 0:
            found[n, 0], found[n, 1], found[n, 2] = worth[t, 0], worth[t, 1], end
            n += 1
    return found[:n]


@compiled
def _places(found: Shorts, tried: Shorts, stops: Ints, owner: Ints, every: bool, owners: int) -> Ints:
    """Return (text, form, start, end) of what was found, in reading order; ``tried`` goes before ``found``."""
    places = np.empty((len(found) + len(tried), 4), np.int64)
    last = np.full(owners, -1, np.int64)
    n = first = begin = text = f = t = 0
    place = -1
    while f < len(found) or t < len(tried):
        if t < len(tried) and (f == len(found) or tried[t, 0] <= found[f, 0]):
            at, form, end = wide(tried[t, 0]), wide(tried[t, 1]), wide(tried[t, 2])
            t += 1
        else:
            at, form, end = wide(found[f, 0]), wide(found[f, 1]), wide(found[f, 2])
            f += 1
        while stops[text] < at:
            begin = stops[text] + 1
            text += 1
        if at != place:
            place = at
            first = n
        # By number; a form can have been found twice.
        j = n
        while j > first and places[j - 1, 1] > form:
            j -= 1
        if j > first and places[j - 1, 1] == form:
            continue
        for k in range(n, j, -1):
            places[k, 1] = places[k - 1, 1]
            places[k, 3] = places[k - 1, 3]
        places[j, 1] = form
        places[j, 3] = end - begin
        places[n, 0] = text
        places[n, 2] = at - begin
        n += 1
    if every:
        return places[:n]
    kept = 0
    for i in range(n):
        o = owner[places[i, 1]]
        if last[o] != places[i, 0]:
            last[o] = places[i, 0]
            for q in range(4):
                places[kept, q] = places[i, q]
            kept += 1
    return places[:kept]
