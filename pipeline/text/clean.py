"""The first door of the corridor: given text → normalised, masked text with a way back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pipeline.ndarrays import Shorts
from pipeline.text.mask import Found, find_personal_data, mask
from pipeline.text.normalise import normalise, offsets

__all__ = ["Clean", "clean"]


@dataclass(frozen=True)
class Clean:
    """``text`` is normalised and masked; ``given`` is what came in; ``personal`` are spans of ``text``."""

    given: str
    text: str
    personal: tuple[Found, ...]

    @cached_property
    def _offsets(self) -> tuple[Shorts, Shorts]:
        return offsets(self.given)

    def to_given(self, start: int, end: int) -> tuple[int, int]:
        """Translate the span ``[start, end)`` of ``text`` to one of ``given``; an empty span stays empty."""
        starts, ends = self._offsets
        if start >= end:
            at = int(starts[start]) if start < len(starts) else len(self.given)
            return at, at
        return int(starts[start]), int(ends[end - 1])

    def masked_given(self) -> str:
        """Return the given text with its personal data starred out, at equal length."""
        spans = [Found(f.kind, *self.to_given(f.start, f.end)) for f in self.personal]
        return mask(self.given, spans)


def clean(text: str) -> Clean:
    """Normalise and mask one text; the offsets are worked out when somebody asks."""
    normal = normalise(text)
    found = find_personal_data(normal)
    return Clean(text, mask(normal, found), tuple(found))
