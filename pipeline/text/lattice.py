"""Words of whole batches as numbers: jieba's dictionary and algorithm (HMM off) over code points.

It gives exactly the engine's tokens (`pipeline.text.segment`) without making strings of them. What the engine does
is known for one of its versions and one dictionary; with any other `fits` says no and the engine itself must cut.
"""

from __future__ import annotations

import hashlib
import importlib.util
import math
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.text.compiled import compiled, wide
from pipeline.text.prefetch import prefetch
from pipeline.text.segment import PIECE

__all__ = ["Lattice", "fits"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Points = npt.NDArray[np.uint32]
Shorts = npt.NDArray[np.int32]

#: What the tokens below were compared with.
ENGINE = "0.2.2"
DICTIONARY = "7197c3211ddd98962b036cdf40324d1ea2bfaa12bd028e68faa70111a88e12a8"

_HAN = 1 << 16
_ALNUM = 1 << 17
_CLASS = (1 << 16) - 1
_NODE = (1 << 21) - 1
_TABLE_BITS = 21
#: So many characters before they are needed, steps are fetched.
_AHEAD = 8
_HASH = 0x9E3779B97F4A7C15
#: Characters of one block; words do not reach over the others.
_BLOCK = (
    *((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F)),
    *((0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0x2CEB0, 0x2EBEF), (0x2F800, 0x2FA1F)),
    *((ord(a), ord(b)) for a, b in ("az", "AZ", "09", "++", "##", "&&", "..", "__", "%%", "--")),
)


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

    ``kinds`` (code points,) holds for each character its class and what sort of character it is; to read characters
    as others, copy their kinds.
    """

    def __init__(self, words: Mapping[str, int], tokens: Sequence[str]) -> None:
        text = _dictionary_file().read_text(encoding="utf-8") + "".join(f"{w} {f}\n" for w, f in words.items())
        entries = _points(text)
        begin, length, frequency = _entries(entries)
        wanted = _points("".join(tokens))
        self.kinds = np.zeros(0x110000, np.int32)
        known = np.unique(np.concatenate([entries, wanted]))
        self.kinds[known] = np.arange(1, len(known) + 1)
        for first, last in _BLOCK:
            self.kinds[first : last + 1] |= _HAN
        for first, last in _BLOCK[9:12]:
            self.kinds[first : last + 1] |= _ALNUM
        size = np.fromiter(map(len, tokens), np.int64, len(tokens))
        nodes = len(known) + 1 + int(length.sum()) + len(wanted)
        self._weight = np.full(nodes, -np.inf)
        self._token = np.zeros(nodes, np.int32)
        self._slots = np.zeros(1 << _TABLE_BITS, np.int64)
        self._pairs = np.zeros(1 << _TABLE_BITS - 6, np.int64)
        total, used = _plant(
            entries, begin, length, frequency, wanted, size, self.kinds, self._slots, self._pairs, self._weight,
            self._token, len(known) + 1,
        )  # fmt: skip
        self._weight = _log_shares(self._weight[:used], total)
        self._nothing = float(_log_shares(np.ones(1), total)[0])
        self._token = self._token[:used].copy()

    def cut(self, points: Points, start: Ints, end: Ints, kinds: Shorts) -> tuple[Ints, Shorts, Shorts]:
        """Cut the texts ``points[start:end]``, each by itself.

        Return for each text the number of its first token, with one more at the end, and for each token where it
        ends in ``points`` and its number, 0 if unknown.
        """
        room = int((end - start).sum())
        stop = np.empty(room, np.int32)
        token = np.empty(room, np.int32)
        first = np.empty(len(start) + 1, np.int64)
        _cut(
            points, start, end, kinds, self._slots, self._pairs, self._weight, self._nothing, self._token, first, stop,
            token,
        )  # fmt: skip
        return first, stop[: first[-1]], token[: first[-1]]


def _points(text: str) -> Points:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


@compiled
def _entries(points: Points) -> tuple[Ints, Ints, Ints]:
    """Return begin, length and frequency of the words in lines ``word frequency …``."""
    lines = 0
    for p in points:
        lines += p == 10
    begin = np.empty(lines, np.int64)
    length = np.empty(lines, np.int64)
    frequency = np.empty(lines, np.int64)
    at = 0
    for line in range(lines):
        begin[line] = at
        while points[at] != 32:
            at += 1
        length[line] = at - begin[line]
        at += 1
        number = 0
        while 48 <= points[at] <= 57:
            number = number * 10 + wide(points[at]) - 48
            at += 1
        frequency[line] = number
        while points[at] != 10:
            at += 1
        at += 1
    return begin, length, frequency


@compiled
def _mixed(key: int) -> int:
    return wide((np.uint64(key) * np.uint64(_HASH)) >> np.uint64(64 - _TABLE_BITS))


@compiled
def _slot(slots: Ints, node: int, kind: int) -> int:
    """Return the place of this step in the table, or the free one where it belongs."""
    key = wide(node) << 16 | kind
    at = _mixed(key)
    while slots[at] and slots[at] >> 21 != key:
        at = (at + 1) & (len(slots) - 1)
    return at


@compiled
def _plant(
    entries: Points,
    begin: Ints,
    length: Ints,
    frequency: Ints,
    wanted: Points,
    size: Ints,
    kinds: Shorts,
    slots: Ints,
    pairs: Ints,
    weight: Floats,
    token: Shorts,
    used: int,
) -> tuple[int, int]:
    """Plant words, later ones over earlier ones, then tokens; return the sum of frequencies and the nodes used."""
    total = at = 0
    for w in range(len(begin) + len(size)):
        is_word = w < len(begin)
        if is_word:
            points = entries[begin[w] : begin[w] + length[w]]
        else:
            points = wanted[at : at + size[w - len(begin)]]
            at += len(points)
        node = wide(kinds[points[0]]) & _CLASS
        whole = kinds[points[0]] & _HAN != 0
        for i in range(1, len(points)):
            kind = wide(kinds[points[i]]) & _CLASS
            whole &= kinds[points[i]] & _HAN != 0
            if i == 1:
                bit = _mixed(node << 16 | kind)
                pairs[bit >> 6] |= 1 << (bit & 63)
            slot = _slot(slots, node, kind)
            if not slots[slot]:
                slots[slot] = (wide(node) << 16 | kind) << 21 | used
                used += 1
            node = slots[slot] & _NODE
        if not is_word:
            token[node] = w - len(begin) + 1
        else:
            total += frequency[w]
            # Replaced, a domain word's old frequency is gone.
            if whole:
                total -= wide(max(weight[node], 0.0))
                weight[node] = frequency[w]
    return total, used


@compiled
def _log_shares(frequency: Floats, total: int) -> Floats:
    """Return the logarithm of each share, as the C library takes it: numpy's own may differ in the last bit."""
    shares = np.full(len(frequency), -np.inf)
    for i in range(len(frequency)):
        if frequency[i] > 0:
            shares[i] = math.log(frequency[i]) - math.log(float(total))
    return shares


@compiled
def _cut(
    points: Points,
    start: Ints,
    end: Ints,
    kinds: Shorts,
    slots: Ints,
    pairs: Ints,
    weight: Floats,
    nothing: float,
    token: Shorts,
    first: Ints,
    stop: Shorts,
    number: Shorts,
) -> None:
    longest = 1
    for t in range(len(start)):
        longest = max(longest, end[t] - start[t])
    longest = min(longest, PIECE)
    route = np.zeros(longest + 1)
    until = np.empty(longest + 1, np.int32)
    last = np.empty(longest + 1, np.int32)
    kind = np.zeros(longest + 1, np.int32)
    n = 0
    for t in range(len(start)):
        first[t] = n
        for a in range(start[t], end[t], PIECE):
            many = min(PIECE, end[t] - a)
            for i in range(many):
                kind[i] = kinds[points[a + i]]
            kind[many] = 0
            _find_route(kind, many, slots, pairs, weight, nothing, route, until, last)
            n = _write(kind, many, a, slots, token, until, last, n, stop, number)
    first[len(start)] = n


@compiled
def _find_route(
    kind: Shorts,
    many: int,
    slots: Ints,
    pairs: Ints,
    weight: Floats,
    nothing: float,
    route: Floats,
    until: Shorts,
    last: Shorts,
) -> None:
    """Fill in, from right to left, where the word ends that begins at each place, and its node in the trie."""
    route[many] = 0.0
    for i in range(many - 1, -1, -1):
        if i >= _AHEAD:
            a, b = wide(kind[i - _AHEAD]) & _CLASS, wide(kind[i - _AHEAD + 1]) & _CLASS
            bit = _mixed(a << 16 | b)
            if pairs[bit >> 6] >> (bit & 63) & 1:
                prefetch(slots, bit)
        node = wide(kind[i]) & _CLASS
        until[i] = i + 1
        last[i] = node
        if not kind[i] & _HAN:
            route[i] = 0.0
            continue
        found = weight[node]
        best = found + route[i + 1]
        j = i + 1
        if kind[j] & _HAN:
            k = wide(kind[j]) & _CLASS
            bit = _mixed(node << 16 | k)
            if pairs[bit >> 6] >> (bit & 63) & 1:
                while True:
                    slot = _slot(slots, node, k)
                    if not slots[slot]:
                        break
                    node = slots[slot] & _NODE
                    j += 1
                    found = weight[node]
                    # Of equals the longer.
                    if found > -np.inf and found + route[j] >= best:
                        best = found + route[j]
                        until[i] = j
                        last[i] = node
                    if not kind[j] & _HAN:
                        break
                    k = wide(kind[j]) & _CLASS
        # A character that begins no word stands for itself.
        route[i] = best if best > -np.inf else nothing + route[i + 1]


@compiled
def _write(
    kind: Shorts,
    many: int,
    offset: int,
    slots: Ints,
    token: Shorts,
    until: Shorts,
    last: Shorts,
    n: int,
    stop: Shorts,
    number: Shorts,
) -> int:
    """Write the tokens along the route behind the first ``n``; return how many there are now."""
    i = 0
    while i < many:
        node = wide(last[i])
        j = wide(until[i])
        if j == i + 1 and kind[i] & _ALNUM:
            # Single letters and digits in a row are one word.
            while j < many and until[j] == j + 1 and kind[j] & _ALNUM:
                k = wide(kind[j]) & _CLASS
                slot = _slot(slots, node, k) if node else 0
                node = slots[slot] & _NODE if node else 0
                j += 1
        stop[n] = offset + j
        number[n] = token[node]
        n += 1
        i = j
    return n
