"""Character n-grams as 64-bit hashes: millions of them sort and compare in seconds."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from pipeline.ndarrays import Keys
from pipeline.text.normalise import code_points

__all__ = ["Grams", "hash_grams", "squeeze"]

_STEP = np.uint64(0x9E3779B97F4A7C15)  # odd, bits well mixed (Fibonacci hashing, Knuth 6.4)
_SPACE = re.compile(r"\s+")


def squeeze(text: str) -> str:
    """Return ``text`` without white space."""
    return _SPACE.sub("", text)


def hash_grams(text: str, length: int) -> Keys:
    """Return the hash of each run of ``length`` characters, shape (max(len(text) - length + 1, 0),)."""
    points = code_points(text).astype(np.uint64)
    points += np.uint64(1)
    hashes = np.zeros(max(len(points) - length + 1, 0), np.uint64)
    for i in range(length):
        hashes *= _STEP
        hashes += points[i : i + len(hashes)]
    return hashes ^ (hashes >> np.uint64(29))


class Grams:
    """The n-grams of many texts: ``hashes`` and ``text``, the number of each one's text, in reading order."""

    def __init__(self, texts: Sequence[str], length: int) -> None:
        self.texts = texts
        self.length = length
        self._joined = "".join(texts)
        owner = np.repeat(np.arange(len(texts)), np.fromiter(map(len, texts), np.int64, len(texts)))
        # One pass over all texts, and then without those that begin in one and end in another.
        hashes = hash_grams(self._joined, length)
        owner, last = owner[: len(hashes)], owner[len(owner) - len(hashes) :]
        self._start = np.flatnonzero(owner == last)
        self.hashes, self.text = hashes[self._start], owner[self._start]

    def piece(self, at: int) -> str:
        """Return the characters of n-gram number ``at``."""
        start = int(self._start[at])
        return self._joined[start : start + self.length]
