"""What a run reads from and writes to besides the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from pipeline.batch.worker import Origin
from pipeline.documents import Document, Rejected

__all__ = ["Divisible", "Feed", "Record", "Target"]

Record = Document | Rejected


class Feed(Protocol):
    """A source of records. An ordered one has a key per record and can be read from a key on.

    A ``timid`` one changes no stored fields, and only texts that its own source brought.
    """

    name: str
    ordered: bool
    timid: bool

    def read(self, after: Any) -> Iterator[Record]:
        """Yield the records, of an ordered feed those behind the key ``after`` (None: all)."""
        ...

    def mark(self, record: Record) -> Any:
        """Return the key of ``record``, of an ordered feed the one read last."""
        ...


@runtime_checkable
class Divisible(Protocol):
    """A feed whose records can be read elsewhere, by where they stand."""

    def origin(self, start: int, after: Any, count: int) -> Origin | None:
        """Return where ``count`` records stand: behind the ``start`` first ones, or of an ordered feed behind a key."""
        ...


class Target(Protocol):
    """Where scores go besides the store; writing the same rows twice must do no harm."""

    #: Whether it needs every row of every chunk again when a run is continued.
    whole: bool

    def write(
        self, records: Sequence[Record], results: Mapping[str, Mapping[str, Any]], notes: Mapping[str, str]
    ) -> None:
        """Write one chunk: results by document id, shaped like ``Prediction.to_dict``; why others have none."""
        ...
