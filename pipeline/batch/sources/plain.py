"""Rows of text in which nothing has to be mended: most rows, and much less to ask of each."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.batch.sources.columns import META_FIELDS
from pipeline.batch.sources.records import COUNTS, Table, finish, is_total, join
from pipeline.documents import Document, Rejected

__all__ = ["Plain"]


class Plain:
    """Makes of such rows what ``Table.record`` makes of them."""

    def __init__(self, table: Table) -> None:
        self._table, self._header, self._limits = table, table.header, table.limits
        self._place = f"{table.name}:"
        where = table.where
        self._id, self._title, self._text = where.get("id"), where.get("title"), where.get("text")
        self._main = [at for at in (self._id, self._title, self._text) if at is not None]
        self._meta = [(f, where[f]) for f in META_FIELDS if f in where]

    def record(self, number: int, cells: Sequence[str | None]) -> Document | Rejected | None:
        """Return what row ``number`` becomes; ``None`` for a row without any data, and for a total.

        ``cells`` are as many as the header has, without a NUL or a lone surrogate in any of them.
        """
        if self._text is None:
            return self._table.record(number, cells)
        text = cells[self._text] or ""
        if self._title is not None and (title := cells[self._title]):
            text = join(title, text)
        if not text.strip() and not any(c and c.strip() for c in cells):
            return None
        if COUNTS.fullmatch(text) and is_total((cells[at] for at in self._main), cells):
            return None
        identity = "" if self._id is None else (cells[self._id] or "").strip()
        meta = {f: c for f, at in self._meta if (c := cells[at]) and not c.isspace()}
        if "#" in text or "#" in identity or "#" in "".join(meta.values()):  # maybe an error of Excel's
            return self._table.record(number, cells)
        row = dict(zip(self._header, cells, strict=True))
        return finish(f"{self._place}{number}", identity, text, meta, row, self._limits)
