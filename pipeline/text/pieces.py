"""Passages and sentences of whole batches over code points, as `passages` and `sentences` give them for strings."""

from __future__ import annotations

import functools

import numpy as np

from pipeline.ndarrays import Flags, Ints, Points
from pipeline.text.compiled import compiled
from pipeline.text.sentences import tables

__all__ = ["cut_passages", "cut_sentences"]

_MARK, _END, _LINE = 1, 2, 4


def cut_passages(points: Points, first: Ints, size: int) -> tuple[Ints, Ints, Ints]:
    """Return (passages,) text, start and end in ``points`` of the passages of texts ``points[first[i]:first[i+1]]``."""
    found = _passages(points, first, size, _marks())
    return found[:, 0].copy(), found[:, 1].copy(), found[:, 2].copy()


def cut_sentences(points: Points, start: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Return the number of each passage's first sentence, with one more at the end, and where each sentence begins.

    One sentence ends where the next begins or its passage ends.
    """
    return _sentences(points, start, end, _marks())


@functools.cache
def _marks() -> Flags:
    punctuation, ends, lines = tables()
    return (_MARK * punctuation | _END * ends | _LINE * lines).astype(np.uint8)


@compiled
def _cut(points: Points, start: int, end: int, marks: Flags, begins: Ints, n: int) -> int:
    """Write where the sentences of ``points[start:end]`` begin behind the first ``n``; return how many there are."""
    ended = line = False
    for i in range(start, end):
        sort = marks[points[i]]
        word = not sort & _MARK
        new_line = sort & _LINE != 0
        if i == start or (word and ended) or (line and not new_line):
            begins[n] = i
            n += 1
        if word:
            ended = False
        elif sort & _END:
            ended = True
        line = new_line
    return n


@compiled
def _sentences(points: Points, start: Ints, end: Ints, marks: Flags) -> tuple[Ints, Ints]:
    room = 0
    for p in range(len(start)):
        room += end[p] - start[p]
    begins = np.empty(room, np.int64)
    first = np.empty(len(start) + 1, np.int64)
    n = 0
    for p in range(len(start)):
        first[p] = n
        n = _cut(points, start[p], end[p], marks, begins, n)
    first[len(start)] = n
    return first, begins[:n]


@compiled
def _passages(points: Points, first: Ints, size: int, marks: Flags) -> Ints:
    longest = 1
    for t in range(len(first) - 1):
        longest = max(longest, first[t + 1] - first[t])
    begins = np.empty(longest, np.int64)
    piece = np.empty((longest, 2), np.int64)
    found = np.empty((len(first) + 16, 3), np.int64)
    n = 0
    for t in range(len(first) - 1):
        a, b = first[t], first[t + 1]
        # A passage takes at least one character more than the one before.
        if n + b - a + 1 > len(found):
            found = np.concatenate((found, np.empty((len(found) + b - a, 3), np.int64)))
        if b - a <= size:
            found[n, 0], found[n, 1], found[n, 2] = t, a, b
            n += 1
            continue
        pieces = 0
        sentences = _cut(points, a, b, marks, begins, 0)
        for s in range(sentences):
            end = begins[s + 1] if s + 1 < sentences else b
            for at in range(begins[s], end, size):
                piece[pieces, 0], piece[pieces, 1] = at, min(at + size, end)
                pieces += 1
        low = 0
        while low < pieces:
            last = low
            while last + 1 < pieces and piece[last + 1, 1] - piece[low, 0] <= size:
                last += 1
            found[n, 0], found[n, 1], found[n, 2] = t, piece[low, 0], piece[last, 1]
            n += 1
            if last + 1 == pieces:
                break
            # Neighbours share a sentence where the next one still fits behind it.
            shared = max(low + 1, last)
            low = shared if piece[last + 1, 1] - piece[shared, 0] <= size else last + 1
    return found[:n]
