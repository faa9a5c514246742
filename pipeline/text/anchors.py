"""What to look for in the place of a form with gaps: its rarest piece, and whether another begins near it.

A form without gaps is one piece, one with gaps a row of them. Where the rarest of the row stands, its anchor, and near
it what another begins with, the whole form is worth a try. How rare a piece is, is guessed: forms are all the text
there is here, and a character that many of them use is taken to be frequent.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.ndarrays import Floats, Ints, Shorts
from pipeline.text.automaton import END, FAIL, GAP, Automaton
from pipeline.text.compiled import compiled, wide

__all__ = ["Pieces", "find_pieces"]

_NEVER = 2**31
#: Words of bits for the pairs of classes that a piece can begin with: more let less pass, fewer fit into caches.
_WORDS = 128


class Pieces(NamedTuple):
    """Arrays for compiled code: an automaton without gaps. Pieces are forms, by number, and behind those anchors."""

    #: First leaf and piece of each state, (states,); class, END or FAIL of each leaf and what follows, (leaves,).
    first: Ints
    piece: Ints
    leaf: Ints
    follow: Ints
    #: States that pieces begin with, piece by piece, (starts,).
    start: Ints
    #: Form; side: 1 if the anchor is what it begins with, and another piece has to begin behind that place, -1 if it is
    #: a later piece, and the form has to begin before it, 0 if only the beginning is sure; how many characters away the
    #: other begins, from and to: (anchors, 4).
    anchor: Ints
    #: How the other begins: bits of its second class, modulo 64, by its first, modulo the words: (anchors, words). Bits
    #: of first classes behind which anything can stand: (anchors, classes / 64).
    pairs: Ints
    alone: Ints
    #: How frequent each class is taken to be, (classes,).
    share: Floats


def find_pieces(a: Automaton) -> Pieces:
    """Return what to look for, for all forms of ``a``."""
    share = _share(a.start, a.first, a.leaf, a.over.shape[1])
    first, piece, leaf, follow, start, anchor, pairs, alone = _pieces(a.start, a.first, a.leaf, a.follow, a.gap, share)
    return Pieces(
        np.concatenate([a.first, first]),
        piece,
        np.concatenate([a.leaf, leaf]),
        np.concatenate([a.follow, follow]),
        start,
        anchor,
        pairs,
        alone,
        share,
    )


@compiled
def _share(start: Shorts, first: Shorts, leaf: Shorts, count: int) -> Floats:
    """Return how frequent each class is taken to be: its share when each form names its classes once."""
    used = np.zeros(count, np.float64)
    last = np.full(count, -1, np.int64)
    for f in range(len(start) - 1):
        for s in range(start[f], start[f + 1]):
            k = wide(first[s])
            while leaf[k] != FAIL:
                c = wide(leaf[k])
                if c >= 0 and last[c] != f:
                    last[c] = f
                    used[c] += 1.0
                k += 1
    used /= max(used.sum(), 1.0)
    return used


@compiled
def _pieces(
    start: Shorts, first: Shorts, leaf: Shorts, follow: Shorts, gap: Shorts, share: Floats
) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints, Ints, Ints]:
    """Return the fields of Pieces; of first, leaf and follow only what comes behind those given."""
    forms = len(start) - 1
    gapped = np.zeros(forms, np.bool_)
    pieces = [wide(0) for _ in range(0)]
    starts = [wide(0) for _ in range(0)]
    for f in range(forms):
        for s in range(start[f], start[f + 1]):
            pieces.append(f)
            k = wide(first[s])
            while leaf[k] != FAIL:
                gapped[f] |= leaf[k] <= GAP
                k += 1
        if not gapped[f]:
            starts.append(wide(start[f]))
    firsts = [wide(0) for _ in range(0)]
    leaves = [wide(0) for _ in range(0)]
    follows = [wide(0) for _ in range(0)]
    anchor = np.empty((gapped.sum(), 4), np.int64)
    pairs = np.zeros((len(anchor), _WORDS), np.int64)
    alone = np.zeros((len(anchor), (len(share) + 63) // 64), np.int64)
    copy = np.full(len(first), -1, np.int64)
    a = 0
    for f in range(forms):
        if not gapped[f]:
            continue
        low, size = wide(start[f]), wide(start[f + 1] - start[f])
        front = np.full(1, low)
        rarest, near, far, target = _row(low, size, front, False, first, leaf, follow, gap, share)
        origin, other = front, front
        seldom = np.inf
        anchor[a, 0] = f
        anchor[a, 1:] = 0
        while target >= 0:
            behind, more = _behind(target, first, leaf, follow, gap)
            if not len(behind):
                break
            far += more
            rate = _beginning(behind, first, leaf, follow, share) * (1 + far - near)
            if anchor[a, 1] >= 0 and rate < seldom:
                seldom = rate
                other = behind
                anchor[a, 1], anchor[a, 2], anchor[a, 3] = 1, near, far
            rate, nearer, farther, target = _row(low, size, behind, True, first, leaf, follow, gap, share)
            if rate < rarest:
                rarest = rate
                origin, other = behind, front
                anchor[a, 1], anchor[a, 2], anchor[a, 3] = -1, near, far
            near += nearer
            far += farther
        tail = anchor[a, 1] < 0
        if anchor[a, 1]:
            _begin(pairs[a], alone[a], other, first, leaf, follow)
        # A copy of its states, that ends where the piece ends.
        todo = [wide(s) for s in origin]
        for s in todo:
            copy[s] = len(pieces)
            starts.append(copy[s])
            pieces.append(forms + a)
        t = 0
        while t < len(todo):
            s = todo[t]
            firsts.append(len(leaf) + len(leaves))
            ends = False
            k = wide(first[s])
            while leaf[k] != FAIL:
                ends |= leaf[k] == END or (leaf[k] <= GAP and not (tail and t < len(origin)))
                k += 1
            if ends:
                leaves.append(END)
                follows.append(-1)
            else:
                k = wide(first[s])
                while leaf[k] != FAIL:
                    u = wide(follow[k])
                    if leaf[k] >= 0:
                        if copy[u] < 0:
                            copy[u] = len(pieces)
                            pieces.append(forms + a)
                            todo.append(u)
                        leaves.append(wide(leaf[k]))
                        follows.append(copy[u])
                    k += 1
            leaves.append(FAIL)
            follows.append(-1)
            t += 1
        for s in todo:
            copy[s] = -1
        a += 1
    return (
        np.array(firsts),
        np.array(pieces),
        np.array(leaves),
        np.array(follows),
        np.array(starts),
        anchor,
        pairs,
        alone,
    )


@compiled
def _row(
    low: int,
    size: int,
    origin: Ints,
    tail: bool,
    first: Shorts,
    leaf: Shorts,
    follow: Shorts,
    gap: Shorts,
    share: Floats,
) -> tuple[float, int, int, int]:
    """Return how often the piece that begins with the states ``origin`` is expected, how many characters behind that
    the next one begins, from and to, and with which state, -1 if there is not always the same next one."""
    now = np.zeros(size, np.float64)
    here = np.zeros(size, np.bool_)
    for s in origin:
        now[s - low] = 1.0
        here[s - low] = True
    rate = 0.0
    near, far, target = _NEVER, 0, -1
    sole = True
    length = 0
    more = True
    while more:
        more = False
        then = np.zeros(size, np.float64)
        there = np.zeros(size, np.bool_)
        for x in range(size):
            if not here[x]:
                continue
            weight = now[x]
            k = wide(first[low + x])
            while leaf[k] != FAIL:
                if leaf[k] == END:
                    sole = False
                elif leaf[k] <= GAP and (length or not tail):
                    g = GAP - wide(leaf[k])
                    near = min(near, length + wide(gap[g, 0]))
                    far = max(far, length + wide(gap[g, 1]))
                    sole &= target < 0 or target == follow[k]
                    target = wide(follow[k])
                if leaf[k] == END or (leaf[k] <= GAP and (length or not tail)):
                    rate += weight
                    weight = 0.0
                k += 1
            k = wide(first[low + x])
            while leaf[k] != FAIL:
                if leaf[k] >= 0:
                    then[follow[k] - low] += weight * share[leaf[k]]
                    there[follow[k] - low] = True
                    more = True
                k += 1
        now, here = then, there
        length += 1
    return rate, near, far, target if sole else -1


@compiled
def _behind(s: int, first: Shorts, leaf: Shorts, follow: Shorts, gap: Shorts) -> tuple[Ints, int]:
    """Return what can stand from state ``s`` on, behind gaps that follow at once too, and how far those reach.

    Nothing if nothing has to stand there.
    """
    origin = [s]
    reach = 0
    t = 0
    while t < len(origin):
        k = wide(first[origin[t]])
        while leaf[k] != FAIL:
            if leaf[k] == END:
                return np.zeros(0, np.int64), 0
            if leaf[k] <= GAP:
                reach += wide(gap[GAP - wide(leaf[k]), 1])
                origin.append(wide(follow[k]))
            k += 1
        t += 1
    return np.array(origin), reach


@compiled
def _beginning(origin: Ints, first: Shorts, leaf: Shorts, follow: Shorts, share: Floats) -> float:
    """Return how often the first two characters of what the states ``origin`` begin with are expected."""
    rate = 0.0
    for s in origin:
        k = wide(first[s])
        while leaf[k] != FAIL:
            if leaf[k] >= 0:
                second = 0.0
                j = wide(first[follow[k]])
                while leaf[j] != FAIL:
                    second += share[leaf[j]] if leaf[j] >= 0 else 1.0
                    j += 1
                rate += share[leaf[k]] * min(second, 1.0)
            k += 1
    return rate


@compiled
def _begin(pairs: Ints, alone: Ints, origin: Ints, first: Shorts, leaf: Shorts, follow: Shorts) -> None:
    """Set the bits of what the states ``origin`` begin with."""
    for s in origin:
        k = wide(first[s])
        while leaf[k] != FAIL:
            if leaf[k] >= 0:
                j = wide(first[follow[k]])
                while leaf[j] != FAIL:
                    if leaf[j] >= 0:
                        pairs[leaf[k] & _WORDS - 1] |= 1 << wide(leaf[j] & 63)
                    else:
                        alone[leaf[k] >> 6] |= 1 << wide(leaf[k] & 63)
                    j += 1
            k += 1
