"""Which pairs of characters texts hold, as arrays and as the bytes in which blocks of documents keep them.

A posting says that a text holds a pair: the pair's hash above the text's place in its block. A row of a block holds
the postings whose pairs begin alike: how many pairs, what tells them apart, of each how many texts, and which.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

__all__ = [
    "MOST_TEXTS", "PLACE", "ROWS", "Postings", "holding", "pairs_of", "place_of", "postings_of", "read", "rows_of",
]  # fmt: skip

#: In ascending order, each once.
Postings = npt.NDArray[np.uint64]

#: Bits of a pair's hash that tell its row, bits that tell it apart within, bits of a text's place.
_ROW, _REST, PLACE = 8, 16, 16
ROWS, MOST_TEXTS = 1 << _ROW, (1 << PLACE) - 1
_SMALL = np.dtype("<u2")


def postings_of(texts: Sequence[str]) -> Postings:
    """Return the postings of at most MOST_TEXTS texts: every two neighbouring characters, hashed.

    What falls together is told apart by the text.
    """
    lower = [t.lower() for t in texts]
    codes = np.frombuffer("".join(lower).encode("utf-32-le", "surrogatepass"), np.uint32)
    size = np.fromiter(map(len, lower), np.int64, len(lower))
    mixed = (codes[:-1] * np.uint32(0x9E3779B1) + codes[1:] * np.uint32(0x85EBCA6B)) >> np.uint32(32 - _ROW - _REST)
    within = np.ones(len(codes), np.bool_)
    within[np.cumsum(size)[size > 0] - 1] = False
    pairs = mixed[within[: len(mixed)]]
    # The texts ascend as they are: pairs are sorted by their digits, the last first, in half the time of sorting all.
    order = np.argsort(pairs.astype(np.uint16), kind="stable")
    order = order[np.argsort((pairs >> np.uint32(_REST)).astype(np.uint8)[order], kind="stable")]
    found = pairs[order].astype(np.uint64)
    found <<= np.uint64(PLACE)
    found |= np.arange(len(lower), dtype=np.uint16).repeat(np.maximum(size - 1, 0))[order]
    return found[_first(found)]


def pairs_of(words: Sequence[str]) -> npt.NDArray[np.uint64]:
    """Return the hashed pairs of all ``words``."""
    return np.unique(postings_of(words) >> np.uint64(PLACE))


def rows_of(postings: Postings) -> list[tuple[int, bytes]]:
    """Return (what its pairs begin with, bytes) of every row in which a block keeps its ``postings``."""
    pairs = postings >> np.uint64(PLACE)
    texts = postings.astype(_SMALL)
    first = np.flatnonzero(_first(pairs))
    rest = pairs[first].astype(_SMALL)
    count = np.diff(first, append=len(postings)).astype(_SMALL)
    border = np.arange(ROWS + 1, dtype=np.uint64) << np.uint64(_REST)
    of_pairs = np.searchsorted(pairs[first], border)
    of_texts = np.append(first, len(postings))[of_pairs]
    rows = []
    for row, ((a, b), (c, d)) in enumerate(zip(_spans(of_pairs), _spans(of_texts), strict=True)):
        if a < b:
            head = np.array([b - a - 1], _SMALL)
            rows.append((row, np.concatenate((head, rest[a:b], count[a:b], texts[c:d])).tobytes()))
    return rows


def place_of(pair: int) -> tuple[int, np.uint16]:
    """Return the row in which a block keeps ``pair``, and what tells it apart there."""
    return pair >> _REST, np.uint16(pair & ((1 << _REST) - 1))


def holding(row: bytes, rest: np.uint16) -> npt.NDArray[np.uint16]:
    """Return the places of the texts that hold a pair, ascending."""
    pairs, count, texts = _parts(row)
    at = int(pairs.searchsorted(rest))
    if at == len(pairs) or pairs[at] != rest:
        return texts[:0]
    start = int(count[:at].sum())
    return texts[start : start + int(count[at])]


def read(rows: Sequence[tuple[int, bytes, npt.NDArray[np.int64]]]) -> Postings:
    """Return the postings of rows, in no order: of each what its pairs begin with, its bytes, and ``moved``.

    Texts are at the places that ``moved`` gives to theirs; those at -1 are left out.
    """
    if not rows:
        return np.zeros(0, np.uint64)
    begin, data, moved = zip(*rows, strict=True)
    # All at once: small blocks have hundreds of rows of a few postings each.
    cells = np.frombuffer(b"".join(data), _SMALL)
    start, size = _borders([len(d) // _SMALL.itemsize for d in data])
    pairs = cells[start].astype(np.int64) + 1
    rest, count = (cells[_within(start + at, pairs)] for at in (1, 1 + pairs))
    pair = np.repeat(np.array(begin, np.uint64) << np.uint64(_REST), pairs) | rest
    texts = size - 1 - 2 * pairs
    # The same array comes with every row of a block.
    once = {id(m): m for m in moved}
    offset = dict(zip(once, _borders([len(m) for m in once.values()])[0].tolist(), strict=True))
    at = np.repeat([offset[id(m)] for m in moved], texts) + cells[_within(start + 1 + 2 * pairs, texts)]
    place = np.concatenate([*once.values()])[at]
    kept = place >= 0
    return (np.repeat(pair, count)[kept] << np.uint64(PLACE)) | place[kept].astype(np.uint64)


def _borders(sizes: Sequence[int]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return where things of these ``sizes`` begin that stand one behind the other, and the sizes."""
    size = np.array(sizes, np.int64)
    return size.cumsum() - size, size


def _within(start: npt.NDArray[np.int64], size: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the places of so many cells behind each ``start``."""
    return np.arange(size.sum()) + np.repeat(start - (size.cumsum() - size), size)


def _parts(row: bytes) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16], npt.NDArray[np.uint16]]:
    cells = np.frombuffer(row, _SMALL)
    n = int(cells[0]) + 1
    return cells[1 : n + 1], cells[n + 1 : 2 * n + 1], cells[2 * n + 1 :]


def _first(ascending: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Tell which values differ from the one before."""
    first = np.ones(len(ascending), np.bool_)
    np.not_equal(ascending[1:], ascending[:-1], out=first[1:])
    return first


def _spans(borders: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    return itertools.pairwise(borders.tolist())
