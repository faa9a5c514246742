"""Words of whole batches as numbers: jieba's dictionary and algorithm (HMM off) over code points.

It gives exactly the engine's tokens (`pipeline.text.segment`) without making strings of them. What the engine does
is known for one of its versions and one dictionary; with any other `fits` says no and the engine itself must cut.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.ndarrays import Floats, Ints, Points, Shorts
from pipeline.text.compiled import compiled, index, wide
from pipeline.text.prefetch import prefetch
from pipeline.text.segment import PIECE
from pipeline.text.trie import ALNUM, CLASS, FROM, HAN, KEY, NODE, SOME, Trie, grow

__all__ = ["Lattice", "fits"]

Codes = npt.NDArray[np.uint32]

#: What the tokens below were compared with.
ENGINE = "0.2.2"
DICTIONARY = "7197c3211ddd98962b036cdf40324d1ea2bfaa12bd028e68faa70111a88e12a8"

#: About so many characters are looked at together, a step for all of them before the next one for any.
_MANY = 2048
#: Longer words are rare enough to be found one by one.
_REACH = 4


def _dictionary_file() -> Path:
    """Return jieba's dictionary; jieba itself, slow to import, stays aside."""
    spec = importlib.util.find_spec("jieba")
    assert spec is not None  # noqa: S101  a dependency
    assert spec.origin is not None  # noqa: S101
    return Path(spec.origin).with_name("dict.txt")


def fits() -> bool:
    """Return whether the installed engine and dictionary are those this module equals."""
    return version("rjieba") == ENGINE and hashlib.sha256(_dictionary_file().read_bytes()).hexdigest() == DICTIONARY


class Lattice:
    """jieba's dictionary and the domain's ``words`` as a trie whose nodes know the numbers of ``tokens``, from 1 on.

    ``kinds`` (code points,) holds for each character its class and what sort of character it is; whoever wants
    characters read as others copies their kinds. Of the same words and tokens there is one trie.
    """

    def __init__(self, words: Mapping[str, int], tokens: Sequence[str]) -> None:
        self._trie = _trie(tuple(words.items()), tuple(tokens))
        self.kinds = self._trie.kinds

    def cut(self, points: Points, start: Ints, end: Ints) -> tuple[Ints, Shorts, Shorts]:
        """Cut the texts ``points[start:end]``, each by itself.

        Return for each text the number of its first token, with one more at the end, and for each token where it
        ends in ``points`` and its number, 0 if unknown.
        """
        trie = self._trie
        room = int((end - start).sum())
        stop = np.empty(room, np.int32)
        token = np.empty(room, np.int32)
        first = np.empty(len(start) + 1, np.int64)
        _cut(
            points, start, end, self.kinds, trie.base, trie.cells, trie.shares, trie.weight, trie.nothing,
            trie.token, first, stop, token,
        )  # fmt: skip
        return first, stop[: first[-1]], token[: first[-1]]


@functools.lru_cache(maxsize=2)
def _trie(words: tuple[tuple[str, int], ...], tokens: tuple[str, ...]) -> Trie:
    text = _dictionary_file().read_text(encoding="utf-8") + "".join(f"{w} {f}\n" for w, f in words)
    return grow(text, tokens)


@compiled
def _step(base: Shorts, cells: Ints, node: int, code: int) -> int:
    """Return the node that a character leads to, 0 if none."""
    cell = cells[base[node] + code, 0]
    return cell & NODE if cell >> FROM == node else 0


@compiled
def _cut(
    points: Points,
    start: Ints,
    end: Ints,
    kinds: Shorts,
    base: Shorts,
    cells: Ints,
    shares: Floats,
    weight: Floats,
    nothing: float,
    token: Shorts,
    first: Ints,
    stop: Shorts,
    number: Shorts,
) -> None:
    count = 0
    longest = 0
    for t in range(len(start)):
        count += -((start[t] - end[t]) // PIECE)
        longest = max(longest, end[t] - start[t])
    piece = np.empty((count + 1, 3), np.int64)
    count = 0
    for t in range(len(start)):
        first[t] = count
        for a in range(start[t], end[t], PIECE):
            piece[count, 0], piece[count, 1] = a, min(a + PIECE, end[t])
            count += 1
    first[len(start)] = count
    room = _MANY + min(longest, PIECE) + _REACH + 1
    kind = np.empty(room, np.int32)
    code = np.empty(room, np.uint32)
    weights = np.empty((_REACH - 1, room))
    nodes = np.empty((_REACH, room), np.int32)
    far = np.empty(room, np.int32)
    length = np.empty(room, np.int32)
    found = np.empty((3, room), np.int32)
    n = p = 0
    while p < count:
        # As many pieces as make a block, a gap behind each.
        many = 0
        q = p
        while q < count and many < _MANY:
            for i in range(piece[q, 0], piece[q, 1]):
                k = kinds[points[i]]
                kind[many] = k
                # Words do not reach over other characters.
                code[many] = k & CLASS & -(k >> 16 & 1)
                nodes[0, many] = k & CLASS
                many += 1
            kind[many] = 0
            code[many] = 0
            many += 1
            q += 1
        code[many : many + _REACH] = 0
        _find_words(code, many, base, cells, shares, weights, nodes, far, found)
        _find_route(kind, code, many, base, cells, shares, weight, weights, far, nothing, nodes, length)
        many = 0
        while p < q:
            piece[p, 2] = n
            size = piece[p, 1] - piece[p, 0]
            n = _write(kind, many, many + size, piece[p, 0] - many, base, cells, token, nodes, length, n, stop, number)
            many += size + 1
            p += 1
    piece[count, 2] = n
    for t in range(len(first)):
        first[t] = piece[first[t], 2]


@compiled
def _find_words(
    code: Codes,
    many: int,
    base: Shorts,
    cells: Ints,
    shares: Floats,
    weights: Floats,
    nodes: Shorts,
    far: Shorts,
    found: Shorts,
) -> None:
    """Fill in the words of two to four characters that begin at each place; ``far`` is the cell of five, or -1."""
    at, of, cell_of = found[0], found[1], found[2]
    three, four = weights[1], weights[2]
    for x in range(many):
        a = code[x]
        here = index(base[a]) + index(code[x + 1])
        prefetch(cells, index(2) * here)
        at[x] = x
        of[x] = a
        cell_of[x] = here
        three[x] = four[x] = -np.inf
        far[x] = -1
    n = index(many)
    for size in range(1, _REACH):
        before = n
        n = index(0)
        for y in range(before):
            x, here = index(at[y]), index(cell_of[y])
            cell = cells[here, 0]
            right = cell >> FROM == wide(of[y])
            weight = shares[here, 1]
            weights[size - 1, x] = weight if right else -np.inf
            node = cell & NODE
            nodes[size, x] = node
            b = wide(code[x + index(size + 1)])
            some = cell >> KEY >> (b & SOME) & right
            at[n] = x
            of[n] = node
            # Only where it leads on is it worth to look where to.
            cell_of[n] = wide(base[index(node * some)]) + b
            n += index(some)
    for y in range(n):
        here = index(cell_of[y])
        far[at[y]] = here if cells[here, 0] >> FROM == wide(of[y]) else -1


@compiled
def _find_route(
    kind: Shorts,
    code: Codes,
    many: int,
    base: Shorts,
    cells: Ints,
    shares: Floats,
    weight: Floats,
    weights: Floats,
    far: Shorts,
    nothing: float,
    nodes: Shorts,
    length: Shorts,
) -> None:
    """Fill in, from right to left, how long the word is that begins at each place; of a long one, its node."""
    route = np.zeros(many + 1)
    two, three, four = weights[0], weights[1], weights[2]
    r1 = r2 = r3 = r4 = 0.0
    for y in range(many):
        x = index(many - 1 - y)
        best = -np.inf if kind[x] & HAN else 0.0
        a, b, c, d = weight[code[x]] + r1, two[x] + r2, three[x] + r3, four[x] + r4
        # Of equals the longer; that there is none at all is told below.
        size = 2 if b >= best else 1
        best = best if best > b else b
        size = 3 if c >= best else size
        best = best if best > c else c
        size = 4 if d >= best else size
        best = best if best > d else d
        size = 1 if a > best else size
        best = a if a > best else best
        if far[x] >= 0:
            here, j = wide(far[x]), wide(x) + _REACH + 1
            while True:
                node = cells[here, 0] & NODE
                if shares[here, 1] > -np.inf and shares[here, 1] + route[j] >= best:
                    best = shares[here, 1] + route[j]
                    size = j - wide(x)
                    nodes[0, x] = node
                here = wide(base[node]) + wide(code[j])
                if cells[here, 0] >> FROM != node:
                    break
                j += 1
        # A character that begins no word stands for itself.
        if best == -np.inf:
            best = nothing + r1
            size = 1
        route[x] = best
        length[x] = size
        r4, r3, r2, r1 = r3, r2, r1, best


@compiled
def _write(
    kind: Shorts,
    begin: int,
    end: int,
    offset: int,
    base: Shorts,
    cells: Ints,
    token: Shorts,
    nodes: Shorts,
    length: Shorts,
    n: int,
    stop: Shorts,
    number: Shorts,
) -> int:
    """Write the tokens along the route behind the first ``n``; return how many there are now."""
    i, until = index(begin), index(end)
    m = index(n)
    while i < until:
        size = index(length[i])
        number[m] = nodes[(size - index(1)) * index(size <= index(_REACH)), i]
        j = i + size
        if kind[i] & ALNUM:
            node = wide(number[m])
            # Single letters and digits in a row are one word.
            while size == index(1) and j < until and length[j] == 1 and kind[j] & ALNUM:
                node = _step(base, cells, node, wide(kind[j]) & CLASS)
                j += index(1)
            number[m] = node
        stop[m] = wide(j) + offset
        m += index(1)
        i = j
    for y in range(index(n), m):
        number[y] = token[index(number[y])]
    return wide(m)
