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
    count = max(len(points) - length + 1, 0)
    hashes = np.zeros(count, np.uint64)
    for i in range(length):
        hashes = hashes * _STEP + points[i : i + count] + np.uint64(1)
    return hashes ^ (hashes >> np.uint64(29))


class Grams:
    """The n-grams of many texts: ``hashes``, ``text`` and ``start`` of shape (grams,), in reading order."""

    def __init__(self, texts: Sequence[str], length: int) -> None:
        self.texts = texts
        self.length = length
        size = np.fromiter(map(len, texts), np.int64, len(texts))
        count = np.maximum(size - length + 1, 0)
        self.text = np.repeat(np.arange(len(texts)), count)
        self.start = np.arange(len(self.text)) - np.repeat(np.cumsum(count) - count, count)
        # All texts as one, without the runs that reach from one into the next.
        first = np.cumsum(size) - size
        self.hashes = hash_grams("".join(texts), length)[first[self.text] + self.start]

    def piece(self, at: int) -> str:
        """Return the characters of n-gram number ``at``."""
        start = int(self.start[at])
        return self.texts[int(self.text[at])][start : start + self.length]
