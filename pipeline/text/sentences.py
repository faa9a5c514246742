"""Sentences of whole batches at once; spaCy's sentencizer is the reference, this is its rule on arrays.

A sentence ends behind an end mark and the punctuation that follows it (closing quotes, more marks), or at a new line.
"""

from __future__ import annotations

import functools
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.ndarrays import Bools, Ints
from pipeline.text.normalise import code_points

__all__ = ["ENDS", "Sentences", "split_sentences", "tables"]

#: End marks.
ENDS = ["。", "！", "？", "；", "!", "?", ";", "…"]
#: Where Unicode has punctuation, and up to where: not among ideographs, syllables and signs for private use.
_PUNCTUATION = ((0, 0x3400), (0xA000, 0xAC00), (0xF900, 0x17000), (0x19000, 0x20000))


@dataclass(frozen=True, slots=True)
class Sentences:
    """``row`` (sentences,) numbers the text; ``start`` and ``end`` are offsets in it."""

    row: Ints
    start: Ints
    end: Ints

    def of(self, texts: Sequence[str]) -> list[str]:
        """Return the sentences as strings."""
        return [
            texts[r][a:b] for r, a, b in zip(self.row.tolist(), self.start.tolist(), self.end.tolist(), strict=True)
        ]


def split_sentences(texts: Sequence[str]) -> Sentences:
    """Split normalised ``texts``; each one's sentences cover it without gaps, an empty text has none."""
    points = code_points("".join(texts))
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    first = np.cumsum(lengths) - lengths
    begins = np.zeros(len(points) + 1, bool)
    begins[first] = True
    begins = begins[:-1]
    if not len(points):
        return Sentences(*(np.zeros(0, np.int64) for _ in range(3)))
    punctuation, ends, lines = tables()
    mark, end, line = punctuation[points], ends[points], lines[points]
    # The last character that is no mark: an end mark since then, and a new sentence begins here.
    place = np.arange(len(points))
    last_end = np.maximum.accumulate(np.where(end, place, -1))
    last_word = np.maximum.accumulate(np.where(mark, -1, place))
    before = np.repeat(first, lengths)[1:] - 1
    begins[1:] |= ~mark[1:] & (last_end[:-1] > np.maximum(last_word[:-1], before))
    begins[1:] |= line[:-1] & ~line[1:]
    start = np.flatnonzero(begins)
    row = np.searchsorted(first, start, "right") - 1
    stop = np.append(start[1:], len(points))
    return Sentences(row, start - first[row], stop - first[row])


@functools.cache
def tables() -> tuple[Bools, Bools, Bools]:
    """Return which code points are punctuation, end marks, new lines."""
    punctuation = np.zeros(sys.maxunicode + 1, bool)
    for first, end in _PUNCTUATION:
        # A category is two letters.
        categories = "".join(map(unicodedata.category, map(chr, range(first, end)))).encode()
        punctuation[first:end] = np.frombuffer(categories, np.uint8)[::2] == ord("P")
    ends = np.zeros(sys.maxunicode + 1, bool)
    ends[[ord(c) for c in ENDS]] = True
    lines = np.zeros(sys.maxunicode + 1, bool)
    lines[ord("\n")] = True
    return punctuation | ends, ends, lines
