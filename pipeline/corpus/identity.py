"""When two texts are one text: the same words, whether or not the personal data in them are starred out."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.corpus.grams import squeeze
from pipeline.documents import text_hash
from pipeline.text.clean import clean

__all__ = ["text_key", "text_keys"]


def text_key(text: str) -> str:
    """Return the hash of ``text``, the same for copies that differ in white space or in masking only."""
    # White space tells one number from the next, and without it others show: hence before and after.
    starred = _starred(text)
    joined = squeeze(starred)
    return text_hash(starred if joined == starred else _starred(joined))


def text_keys(texts: Sequence[str]) -> list[str]:
    """Return the `text_key` of many ``texts``, in order: most have neither white space nor personal data."""
    from pipeline.text.wash import wash

    masked = wash(texts).masked.tolist()
    return [text_key(t) if m or squeeze(t) != t else text_hash(t) for t, m in zip(texts, masked, strict=True)]


def _starred(text: str) -> str:
    # Stars are no digits: beside them something may pass for a number that did not before.
    while (starred := clean(text).masked_given()) != text:
        text = starred
    return text
