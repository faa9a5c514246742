"""What came of records: counts that add up, of one chunk or of a whole run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Self

__all__ = ["Counts", "Tally"]

_NUMBERS = ("read", "new", "changed", "rescored", "unchanged", "rejected", "problems", "review")
_COUNTERS = ("labels", "reasons", "unnumbered")


@dataclass(kw_only=True)
class Counts:
    """``read`` = ``new`` + ``changed`` + ``rescored`` + ``unchanged`` + ``rejected``.

    ``reasons`` are counted by their codes: each duplicate has a sentence of its own. Of the new ones, ``known_texts``
    stand in the store under another number, ``unnumbered`` have none, by file; of the changed ones, ``other_texts`` are
    about something else, both estimated from some of each chunk.
    """

    read: int = 0
    new: int = 0
    changed: int = 0
    rescored: int = 0
    unchanged: int = 0
    rejected: int = 0
    problems: int = 0
    review: int = 0
    known_texts: int = 0
    other_texts: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    unnumbered: Counter[str] = field(default_factory=Counter)

    def add(self, other: Counts) -> None:
        """Add what came of other records."""
        for name in (*_NUMBERS, "known_texts", "other_texts"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in _COUNTERS:
            getattr(self, name).update(getattr(other, name))

    def numbers(self) -> dict[str, int]:
        """Return the plain figures."""
        return {n: getattr(self, n) for n in _NUMBERS}


@dataclass(kw_only=True)
class Tally(Counts):
    """One chunk. ``refused`` holds what scoring gave up, without the text: ``[place, code, reason, id]``."""

    refused: list[list[str]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for the ledger."""
        return {**vars(self), **{name: dict(getattr(self, name)) for name in _COUNTERS}}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read what ``to_dict`` wrote."""
        return cls(**{**values, **{name: Counter(values.get(name, ())) for name in _COUNTERS}})
