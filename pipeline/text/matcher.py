"""Finds thousands of forms in whole batches of texts, exactly as Python's ``re`` would, each wherever it begins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.text.anchors import find_pieces
from pipeline.text.automaton import END, FAIL, GAP, build_automaton
from pipeline.text.compiled import compiled, wide
from pipeline.text.table import BASE, SAID, build_table

__all__ = ["Matcher"]

Ints = npt.NDArray[np.int64]
Shorts = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.uint16]

#: So many places take a step at a time.
_BLOCK = 4096
_CLASSES = (1 << BASE) - 1
_BASES = (1 << SAID - BASE) - 1


class Matcher:
    """Forms ready to be found; building takes a quarter of a second for some thousand forms."""

    def __init__(self, forms: Sequence[str]) -> None:
        self._forms = len(forms)
        self._automaton = a = build_automaton(forms)
        pieces = find_pieces(a)
        self._anchor, self._pairs = pieces.anchor, pieces.pairs
        self._table = build_table(pieces, len(forms), a.over.shape[1])

    def find(self, texts: Sequence[str], owner: Ints | None = None) -> Ints:
        """Return (text, form, start, end) of every place, (places, 4), in reading order, forms by number.

        With the ``owner`` of each form, only the first place of each owner in each text.
        """
        points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
        size = np.fromiter(map(len, texts), np.int64, len(texts))
        end = np.cumsum(size)
        return self.find_in(points, end - size, end, owner)

    def find_in(self, points: npt.NDArray[np.uint32], start: Ints, end: Ints, owner: Ints | None = None) -> Ints:
        """Return what `find` does for the texts ``points[start:end]``."""
        a, b = self._automaton, self._table
        codes, stops = _codes(points, start, end, a.classes, a.over.shape[1] - 1)
        ends = np.empty((len(codes) // 2 + 64, 3), np.int32)
        while (n := _scan(codes, ends, b.root, b.second, b.cells)) < 0:
            ends = np.empty((2 * len(ends), 3), np.int32)
        found, places, begin = _tell(ends[:n], b.said, self._forms, 2 * self._forms + len(self._anchor))
        worth = _worth(codes, places, begin, self._anchor, self._pairs)
        tried = _try(codes, worth, a.longest, a.start, a.wanted, a.first, a.leaf, a.follow, a.rest, a.gap, a.over)
        tried = tried[np.lexsort((tried[:, 1], tried[:, 0]))]
        each = np.arange(self._forms) if owner is None else owner
        return _places(found, tried, stops, each, owner is None, each.max(initial=0) + 1)


@compiled
def _codes(points: npt.NDArray[np.uint32], start: Ints, end: Ints, classes: Codes, stop: int) -> tuple[Codes, Ints]:
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
def _scan(codes: Codes, ends: Shorts, root: Ints, second: Ints, cells: Ints) -> int:
    """Fill ``ends`` with (place, end, what ends there), by place; -1 if there is no room."""
    at = np.empty(_BLOCK, np.int32)
    base = np.empty(_BLOCK, np.int32)
    some = np.empty((_BLOCK * 4, 3), np.int32)
    begin = np.empty(_BLOCK + 1, np.int32)
    total = 0
    for low in range(0, len(codes) - 1, _BLOCK):
        high = min(low + _BLOCK, len(codes) - 1)
        # One step for all places before the next step: no place waits for the memory of another.
        n = 0
        for i in range(low, high):
            at[n] = i
            n += second[codes[i]] >> wide(codes[i + 1] & 63) & 1
        m = 0
        for x in range(n):
            cell = root[codes[at[x]]]
            base[x] = cell >> BASE & _BASES
            some[m, 0], some[m, 1], some[m, 2] = at[x], cell >> SAID, 1
            m += cell >> SAID > 0
        length = 1
        while n:
            before = n
            n = 0
            if m + before > len(some):
                return -1
            for x in range(before):
                i = wide(at[x])
                c = wide(codes[i + length])
                cell = cells[base[x] + c]
                hit = cell & _CLASSES == c
                at[n] = i
                base[n] = cell >> BASE & _BASES
                n += hit
                some[m, 0], some[m, 1], some[m, 2] = i, cell >> SAID, length + 1
                m += hit and cell >> SAID > 0
            length += 1
        if total + m > len(ends):
            return -1
        begin[: high - low + 1] = 0
        for x in range(m):
            begin[some[x, 0] - low + 1] += 1
        for x in range(high - low):
            begin[x + 1] += begin[x]
        for x in range(m):
            y = total + begin[some[x, 0] - low]
            begin[some[x, 0] - low] += 1
            ends[y, 0], ends[y, 1], ends[y, 2] = some[x, 0], some[x, 0] + some[x, 2], some[x, 1]
        total += m
    return total


@compiled
def _tell(ends: Shorts, said: Shorts, forms: int, pieces: int) -> tuple[Shorts, Shorts, Ints]:
    """Return (place, form, end) of the forms that end, and the places of what else does, piece by piece: from where on
    those of each piece."""
    begin = np.zeros(pieces - forms + 2, np.int64)
    n = 0
    for x in range(len(ends)):
        w = wide(ends[x, 2])
        for y in range(w + 1, w + 1 + said[w]):
            if said[y] < forms:
                n += 1
            else:
                begin[said[y] - forms + 2] += 1
    for p in range(len(begin) - 1):
        begin[p + 1] += begin[p]
    found = np.empty((n, 3), np.int32)
    places = np.empty(begin[-1], np.int32)
    n = here = 0
    place = -1
    for x in range(len(ends)):
        at = wide(ends[x, 0])
        if at != place:
            place = at
            here = n
        w = wide(ends[x, 2])
        for y in range(w + 1, w + 1 + said[w]):
            p = wide(said[y])
            if p >= forms:
                places[begin[p - forms + 1]] = at
                begin[p - forms + 1] += 1
                continue
            # Where it ends farther than before, that is preferred.
            f = here
            while f < n and found[f, 1] != p:
                f += 1
            found[f, 0] = at
            found[f, 1] = p
            found[f, 2] = ends[x, 1]
            n = max(n, f + 1)
    return found[:n], places, begin[:-1]


@compiled
def _worth(codes: Codes, places: Shorts, begin: Ints, anchor: Ints, pairs: Ints) -> Shorts:
    """Return (place, form) of the tries near which stands what has to."""
    room = 0
    for a in range(len(begin) - 1):
        room += (begin[a + 1] - begin[a]) * (1 + anchor[a, 3] - anchor[a, 2] if a < len(anchor) else 1)
    worth = np.empty((room, 2), np.int32)
    n = 0
    for a in range(len(begin) - 1):
        if begin[a] == begin[a + 1]:
            continue
        form, side, near, far = a - len(anchor), wide(0), wide(0), wide(0)
        if a < len(anchor):
            form, side, near, far = anchor[a, 0], anchor[a, 1], anchor[a, 2], anchor[a, 3]
        for y in range(begin[a], begin[a + 1]):
            at = wide(places[y])
            if side == 0:
                worth[n, 0], worth[n, 1] = at, form
                n += 1
            elif side > 0:
                for x in range(at + near, min(at + far, len(codes) - 2) + 1):
                    if pairs[a, codes[x] & 255] >> wide(codes[x + 1] & 63) & 1:
                        worth[n, 0], worth[n, 1] = at, form
                        n += 1
                        break
            else:
                for x in range(max(at - far, 0), at - near + 1):
                    worth[n, 0], worth[n, 1] = x, form
                    n += pairs[a, codes[x] & 255] >> wide(codes[x + 1] & 63) & 1
    return worth[:n]


@compiled
def _try(
    codes: Codes,
    worth: Shorts,
    longest: int,
    start: Shorts,
    wanted: Ints,
    first: Shorts,
    leaf: Shorts,
    follow: Shorts,
    rest: Shorts,
    gap: Shorts,
    over: Bools,
) -> Shorts:
    """Return (place, form, end) of what is found where it was worth a try."""
    found = np.empty((len(worth), 3), np.int32)
    stack = np.empty((2 * longest + 4, 3), np.int64)
    n = 0
    for t in range(len(worth)):
        at, form = wide(worth[t, 0]), wide(worth[t, 1])
        end = _end(codes, at, wide(start[form]), stack, wanted, first, leaf, follow, rest, gap, over)
        if end >= 0:
            found[n, 0], found[n, 1], found[n, 2] = at, form, end
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


@compiled
def _end(
    codes: Codes,
    at: int,
    s: int,
    stack: Ints,
    wanted: Ints,
    first: Shorts,
    leaf: Shorts,
    follow: Shorts,
    rest: Shorts,
    gap: Shorts,
    over: Bools,
) -> int:
    """Return where a form ends that is in state ``s`` at ``at``, -1 if nowhere; ``stack`` is room to work in.

    On the stack wait leaf, place, and the length to try next if the leaf is a gap tried before, else -1.
    """
    top = 0
    while True:
        # From state s at this place on.
        c = wide(codes[at])
        k = wide(first[s]) if wanted[s] >> (c & 63) & 1 else -1
        length = -1
        while True:
            if k < 0:
                if top == 0:
                    return -1
                top -= 1
                k, at, length = stack[top, 0], stack[top, 1], stack[top, 2]
                c = wide(codes[at])
            while leaf[k] >= 0 and leaf[k] != c:
                k += 1
            kind = wide(leaf[k])
            if kind == END:
                return at
            if kind == FAIL:
                k = -1
                continue
            if length < 0 and rest[k] >= 0:
                stack[top, 0], stack[top, 1], stack[top, 2] = rest[k], at, -1
                top += 1
            s = wide(follow[k])
            if kind >= 0:
                at += 1
                break
            g = GAP - kind
            if length < 0:
                length = 0
                while length < gap[g, 1] and over[gap[g, 2], codes[at + length]]:
                    length += 1
            # The longest that something can follow; shorter ones wait on the stack.
            while length >= gap[g, 0] and not wanted[s] >> (codes[at + length] & 63) & 1:
                length -= 1
            if length < gap[g, 0]:
                k = length = -1
                continue
            if length > gap[g, 0]:
                stack[top, 0], stack[top, 1], stack[top, 2] = k, at, length - 1
                top += 1
            at += length
            break
