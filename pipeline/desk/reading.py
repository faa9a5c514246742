"""A document as a person reads it: masked, cut into pieces where evidence begins or ends."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.text.clean import clean

__all__ = ["Piece", "Reading", "hidden", "masked", "read"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text with the labels it speaks for; ``first`` marks where an evidence begins."""

    text: str
    labels: tuple[str, ...] = ()
    first: bool = False

    @property
    def marks(self) -> str:
        """The labels as one attribute value."""
        return " ".join(self.labels)


@dataclass(frozen=True, slots=True)
class Reading:
    """``pieces`` join to the shown text; ``quotes`` are the evidence by label, heaviest first."""

    pieces: tuple[Piece, ...]
    quotes: Mapping[str, tuple[str, ...]]
    personal: int


def masked(text: str) -> str:
    """Return ``text`` with its personal data starred out, at equal length."""
    return clean(text).masked_given() if text else ""


def hidden(text: str) -> int:
    """Return how many pieces of personal data ``text`` holds."""
    return len(clean(text).personal)


def read(text: str, evidence: Iterable[Mapping[str, Any]], *, reveal: bool = False) -> Reading:
    """Prepare ``text`` for a page. Evidence offsets belong to the text as given; masking keeps them."""
    cleaned = clean(text)
    shown = text if reveal else cleaned.masked_given()
    spans = [(int(e["start"]), int(e["end"]), str(e["label"]), float(e["weight"])) for e in evidence]
    spans = [s for s in spans if 0 <= s[0] < s[1] <= len(text)]
    edges = sorted({0, len(text), *(s[0] for s in spans), *(s[1] for s in spans)})
    pieces = [Piece(shown[a:b], _labels(spans, a), any(s[0] == a for s in spans)) for a, b in itertools.pairwise(edges)]
    quotes: dict[str, list[str]] = {}
    for start, end, label, _ in sorted(spans, key=lambda s: -s[3]):
        quotes.setdefault(label, []).append(" ".join(shown[start:end].split()))
    return Reading(tuple(pieces), {k: tuple(v) for k, v in quotes.items()}, len(cleaned.personal))


def _labels(spans: Sequence[tuple[int, int, str, float]], at: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(label for start, end, label, _ in spans if start <= at < end))
