"""All pieces as one table of states: from each, a character leads to one next state, which says what ends there.

A state is the places in pieces that the characters so far can have led to, in the order in which ``re`` would prefer
them; behind a place where a form ends, those of lower rank are of no use.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.text.anchors import Pieces
from pipeline.text.automaton import END
from pipeline.text.compiled import compiled, wide

__all__ = ["BASE", "SAID", "Table", "build_table"]

Ints = npt.NDArray[np.int64]
Shorts = npt.NDArray[np.int32]
Bits = npt.NDArray[np.uint64]
#: Bits of a cell: the class, from BASE on the base of the next state, from SAID on what ends there.
BASE, SAID = 16, 42
#: States from which on what is not decided is left to be tried: forms that explode would take all memory.
_MOST = 1 << 20
_ONE, _WORD = np.uint64(1), np.uint64(64)


class Table(NamedTuple):
    """Arrays for compiled code."""

    #: Cell of each class at the beginning of a form, 0 if none begins so: (classes,).
    root: Ints
    #: Bits of the classes, modulo 64, that may follow it, all if something ends with it: (classes,).
    second: Ints
    #: What class c leads to from the state with base b is at b + c, if that has class c.
    cells: Ints
    #: How many pieces end, and which; those behind the anchors are forms to be tried.
    said: Shorts


def build_table(p: Pieces, forms: int, classes: int, most: int = _MOST) -> Table:
    """Return the table of ``p``."""
    return Table(*_table(p.first, p.piece, p.leaf, p.follow, p.start, forms, len(p.anchor), classes, most))


@compiled
def _table(
    first: Ints,
    piece: Ints,
    leaf: Ints,
    follow: Ints,
    start: Ints,
    forms: int,
    anchors: int,
    classes: int,
    most: int,
) -> tuple[Ints, Ints, Ints, Shorts]:
    """Return the fields of Table."""
    ends = np.zeros(len(first), np.bool_)
    for s in range(len(first)):
        k = first[s]
        while leaf[k] >= 0:
            k += 1
        ends[s] = leaf[k] == END
    # State i: what can come, live[span[i, 0] : span[i + 1, 0]], and what ends, said[span[i, 1] : span[i + 1, 1]].
    span = np.zeros((1 << 12, 3), np.int64)
    live = np.empty(len(start) + (1 << 16), np.int32)
    said = np.empty(1 << 14, np.int32)
    live[: len(start)] = start
    span[1, 0] = len(start)
    states = 1
    slots = np.zeros(1 << 13, np.int32)
    marks = np.zeros(1 << 12, np.int64)
    # Its edges: span[i, 2] on.
    edges = np.empty((1 << 14, 2), np.int32)
    count = 0
    # Places by the class that leads to them: chains.
    head = np.full(classes, -1, np.int64)
    last = np.empty(classes, np.int64)
    chain = np.empty((1 << 14, 2), np.int32)
    touched = np.empty(classes, np.int64)
    seen = np.zeros(len(first), np.int64)
    stamp = 0
    i = 0
    while i < states:
        span[i, 2] = count
        n = met = 0
        for x in range(span[i, 0], span[i + 1, 0]):
            k = first[live[x]]
            while leaf[k] >= 0:
                c = leaf[k]
                if n == len(chain):
                    chain = np.concatenate((chain, chain))
                if head[c] < 0:
                    head[c] = n
                    touched[met] = c
                    met += 1
                else:
                    chain[last[c], 1] = n
                last[c] = n
                chain[n, 0] = follow[k]
                chain[n, 1] = -1
                n += 1
                k += 1
        while len(live) < span[states, 0] + n:
            live = np.concatenate((live, live))
        while len(said) < span[states, 1] + n:
            said = np.concatenate((said, said))
        for m in range(met):
            c = touched[m]
            stamp += 1
            n, q = span[states, 0], span[states, 1]
            group, mine, over = n, wide(-1), False
            x = head[c]
            head[c] = -1
            while x >= 0:
                u = wide(chain[x, 0])
                x = wide(chain[x, 1])
                if piece[u] != mine:
                    group, mine, over = n, piece[u], False
                if over or seen[u] == stamp:
                    continue
                seen[u] = stamp
                if states >= most:
                    said[q] = mine if mine >= forms else forms + anchors + mine
                    q += 1
                    over = True
                    continue
                if leaf[first[u]] >= 0:
                    live[n] = u
                    n += 1
                if ends[u]:
                    said[q] = mine
                    q += 1
                    over = True
                    if mine >= forms:
                        # That it ends is enough; how far it can go does not matter.
                        n = group
            mark = np.int64(n - span[states, 0])
            for x in range(span[states, 0], n):
                mark = (mark ^ live[x]) * 0x100000001B3
            for x in range(span[states, 1], q):
                mark = (mark ^ said[x]) * 0x100000001B3
            mark ^= mark >> 29
            slot = mark & (len(slots) - 1)
            while slots[slot]:
                to = wide(slots[slot])
                if (
                    marks[to] == mark
                    and _same(live, span[to, 0], span[to + 1, 0], span[states, 0], n)
                    and _same(said, span[to, 1], span[to + 1, 1], span[states, 1], q)
                ):
                    break
                slot = (slot + 1) & (len(slots) - 1)
            if not slots[slot]:
                slots[slot] = states
                if states + 2 >= len(span):
                    span = np.concatenate((span, span))
                    marks = np.concatenate((marks, marks))
                marks[states] = mark
                states += 1
                span[states, 0], span[states, 1] = n, q
                n = 0
                while len(live) < span[states, 0] + len(chain):
                    live = np.concatenate((live, live))
                while len(said) < span[states, 1] + len(chain):
                    said = np.concatenate((said, said))
            if count == len(edges):
                edges = np.concatenate((edges, edges))
            edges[count, 0] = c
            edges[count, 1] = slots[slot]
            count += 1
            if 2 * states > len(slots):
                slots = np.zeros(2 * len(slots), np.int32)
                for s in range(1, states):
                    slot = marks[s] & (len(slots) - 1)
                    while slots[slot]:
                        slot = (slot + 1) & (len(slots) - 1)
                    slots[slot] = s
        i += 1
    span[states, 2] = count
    return _lay_out(span[: states + 1], edges[:count], said, classes)


@compiled
def _same(a: Shorts, low: int, high: int, begin: int, end: int) -> bool:
    """Tell whether two slices of ``a`` are alike."""
    x = low
    while x < high and begin < end and a[x] == a[begin]:
        x += 1
        begin += 1
    return x == high and begin == end


@compiled
def _free(used: Bits, bits: np.uint64, word: int, edges: Shorts, low: int, high: int) -> np.uint64:
    """Return which of the 64 bases from ``64 * word`` on, of those in ``bits``, have room for the edges."""
    for x in range(low, high):
        c = wide(edges[x, 0])
        w, shift = word + (c >> 6), np.uint64(c & 63)
        bits &= ~(used[w] >> shift)
        if shift:
            bits &= ~(used[w + 1] << (_WORD - shift))
        if not bits:
            break
    return bits


@compiled
def _lay_out(span: Ints, edges: Shorts, said: Shorts, classes: int) -> tuple[Ints, Ints, Ints, Shorts]:
    """Return the fields of Table."""
    states = len(span) - 1
    tell = np.zeros(1 + states + span[states, 1], np.int32)
    told = 1
    base = np.zeros(states, np.int64)
    what = np.zeros(states, np.int64)
    # Bits of cells that are used, and of bases that are taken; 64 bases are tried at once.
    used = np.zeros(4 * classes + len(edges) // 32 + 64, np.uint64)
    taken = np.zeros_like(used)
    # Where the search begins, by the number of edges.
    hint = np.zeros(64, np.int64)
    taken[0] = _ONE
    top = 0
    for s in range(states):
        low, high = span[s, 2], span[s + 1, 2]
        if low < high:
            kind = 0
            while high - low > 1 << kind:
                kind += 1
            word = hint[kind]
            while True:
                if word + classes // 64 + 2 > len(used):
                    used = np.concatenate((used, np.zeros_like(used)))
                    taken = np.concatenate((taken, np.zeros_like(taken)))
                bits = _free(used, ~taken[word], word, edges, low, high)
                if bits:
                    break
                word += 1
            hint[kind] = word
            b = 64 * word
            while not bits & _ONE:
                bits >>= _ONE
                b += 1
            taken[word] |= _ONE << np.uint64(b & 63)
            for x in range(low, high):
                c = b + wide(edges[x, 0])
                used[c >> 6] |= _ONE << np.uint64(c & 63)
            base[s] = b
            top = max(top, b)
        if span[s + 1, 1] > span[s, 1]:
            what[s] = told
            tell[told] = span[s + 1, 1] - span[s, 1]
            told += 1
            for x in range(span[s, 1], span[s + 1, 1]):
                tell[told] = said[x]
                told += 1
    cells = np.zeros(top + classes, np.int64)
    for s in range(states):
        for x in range(span[s, 2], span[s + 1, 2]):
            c, to = wide(edges[x, 0]), wide(edges[x, 1])
            cells[base[s] + c] = what[to] << SAID | base[to] << BASE | c
    root = np.zeros(classes, np.int64)
    second = np.zeros(classes, np.int64)
    for x in range(span[0, 2], span[1, 2]):
        c, s = wide(edges[x, 0]), wide(edges[x, 1])
        root[c] = cells[base[0] + c]
        for y in range(span[s, 2], span[s + 1, 2]):
            second[c] |= 1 << wide(edges[y, 0] & 63)
        if what[s]:
            second[c] = -1
    return root, second, cells, tell[:told]
