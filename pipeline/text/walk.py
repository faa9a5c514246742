"""The walk through the table of pieces: from every place of the texts, as far as the table leads."""

from __future__ import annotations

import numpy as np

from pipeline.ndarrays import Codes, Ints, Shorts
from pipeline.text.compiled import compiled, wide
from pipeline.text.table import ENDS, KINDS, LIST, NEAR, STATE, Table

__all__ = ["walk"]

#: So many places take a step at a time.
_BLOCK = 4096
_CLASSES = (1 << STATE) - 1
_BASES = (1 << KINDS) - 1


def walk(codes: Codes, table: Table) -> tuple[Shorts, Shorts]:
    """Return the forms that end, (place, form, end) by place, and (place, list) where other pieces of a list do.

    ``codes`` are classes; where a text ends stands one that leads nowhere.
    """
    room = len(codes) // 4 + 64
    while True:
        ends, near = np.empty((room, 3), np.int32), np.empty((room, 2), np.int32)
        n, m = _scan(codes, ends, near, table.root, table.second, table.state, table.cells)
        if n >= 0:
            return _found(ends[:n], table.lists, table.said), near[:m]
        room *= 2


@compiled
def _scan(
    codes: Codes, ends: Shorts, near: Shorts, root: Shorts, second: Ints, state: Ints, cells: Ints
) -> tuple[int, int]:
    """Fill ``ends`` with (place, end, list) where forms end, by place, and ``near`` with (place, list) where others do.

    Returns how many there are, -1 if there is no room.
    """
    at = np.empty(_BLOCK, np.int32)
    now = np.empty(_BLOCK, np.int32)
    base = np.empty(_BLOCK, np.int32)
    told = np.empty(_BLOCK, np.int64)
    kept = np.empty(_BLOCK, np.int64)
    some = np.empty((len(ends) + _BLOCK, 3), np.int32)
    begin = np.empty(_BLOCK + 1, np.int32)
    total = others = 0
    for low in range(0, len(codes) - 1, _BLOCK):
        high = min(low + _BLOCK, len(codes) - 1)
        # A step for all places before the next step for any: none waits for the memory that another one needs.
        n = 0
        for i in range(low, high):
            a = wide(codes[i])
            at[n] = i
            now[n] = root[a]
            n += second[a] >> wide(codes[i + 1] & 63) & 1
        m = length = 0
        while n:
            length += 1
            if m + n > len(some):
                return -1, 0
            before = n
            n = 0
            for x in range(before):
                s = wide(now[x])
                told[x] = state[s, 1]
                kept[x] = state[s, 0]
            for x in range(before):
                i = wide(at[x])
                some[m, 0], some[m, 1], some[m, 2] = i, i + length, told[x] >> KINDS
                m += told[x] >> KINDS > 0
                at[n] = i
                base[n] = told[x] & _BASES
                n += kept[x] >> wide(codes[i + length] & 63) & 1
            before = n
            n = 0
            for x in range(before):
                kept[x] = cells[base[x] + wide(codes[at[x] + length])]
            for x in range(before):
                i = wide(at[x])
                at[n] = i
                now[n] = kept[x] >> STATE
                n += kept[x] & _CLASSES == wide(codes[i + length])
        if total + m > len(ends) or others + m > len(near):
            return -1, 0
        # By place.
        begin[: high - low + 1] = 0
        for x in range(m):
            w = some[x, 2]
            begin[some[x, 0] - low + 1] += w & ENDS
            near[others, 0], near[others, 1] = some[x, 0], w >> LIST - KINDS
            others += w & NEAR > 0
        for x in range(high - low):
            begin[x + 1] += begin[x]
        for x in range(m):
            w = some[x, 2]
            if w & ENDS:
                y = total + begin[some[x, 0] - low]
                ends[y, 0], ends[y, 1], ends[y, 2] = some[x, 0], some[x, 1], w >> LIST - KINDS
                begin[some[x, 0] - low] += 1
        total += begin[high - low]
    return total, others


@compiled
def _found(ends: Shorts, lists: Shorts, said: Shorts) -> Shorts:
    """Return (place, form, end) of the forms that end."""
    n = 0
    for x in range(len(ends)):
        w = ends[x, 2]
        n += lists[w, 1] - lists[w, 0]
    found = np.empty((n, 3), np.int32)
    n = here = 0
    place = -1
    for x in range(len(ends)):
        at = wide(ends[x, 0])
        if at != place:
            place = at
            here = n
        w = ends[x, 2]
        for y in range(lists[w, 0], lists[w, 1]):
            # Where it ends farther than before, that is preferred.
            f = here
            while f < n and found[f, 1] != said[y]:
                f += 1
            found[f, 0] = at
            found[f, 1] = said[y]
            found[f, 2] = ends[x, 1]
            n = max(n, f + 1)
    return found[:n]
