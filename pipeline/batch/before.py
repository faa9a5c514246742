"""What the last run did, where the store still stands as it left it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from pipeline.batch import ledger
from pipeline.desk.models import Run

__all__ = ["Before"]


@dataclass
class Before:
    """The chunks of that run, none where it says nothing of the store as it is."""

    chunks: ledger.Chunks = field(default_factory=dict)
    _news: bool = False

    @classmethod
    def night(cls, *, source: str, model: str, plan: Mapping[str, Any]) -> Self:
        """Look at the very last run: a night with the same work, done in one go by this program.

        Whatever writes documents or scores is a run: after this one the store holds what its chunks say. A continued
        one may have chunks of a source as it was before it broke off, and another program may read a file otherwise.
        """
        last: Run | None = Run.objects.first()
        if last is None or not ledger.same(last, "nightly", source, model, plan):
            return cls()
        whole = (last.state, last.starts, last.program) == ("done", 1, ledger.program())
        return cls(ledger.chunks_of(last) if whole else {})

    def did(self, source: str, number: int, fingerprint: str, *, ordered: bool) -> bool:
        """Whether the run left all of a chunk in the store as it is read now; else the night is no quiet one."""
        # In an ordered one a number may come again, and the last one counts.
        then = None if ordered else self.chunks.get((source, number))
        same = then is not None and (then.state, then.fingerprint) == ("done", fingerprint)
        # What scoring refused is tried anew every night in which it is read.
        did = then is not None and same and not then.counts["refused"]
        self._news = self._news or not did
        return did

    @property
    def quiet(self) -> bool:
        """Whether nothing was read that this run had not done."""
        return bool(self.chunks) and not self._news
