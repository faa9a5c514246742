"""Where to look: the first one or two characters of forms, and what must come soon after them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.text.automaton import END, FAIL, GAP, NUMBER, Automaton
from pipeline.text.compiled import compiled, wide

__all__ = ["HASH", "Beginnings", "find_beginnings"]

Ints = npt.NDArray[np.int64]
Shorts = npt.NDArray[np.int32]
#: Spreads the keys of a hash table.
HASH = 0x9E3779B1


class Beginnings(NamedTuple):
    """Arrays for compiled code. A beginning of one class has its number, one of two classes a number behind those.

    What may follow a beginning is an entry. Near ones wait for the very next character; far ones for a tail, what
    stands behind a gap, to begin at most ``reach`` characters behind the beginning's first.
    """

    #: Bits of the classes, modulo 64, that stand second in a beginning of two, (classes,).
    second: Ints
    #: Open hash table: (a · classes + b) << 24 | number of the beginning.
    slots: Ints
    #: Each beginning's first near entry, first far one, first tail and a filler: (4 · beginnings + 4,).
    span: Shorts
    #: Of each entry: bits of the next class and of the one behind that, modulo 64; tail and reach; (form, state the
    #: matcher begins with, how many characters on).
    bits: Ints
    then: Ints
    tail: Shorts
    reach: Shorts
    go: Shorts
    #: Tails that begin so.
    begun: Shorts
    #: Number of tails.
    waits: int


def find_beginnings(a: Automaton) -> Beginnings:
    """Return the beginnings of all forms of ``a``."""
    count = a.over.shape[1]
    entry, tail, tails = _entries(a.start, a.wanted, a.first, a.leaf, a.follow, a.rest, a.gap, a.numerals, count)
    # Near entries first.
    entry = entry[np.lexsort((entry[:, 2] > 0, entry[:, 0]))]
    tail = tail[np.argsort(tail[:, 0], kind="stable")]
    keys = np.unique(np.concatenate([entry[:, 0], tail[:, 0]]))
    pairs = keys[keys >= count]
    second = np.zeros(count, np.int64)
    np.bitwise_or.at(second, pairs // count, np.int64(1) << (pairs % count & 63))
    edge = np.concatenate([np.arange(count), pairs, [np.iinfo(np.int64).max]])
    near = np.searchsorted(entry[:, 0], edge)
    waiting = np.concatenate([[0], np.cumsum(entry[:, 2] == 0)])
    far = near[:-1] + waiting[near[1:]] - waiting[near[:-1]]
    return Beginnings(
        second=second,
        slots=_slots(pairs, count),
        span=np.column_stack([near, np.append(far, 0), np.searchsorted(tail[:, 0], edge), edge])
        .astype(np.int32)
        .ravel(),
        bits=entry[:, 1].copy(),
        then=entry[:, 7].copy(),
        tail=entry[:, 2].astype(np.int32),
        reach=entry[:, 3].astype(np.int32),
        go=entry[:, 4:7].astype(np.int32),
        begun=tail[:, 1].astype(np.int32),
        waits=tails,
    )


@compiled
def _slots(pairs: Ints, count: int) -> Ints:
    size = 16
    while size < 2 * len(pairs):
        size *= 2
    slots = np.zeros(size, np.int64)
    for i in range(len(pairs)):
        at = (pairs[i] * HASH >> 20) & (size - 1)
        while slots[at]:
            at = (at + 1) & (size - 1)
        slots[at] = pairs[i] << 24 | (count + i)
    return slots


@compiled
def _entries(
    start: Shorts,
    wanted: Ints,
    first: Shorts,
    leaf: Shorts,
    follow: Shorts,
    rest: Shorts,
    gap: Shorts,
    numerals: Ints,
    count: int,
) -> tuple[Ints, Ints, int]:
    """Return entries (key, bits, tail, reach, form, state, length), tails (key, tail) and the number of tails.

    The key of one class is itself, that of two a · count + b. Tail 0 is none: nothing to wait for.
    """
    rows = [(0, 0, 0, 0, 0, 0, 0, 0)]
    begun = [(0, 0)]
    tail_of = np.full(len(first), -1, np.int64)
    tails = 1
    figures = 0
    for d in numerals:
        figures |= 1 << (d & 63)
    # (form, key, length, state, the state the matcher has to begin with, how many characters lead to that)
    todo = [(0, 0, 0, wide(0), wide(0), 0)]
    for form in range(len(start)):
        todo.append((form, 0, 0, wide(start[form]), wide(start[form]), 0))
        while len(todo) > 1:
            f, key, length, s, origin, skipped = todo.pop()
            low = wide(first[s])
            only = True
            k = low
            bits = then = 0
            while leaf[k] != FAIL:
                only &= leaf[k] >= 0
                k += 1
            k = low
            while leaf[k] != FAIL:
                kind = wide(leaf[k])
                to = wide(follow[k])
                if kind >= 0:
                    bits |= 1 << (kind & 63)
                    then |= wanted[to]
                    if length < 2:
                        alone = only and origin == s
                        for j in range(low, k):
                            alone &= leaf[j] != kind
                        alone &= rest[k] < 0
                        longer = key * count + kind
                        if alone:
                            todo.append((f, longer, length + 1, to, to, length + 1))
                        else:
                            todo.append((f, longer, length + 1, to, origin, skipped))
                elif kind == END:
                    if length:
                        rows.append((key, -1, 0, 0, f, origin, skipped, -1))
                elif length or gap[GAP - kind, 2] == NUMBER:
                    if tail_of[to] < 0:
                        tail_of[to] = tails if _begins(tails, to, begun, wanted, first, leaf, follow, count) else 0
                        tails += 1
                    reach = length + wide(gap[GAP - kind, 1]) + _gaps(to, first, leaf, follow, gap)
                    if gap[GAP - kind, 2] != NUMBER:
                        rows.append((key, -1, tail_of[to], reach, f, origin, skipped, -1))
                    elif length < 2:
                        ahead = figures | wanted[to]
                        for d in numerals:
                            rows.append((key * count + d, ahead, tail_of[to], reach, f, origin, skipped, -1))
                    else:
                        bits |= figures
                        then = -1
                k += 1
            if length == 2 and bits:
                rows.append((key, bits, 0, 0, f, origin, skipped, then))
    entry = np.empty((len(rows) - 1, 8), np.int64)
    for i in range(len(entry)):
        (
            entry[i, 0],
            entry[i, 1],
            entry[i, 2],
            entry[i, 3],
            entry[i, 4],
            entry[i, 5],
            entry[i, 6],
            entry[i, 7],
        ) = rows[i + 1]
    tail = np.empty((len(begun) - 1, 2), np.int64)
    for i in range(len(tail)):
        tail[i, 0], tail[i, 1] = begun[i + 1]
    return entry, tail, tails


@compiled
def _begins(
    tail: int,
    s: int,
    begun: list[tuple[int, int]],
    wanted: Ints,
    first: Shorts,
    leaf: Shorts,
    follow: Shorts,
    count: int,
) -> bool:
    """Add how ``tail``, what can stand from state ``s`` on, begins; tell whether it begins with anything sure."""
    before = len(begun)
    while s >= 0:
        k = wide(first[s])
        s = -1
        while leaf[k] != FAIL:
            a = wide(leaf[k])
            to = wide(follow[k])
            if a == END or (a <= GAP and s >= 0):
                while len(begun) > before:
                    begun.pop()
                return False
            if a <= GAP:
                # What stands behind the gap can begin it too.
                s = to
            elif wanted[to] == -1:
                begun.append((a, tail))
            else:
                j = wide(first[to])
                while leaf[j] != FAIL:
                    begun.append((a * count + leaf[j], tail))
                    j += 1
            k += 1
    return True


@compiled
def _gaps(s: int, first: Shorts, leaf: Shorts, follow: Shorts, gap: Shorts) -> int:
    """Return how many characters the gaps that follow each other from state ``s`` on can take."""
    total = 0
    while s >= 0:
        k = wide(first[s])
        s = -1
        while leaf[k] != FAIL:
            a = wide(leaf[k])
            if a <= GAP:
                total += gap[GAP - a, 1]
                s = wide(follow[k])
            k += 1
    return total
