"""Sentences and passages, through spaCy's Chinese character pipeline.

``blank("zh")`` in its *char* mode: no global dictionary, picklable, and spans fall on characters.
"""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spacy.language import Language

__all__ = ["split_passages", "split_sentences"]

ENDS = ["。", "！", "？", "；", "!", "?", ";", "…"]
#: spaCy keeps a token per character; longer texts are read in slices of this many characters.
SLICE = 100_000


@functools.cache
def _sentencizer() -> Language:
    import spacy

    nlp = spacy.blank("zh", config={"nlp": {"tokenizer": {"segmenter": "char"}}})
    nlp.add_pipe("sentencizer", config={"punct_chars": ENDS})
    nlp.max_length = SLICE
    return nlp


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Return the sentences of normalised ``text`` as half-open spans that cover it without gaps."""
    spans: list[tuple[int, int]] = []
    for at in range(0, len(text), SLICE):
        piece = text[at : at + SLICE]
        spans += [(at + s.start_char, at + s.end_char) for s in _sentencizer()(piece).sents]
    # spaCy leaves white space between sentences out of both; give it to the one before.
    bounds = [0, *(start for start, _ in spans[1:]), len(text)]
    return [(a, b) for a, b in itertools.pairwise(bounds) if a < b]


def split_passages(text: str, size: int, overlap: int = 1) -> list[tuple[int, int]]:
    """Return passages of about ``size`` characters made of whole sentences.

    Neighbours share ``overlap`` sentences, so that a promise and its breach are seen together. A sentence
    longer than ``size`` is cut.
    """
    if len(text) <= size:
        return [(0, len(text))]
    pieces = [(a, min(a + size, end)) for start, end in split_sentences(text) for a in range(start, end, size)]
    passages: list[tuple[int, int]] = []
    first = 0
    while first < len(pieces):
        last = first
        while last + 1 < len(pieces) and pieces[last + 1][1] - pieces[first][0] <= size:
            last += 1
        passages.append((pieces[first][0], pieces[last][1]))
        if last + 1 == len(pieces):
            break
        shared = max(first + 1, last + 1 - overlap)
        # Sharing is worth it only where the next sentence still fits behind the shared ones.
        first = shared if pieces[last + 1][1] - pieces[shared][0] <= size else last + 1
    return passages
