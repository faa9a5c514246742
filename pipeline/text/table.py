"""All pieces as one table of states: from each, a character leads to one next state, which says what ends there.

A state is the places in pieces that the characters so far can have led to, in the order in which ``re`` would prefer
them; behind a place where a form ends, those of lower rank are of no use.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.ndarrays import Floats, Ints, Shorts
from pipeline.text.anchors import Pieces
from pipeline.text.automaton import END
from pipeline.text.compiled import compiled, wide
from pipeline.text.sparse import lay_rows

__all__ = ["ENDS", "KINDS", "LIST", "NEAR", "STATE", "Table", "build_table"]

#: From which bit on a cell tells the next state, behind the class; what a state tells of the list, behind the base:
#: whether it has forms that end, whether it has others, which one it is.
STATE, KINDS, LIST = 16, 30, 32
ENDS, NEAR = 1, 2
#: So many states are worked out; what is undecided in further ones is left to be tried. Few forms need one each, but
#: some can be written that need thousands.
_MOST = 1 << 18


class Table(NamedTuple):
    """Arrays for compiled code."""

    #: State that each class leads to at the beginning of a form, 0 if none begins so: (classes,).
    root: Shorts
    #: Bits of the classes, modulo 64, that may follow it, all if something ends with it: (classes,).
    second: Ints
    #: Bits of the classes, modulo 64, that may come in each state; list of what ends there << LIST | kinds
    #: of what is in it << KINDS | base: (states, 2).
    state: Ints
    #: A sparse table (see `pipeline.text.sparse`): next state << STATE | class.
    cells: Ints
    #: What may end somewhere: list w is ``said[lists[w, 0] : lists[w, 2]]``, pieces by number, from ``lists[w, 1]`` on
    #: anchors and, behind those, forms to be tried. List 0 is nothing.
    lists: Shorts
    said: Shorts


def build_table(p: Pieces, forms: int, classes: int, most: int = _MOST) -> Table:
    """Return the table of ``p``, of ``most`` states and those that follow them at once."""
    span, edges, said = _states(p.first, p.piece, p.leaf, p.follow, p.start, forms, len(p.anchor), classes, most)
    # The likely states first: what is often read stands together.
    order = np.argsort(-_weights(span, edges, p.share), kind="stable")
    base, room = lay_rows(span[order, 2], span[order + 1, 2], edges[:, 0].copy(), classes)
    return Table(*_cells(span, edges, said, order, base, room, forms, len(p.anchor), classes))


@compiled
def _states(
    first: Ints, piece: Ints, leaf: Ints, follow: Ints, start: Ints, forms: int, anchors: int, classes: int, most: int
) -> tuple[Ints, Shorts, Shorts]:
    """Return where the places, the ends and the edges of each state begin, (states + 1, 3), edges and ends.

    An edge is a class and the next state, (edges, 2).
    """
    ends = np.zeros(len(first), np.bool_)
    for s in range(len(first)):
        k = first[s]
        while leaf[k] >= 0:
            k += 1
        ends[s] = leaf[k] == END
    # State i: what can come, live[span[i, 0] : span[i + 1, 0]], and what ends, said[span[i, 1] : span[i + 1, 1]].
    span = np.zeros((1 << 12, 3), np.int64)
    live = np.concatenate((start.astype(np.int32), np.empty(1 << 16, np.int32)))
    said = np.empty(1 << 14, np.int32)
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
    return span[: states + 1], edges[:count], said


@compiled
def _same(a: Shorts, low: int, high: int, begin: int, end: int) -> bool:
    """Tell whether two slices of ``a`` are alike."""
    x = low
    while x < high and begin < end and a[x] == a[begin]:
        x += 1
        begin += 1
    return x == high and begin == end


@compiled
def _weights(span: Ints, edges: Shorts, share: Floats) -> Floats:
    """Return how often each state is expected; that of the root, where all begins, is 1."""
    weight = np.zeros(len(span) - 1, np.float64)
    weight[0] = 1.0
    for s in range(len(weight)):
        for x in range(span[s, 2], span[s + 1, 2]):
            weight[edges[x, 1]] += weight[s] * share[edges[x, 0]]
    return weight


@compiled
def _cells(
    span: Ints, edges: Shorts, said: Shorts, order: Ints, base: Ints, room: int, forms: int, anchors: int, classes: int
) -> tuple[Shorts, Ints, Ints, Ints, Shorts, Shorts]:
    """Return the fields of Table."""
    states = len(span) - 1
    what = np.zeros(states, np.int64)
    lists = np.zeros((states + 1, 3), np.int32)
    items = np.empty(span[states, 1], np.int32)
    # One list for all states where this piece ends alone.
    alone = np.zeros(2 * forms + anchors, np.int64)
    n = 1
    m = 0
    rank = np.empty(states, np.int64)
    for r in range(states):
        rank[order[r]] = r
    for r in range(states):
        low, high = span[order[r], 1], span[order[r] + 1, 1]
        if low == high:
            continue
        if high == low + 1 and alone[said[low]]:
            what[r] = alone[said[low]]
            continue
        lists[n, 0] = lists[n, 1] = m
        for x in range(low, high):
            items[m] = said[x]
            m += 1
            lists[n, 1] += said[x] < forms
        lists[n, 2] = m
        what[r] = n
        if high == low + 1:
            alone[said[low]] = n
        n += 1
    # An empty cell has no class.
    cells = np.full(room, -1, np.int64)
    state = np.zeros((states, 2), np.int64)
    for r in range(states):
        w = what[r]
        kinds = (lists[w, 1] > lists[w, 0]) * ENDS + (lists[w, 2] > lists[w, 1]) * NEAR
        state[r, 1] = w << LIST | kinds << KINDS | base[r]
        for x in range(span[order[r], 2], span[order[r] + 1, 2]):
            c = wide(edges[x, 0])
            state[r, 0] |= 1 << (c & 63)
            cells[base[r] + c] = rank[edges[x, 1]] << STATE | c
    root = np.zeros(classes, np.int32)
    second = np.zeros(classes, np.int64)
    for x in range(span[0, 2], span[1, 2]):
        c, r = edges[x, 0], rank[edges[x, 1]]
        root[c] = r
        second[c] = -1 if what[r] else state[r, 0]
    return root, second, state, cells, lists[:n], items[:m]
