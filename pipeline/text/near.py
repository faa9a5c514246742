"""Near duplicates by their characters: MinHash signatures propose pairs, exact Jaccard decides."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["ALGORITHM", "NEAR", "grams", "jaccard", "pairs", "signatures"]

_PERMUTATIONS, _SEED, _GRAM = 64, 42, 3
#: Sixteen bands of four values propose 99.98 % of the pairs that share eight tenths of their grams.
_ROWS = 4
#: Kept beside stored signatures: those of another algorithm are made again.
ALGORITHM = f"rensa-r2-p{_PERMUTATIONS}-s{_SEED}-c{_GRAM}"
#: Two texts are near duplicates from this share of common grams on.
NEAR = 0.8

Matrix = npt.NDArray[np.uint32]
_BETWEEN = re.compile(r"[\W_]+")


def grams(text: str) -> frozenset[str]:
    """Return the three-character pieces of ``text`` without its spaces, punctuation and widths."""
    return frozenset(_grams(text))


def _grams(text: str) -> list[str]:
    """Return the pieces as they come, those that come twice too: a MinHash takes no notice."""
    plain = _BETWEEN.sub("", unicodedata.normalize("NFKC", text).lower())
    return [plain[i : i + _GRAM] for i in range(max(1, len(plain) - _GRAM + 1))]


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the share of grams that two texts have in common, 0 to 1."""
    return len(one & other) / len(one | other) if one or other else 1.0


def signatures(texts: Sequence[str]) -> Matrix:
    """Return one row of MinHash values per text."""
    from rensa import RMinHash

    made = RMinHash.digests_from_token_sets([_grams(t) for t in texts], _PERMUTATIONS, _SEED)
    return np.asarray(made, np.uint32).reshape(len(texts), _PERMUTATIONS)


def pairs(matrix: Matrix, fresh: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return the pairs of rows worth comparing, at least one of them ``fresh``, as (higher row, lower row).

    In a bucket each row is paired with the first and with the one before it: enough to join them all, and the pairs
    do not grow with the square of a mass mailing.
    """
    found = []
    for at in range(0, _PERMUTATIONS, _ROWS):
        key = np.ascontiguousarray(matrix[:, at : at + _ROWS]).view(np.dtype((np.void, _ROWS * 4))).ravel()
        _, bucket = np.unique(key, return_inverse=True)
        order = np.argsort(bucket, kind="stable")
        sorted_bucket = bucket[order]
        starts = np.r_[True, sorted_bucket[1:] != sorted_bucket[:-1]]
        first = np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))
        later = np.flatnonzero(~starts)
        found += [np.c_[order[later], order[first[later]]], np.c_[order[later], order[later - 1]]]
    both = np.concatenate(found) if found else np.empty((0, 2), np.int64)
    both = both[fresh[both].any(1)] if len(both) else both
    return np.unique(both, axis=0)
