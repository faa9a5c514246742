"""What came of the records of one chunk: counts that add up, and the records scoring refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from pipeline.documents import Rejected

__all__ = ["COUNTS", "Tally"]

COUNTS = ("read", "new", "changed", "rescored", "unchanged", "rejected", "problems", "review")


@dataclass
class Tally:
    """``read`` = ``new`` + ``changed`` + ``rescored`` + ``unchanged`` + ``rejected``.

    ``refused`` holds what scoring gave up, without the text: ``[place, code, reason, id]``.
    """

    read: int = 0
    new: int = 0
    changed: int = 0
    rescored: int = 0
    unchanged: int = 0
    rejected: int = 0
    problems: int = 0
    review: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    refused: list[list[str]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for the ledger."""
        return {**vars(self), "labels": dict(self.labels), "reasons": dict(self.reasons)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read what ``to_dict`` wrote."""
        return cls(**{**values, "labels": Counter(values["labels"]), "reasons": Counter(values["reasons"])})

    def reject(self, rejected: Iterable[Rejected]) -> None:
        """Count records that were set aside."""
        for r in rejected:
            self.rejected += 1
            self.reasons[r.reason] += 1
