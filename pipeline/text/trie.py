"""A dictionary as a trie in few arrays, what is common close together: most of a walk then stays in the caches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.ndarrays import Floats, Ints, Points, Shorts
from pipeline.text.compiled import compiled, wide
from pipeline.text.normalise import code_points
from pipeline.text.sparse import lay_rows

__all__ = ["ALNUM", "CLASS", "FROM", "HAN", "KEY", "NODE", "SOME", "Trie", "grow"]

#: A kind: the class of a character, whether words may have it, whether it is a letter or digit of ASCII.
CLASS = (1 << 16) - 1
HAN = 1 << 16
ALNUM = 1 << 17
#: A cell: from bit FROM on from which node, from bit KEY on which classes may lead on, and below to which node.
FROM, KEY = 37, 21
NODE = (1 << KEY) - 1
#: There a bit stands for all classes with the same remainder.
SOME = 15
_TABLE_BITS = 21
_HASH = 0x9E3779B97F4A7C15
#: Characters of one block; words do not reach over the others.
_BLOCK = (
    *((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F)),
    *((0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0x2CEB0, 0x2EBEF), (0x2F800, 0x2FA1F)),
    *((ord(a), ord(b)) for a, b in ("az", "AZ", "09", "++", "##", "&&", "..", "__", "%%", "--")),
)


@dataclass(frozen=True, slots=True)
class Trie:
    """Words from their first character on.

    ``kinds`` (code points,) holds for each character its class and what sort of character it is; class 0 is in no
    word. The first node of a class has its number, and ``weight`` (classes,) that of the character as a word. From
    ``node`` a character of ``class`` leads on where ``cells[base[node] + class, 0] >> FROM`` is ``node``.

    ``base`` (nodes,); ``cells`` (cells, 2); ``shares`` is the same memory: its second column has the weight of the
    word that ends there, the logarithm of its share, -inf if none. ``token`` (nodes,) is the number of the token that
    ends here, 0 if none; ``nothing`` what a word of frequency 1 weighs.
    """

    kinds: Shorts
    base: Shorts
    cells: Ints
    shares: Floats
    weight: Floats
    token: Shorts
    nothing: float


def grow(text: str, tokens: Sequence[str]) -> Trie:
    """Plant the words of lines ``word frequency …``, later ones over earlier ones, and ``tokens``, from 1 on."""
    entries = code_points(text)
    begin, length, frequency = _entries(entries)
    wanted = code_points("".join(tokens))
    kinds = np.zeros(0x110000, np.int32)
    known = np.flatnonzero(np.bincount(np.concatenate([entries, wanted])))
    kinds[known] = np.arange(len(known))
    each = np.repeat(frequency, np.diff(np.append(begin, len(entries))))
    common = np.bincount(kinds[entries], each, len(known))
    kinds[known[np.argsort(-common)]] = np.arange(1, len(known) + 1)
    for first, last in _BLOCK:
        kinds[first : last + 1] |= HAN
    for first, last in _BLOCK[9:12]:
        kinds[first : last + 1] |= ALNUM
    size = np.fromiter(map(len, tokens), np.int64, len(tokens))
    classes = len(known) + 1
    nodes = classes + int(length.sum()) + len(wanted)
    count = np.zeros(nodes)
    token = np.zeros(nodes, np.int32)
    slots = np.zeros(1 << _TABLE_BITS, np.int64)
    total, used = _plant(entries, begin, length, frequency, wanted, size, kinds, slots, count, token, classes)
    # Words that are tokens get the lower numbers, behind the classes, then common ones.
    order = np.append(np.arange(classes), classes + np.lexsort((-count[classes:used], token[classes:used] == 0)))
    name = np.empty(used, np.int64)
    name[order] = np.arange(used)
    steps = slots[slots > 0]
    steps = np.sort(name[steps >> FROM] << FROM | (steps >> KEY & CLASS) << KEY | name[steps & NODE])
    source, kind, target = steps >> FROM, steps >> KEY & CLASS, steps & NODE
    border = np.append(0, np.cumsum(np.bincount(source, minlength=used)))
    base, room = lay_rows(border[:-1], border[1:], kind.astype(np.int32), classes)
    # Which classes, by their remainders, lead on from each node.
    some = np.zeros(used, np.int64)
    np.bitwise_or.at(some, source, 1 << (kind & SOME))
    weight = _log_shares(count[order], total)
    # An empty cell comes from no node.
    cells = np.full((room, 2), -1, np.int64)
    shares = cells.view(np.float64)
    at = base[source] + kind
    cells[at, 0] = source << FROM | some[target] << KEY | target
    shares[at, 1] = weight[target]
    nothing = float(_log_shares(np.ones(1), total)[0])
    return Trie(kinds, base.astype(np.int32), cells, shares, weight[:classes].copy(), token[order], nothing)


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
    while slots[at] and slots[at] >> KEY != key:
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
    count: Floats,
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
        node = wide(kinds[points[0]]) & CLASS
        whole = kinds[points[0]] & HAN != 0
        for i in range(1, len(points)):
            kind = wide(kinds[points[i]]) & CLASS
            whole &= kinds[points[i]] & HAN != 0
            slot = _slot(slots, node, kind)
            if not slots[slot]:
                slots[slot] = (wide(node) << 16 | kind) << KEY | used
                used += 1
            node = slots[slot] & NODE
        if not is_word:
            token[node] = w - len(begin) + 1
        else:
            total += frequency[w]
            # Replaced, a domain word's old frequency is gone.
            if whole:
                total -= wide(max(count[node], 0.0))
                count[node] = frequency[w]
    return total, used


@compiled
def _log_shares(frequency: Floats, total: int) -> Floats:
    """Return the logarithm of each share, as the C library takes it: numpy's own may differ in the last bit."""
    shares = np.full(len(frequency), -np.inf)
    for i in range(len(frequency)):
        if frequency[i] > 0:
            shares[i] = math.log(frequency[i]) - math.log(float(total))
    return shares
