"""Near duplicates by their characters: MinHash signatures propose pairs, exact Jaccard decides."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.ndarrays import Bools, Floats, Ints, Keys
from pipeline.text.normalise import code_points

__all__ = ["ALGORITHM", "MANY", "NEAR", "Matrix", "pairs", "shares", "signatures"]

_PERMUTATIONS, _SEED, _GRAM = 64, 42, 3
#: Sixteen bands of four values propose 99.98 % of the pairs that share eight tenths of their grams.
_ROWS = 4
#: Kept beside stored signatures: those of another algorithm are made again.
ALGORITHM = f"rensa-r2-p{_PERMUTATIONS}-s{_SEED}-g{_GRAM}"
#: Two texts are near duplicates from this share of common grams on.
NEAR = 0.8

Matrix = npt.NDArray[np.uint32]
#: Bits of a character in a gram's key: three fit.
_BITS = 21
#: Bits of a gram's hash that stand below the number of its text or pair, and so many of these fit.
_HASH, _WHOLE = np.uint64(52), np.uint64(64)
_PIECE = np.uint64((1 << 52) - 1)
MANY = 1 << 12
#: Finalizer of MurmurHash3: keys that differ in one character differ in half of their bits.
_MIX = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53), np.uint64(33))


def shares(texts: Sequence[str], pairs: Ints) -> Floats:
    """Return the Jaccard index, 0 to 1, of the sets of three-character pieces of each two texts in ``pairs`` (n, 2).

    Pieces are told apart by 52 bits of a hash; spaces, punctuation and widths do not count. At most MANY texts and
    pairs.
    """
    if max(len(texts), len(pairs)) > MANY:
        raise ValueError(f"at most {MANY} texts and pairs")
    keys, first = _keys(texts)
    held = np.arange(len(texts), dtype=np.uint64).repeat(np.diff(first)) << _HASH | _hashed(keys) >> (_WHOLE - _HASH)
    held = np.unique(held)
    border = np.searchsorted(held, np.arange(len(texts) + 1, dtype=np.uint64) << _HASH)
    size = np.diff(border)[pairs]
    # The pieces of both texts of a pair one behind the other: what they have in common comes twice.
    at = np.arange(size.sum()) + (border[pairs].ravel() - np.append(0, size.ravel().cumsum()[:-1])).repeat(size.ravel())
    pair = np.arange(len(pairs), dtype=np.uint64).repeat(size.sum(1))
    both = np.sort(pair << _HASH | held[at] & _PIECE)
    common = np.bincount((both[1:][both[1:] == both[:-1]] >> _HASH).astype(np.int64), minlength=len(pairs))
    return np.asarray(common / (size.sum(1) - common))


def _keys(texts: Sequence[str]) -> tuple[Keys, Ints]:
    """Return the pieces of all texts as they come, those that come twice too, and where each text's begin and end.

    A text has at least one: shorter ones are filled up with nothing.
    """
    points = _plain()[code_points("".join(texts))]
    ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))
    counts = points != 0
    border = np.append(0, np.cumsum(counts))[np.append(0, ends)]
    points = points[counts].astype(np.uint64)
    size = np.diff(border)
    first = np.append(0, np.cumsum(np.maximum(size - _GRAM + 1, 1)))
    # Three by three through all texts, and then without those that begin in one and end in another.
    keys = np.zeros(max(len(points) - _GRAM + 1, 0), np.uint64)
    for i in range(_GRAM):
        keys <<= np.uint64(_BITS)
        keys |= points[i : i + len(keys)]
    within = np.ones(len(points), np.bool_)
    for back in range(1, _GRAM):
        within[border[1:][size >= back] - back] = False
    keys = keys[within[: len(keys)]]
    short = np.flatnonzero(size < _GRAM)
    if len(short):
        filled = np.append(points, np.zeros(_GRAM, np.uint64))[border[short, None] + np.arange(_GRAM)]
        filled[np.arange(_GRAM) >= size[short, None]] = 0
        shifts = np.arange(_GRAM - 1, -1, -1, dtype=np.uint64) * np.uint64(_BITS)
        keys = np.insert(keys, first[short] - np.arange(len(short)), np.bitwise_or.reduce(filled << shifts, axis=1))
    return keys, first


@functools.cache
def _plain() -> npt.NDArray[np.uint32]:
    """Return what each code point is read as, 0 for what does not count: neither letter nor figure."""
    table = np.zeros(0x110000, np.uint32)
    # Beyond the first plane only Chinese characters count, and they have one form.
    table[0x20000:0x40000] = np.arange(0x20000, 0x40000)
    for c in map(chr, range(0x10000)):
        read = unicodedata.normalize("NFKC", c).lower()
        if read[0].isalnum():
            table[ord(c)] = ord(read) if len(read) == 1 else ord(c)
    return table


def _hashed(keys: Keys) -> Keys:
    for factor in _MIX[:2]:
        keys = (keys ^ (keys >> _MIX[2])) * factor
    return keys ^ (keys >> _MIX[2])


def _mixed(rows: Matrix) -> Keys:
    """Return one number for each row; rows that differ have different ones, nearly always."""
    key = np.zeros(len(rows), np.uint64)
    for column in rows.T:
        key = (key ^ column) * _MIX[0]
        key ^= key >> _MIX[2]
    return key


def signatures(texts: Sequence[str]) -> Matrix:
    """Return the MinHash values of each text (Broder 1997), (texts, 64)."""
    from rensa import RMinHash

    keys, first = _keys(texts)
    made = RMinHash.digest_matrix_from_flat_token_hashes(_hashed(keys), first.astype(np.uint64), _PERMUTATIONS, _SEED)
    return np.array(made.to_rows(), np.uint32).reshape(len(texts), _PERMUTATIONS)


def pairs(matrix: Matrix, fresh: Bools) -> Ints:
    """Return the pairs of rows worth comparing, at least one of them ``fresh``, as (higher row, lower row).

    In a bucket each row is paired with the first and with the one before it: enough to join them all, and the pairs
    do not grow with the square of a mass mailing.
    """
    found = []
    for at in range(0, _PERMUTATIONS, _ROWS):
        key = _mixed(matrix[:, at : at + _ROWS])
        order = np.argsort(key)
        alike = np.flatnonzero(key[order[1:]] == key[order[:-1]])
        # Nearly all stand alone: only the others are sorted by row within their bucket.
        rows = np.union1d(order[alike], order[alike + 1])
        rows = rows[np.argsort(key[rows], kind="stable")]
        starts = np.diff(key[rows], prepend=~key[rows[:1]]) != 0
        first = np.maximum.accumulate(np.where(starts, np.arange(len(rows)), 0))
        later = np.flatnonzero(~starts)
        found += [np.c_[rows[later], rows[first[later]]], np.c_[rows[later], rows[later - 1]]]
    both = np.concatenate(found) if found else np.empty((0, 2), np.int64)
    both = both[fresh[both].any(1)] if len(both) else both
    return np.unique(both, axis=0)
