"""Passages of long documents: about one size, made of whole sentences."""

from __future__ import annotations

from pipeline.text.sentences import split_sentences

__all__ = ["split_passages"]


def split_passages(text: str, size: int) -> list[tuple[int, int]]:
    """Return start and end of passages of about ``size`` characters made of whole sentences.

    Neighbours share a sentence, so that a promise and its breach are seen together. A sentence longer than ``size``
    is cut.
    """
    if len(text) <= size:
        return [(0, len(text))]
    found = split_sentences([text])
    spans = zip(found.start.tolist(), found.end.tolist(), strict=True)
    pieces = [(a, min(a + size, end)) for start, end in spans for a in range(start, end, size)]
    passages: list[tuple[int, int]] = []
    first = 0
    while first < len(pieces):
        last = first
        while last + 1 < len(pieces) and pieces[last + 1][1] - pieces[first][0] <= size:
            last += 1
        passages.append((pieces[first][0], pieces[last][1]))
        if last + 1 == len(pieces):
            break
        shared = max(first + 1, last)
        # Sharing is worth it only where the next sentence still fits behind the shared one.
        first = shared if pieces[last + 1][1] - pieces[shared][0] <= size else last + 1
    return passages
