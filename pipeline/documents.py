"""The values that cross module borders."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = ["DIGITS", "Document", "Evidence", "Prediction", "Rejected", "text_hash"]

#: Of scores and weights where they are told or stored.
DIGITS = 6


def text_hash(text: str) -> str:
    """Return the SHA-256 of ``text`` in UTF-8, as 64 hex digits; lone surrogates hash as they stand."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(slots=True)
class Document:
    """One complaint or report as it came in. Nobody changes it; frozen, it would take four times as long to make.

    ``meta`` holds the other mapped fields (渠道, 承办单位 …), ``row`` the whole input row for write-back,
    ``place`` where it stood (file and row number), for people who look for it.
    """

    id: str
    text: str
    meta: Mapping[str, str] = field(default_factory=dict)
    row: Mapping[str, Any] = field(default_factory=dict)
    place: str = ""
    _digest: str = field(default="", init=False, repr=False, compare=False)

    @property
    def text_hash(self) -> str:
        """The hash of the text, worked out once."""
        if not self._digest:
            self._digest = text_hash(self.text)
        return self._digest


@dataclass(frozen=True, slots=True)
class Rejected:
    """An input record that was set aside: the reason has a code and a Chinese sentence."""

    place: str
    code: str
    reason: str
    id: str = ""
    raw: str = ""


class Evidence(NamedTuple):
    """A span of the text as given, ``start`` inclusive, ``end`` exclusive, and what it adds to a label's score."""

    label: str
    start: int
    end: int
    quote: str
    weight: float


class Prediction(NamedTuple):
    """What the model says of one document. A tuple, like its evidence: a short text is read in the time in which an
    object of another kind is made.

    ``scores`` and ``decided`` are keyed by scheme id, in taxonomy order; decided labels stand highest first;
    with any of them it ``is_problem``.
    All scores are calibrated probabilities in [0, 1].
    """

    id: str
    is_problem: bool
    problem_score: float
    decided: Mapping[str, tuple[tuple[str, float], ...]]
    scores: Mapping[str, Mapping[str, float]]
    evidence: tuple[Evidence, ...]
    review: bool
    model: str

    @property
    def labels(self) -> tuple[str, ...]:
        """The decided labels of all schemes."""
        return tuple(label for decided in self.decided.values() for label, _ in decided)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object of the ``classify`` contract."""
        return {
            "id": self.id,
            "is_problem": self.is_problem,
            "problem_score": round(self.problem_score, DIGITS),
            **{s: [{"id": i, "score": round(v, DIGITS)} for i, v in d] for s, d in self.decided.items()},
            "scores": {s: {i: round(v, DIGITS) for i, v in d.items()} for s, d in self.scores.items()},
            "evidence": [
                {"label": e.label, "start": e.start, "end": e.end, "quote": e.quote, "weight": round(e.weight, DIGITS)}
                for e in self.evidence
            ],
            "review": self.review,
            "model": self.model,
        }
