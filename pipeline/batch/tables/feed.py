"""A table of a foreign database as a feed of records, in the order of its key."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import django.db
import sqlalchemy as sa

from pipeline.batch.patience import Patience
from pipeline.batch.report import RunReport
from pipeline.batch.sources import ColumnMap, Limits
from pipeline.batch.sources.records import MAX_ID, Table, as_text, reject
from pipeline.batch.tables.address import Address
from pipeline.batch.tables.faults import explain, translated
from pipeline.batch.tables.keys import Key, KeyTypeError, fills_up, identity, mark_of, plain, read_mark
from pipeline.batch.tables.layout import Layout
from pipeline.batch.tables.statements import keyless, page
from pipeline.documents import Document, Rejected
from pipeline.errors import SourceError

if TYPE_CHECKING:
    from pipeline.batch.tables.range import KeyRange

__all__ = ["TableFeed"]

#: So many rows without a key are listed; more of them mean that the key is the wrong column.
KEYLESS = 10_000
_END = "keyless "
_PLACE = 200


class TableFeed:
    """Reads in pages, each in a short read-only transaction of its own: nothing is held open while scoring.

    Rows without a key come last, as rejected records.
    """

    ordered = True
    timid = False

    def __init__(
        self,
        address: Address,
        engine: sa.Engine,
        layout: Layout,
        columns: ColumnMap,
        limits: Limits,
        report: RunReport,
        patience: Patience,
        *,
        prefix: str,
        size: int,
        above: Any = None,
        ahead: int = 1,
        division: KeyRange | None = None,
    ) -> None:
        self.name = address.shown
        self.above = above
        self._address, self._engine, self._layout = address, engine, layout
        self._report, self._patience, self._prefix, self._size = report, patience, prefix, size
        self._table = Table.of(address.name, layout.columns, columns, limits)
        self._keys = [layout.columns.index(k) for k in layout.key]
        self._filled_up = [fills_up(layout.types[k], engine.dialect.name) for k in layout.key]
        self._division = division
        #: By the places of the records of the last pages, of all that are ahead of the one that is written; a number
        #: for a row without a key.
        self._known: deque[dict[str, Key | int]] = deque(maxlen=ahead + 2)

    def read(self, after: Any) -> Iterator[Document | Rejected]:
        """Yield the records behind the mark ``after``; what makes reading impossible goes into the report."""
        try:
            start = 0
            if after and after.startswith(_END):
                start = int(after.removeprefix(_END))
            else:
                yield from self._rows(read_mark(after) if after else None)
            if not self._layout.unique:
                yield from self._keyless(start)
        except django.db.Error as e:
            self._unreadable(explain(e, self._address))
        except SourceError as e:
            self._unreadable(e)

    def mark(self, record: Document | Rejected) -> str:
        """Return where a record of the last pages stands, for ``read``."""
        key = self._find(record)
        return f"{_END}{key}" if isinstance(key, int) else mark_of(key)

    def origin(self, start: int, after: Any, count: int) -> KeyRange | None:
        """Return where the ``count`` records behind the mark ``after`` stand."""
        return self._division and replace(self._division, after=after, above=self.above, count=count)

    def key(self, record: Document | Rejected) -> Key | None:
        """Return the key of a record of the last pages; None when it has none."""
        key = self._find(record)
        return None if isinstance(key, int) else key

    def _find(self, record: Document | Rejected) -> Key | int:
        return next(known[record.place] for known in self._known if record.place in known)

    def _rows(self, last: Key | None) -> Iterator[Document | Rejected]:
        dialect = self._engine.dialect.name
        while rows := self._fetch(page(self._layout, dialect, after=last, above=self.above, size=self._size)):
            keyed = [(self._key_of(row), row) for row in rows]
            last = keyed[-1][0]
            made = [self._record(key, row) for key, row in keyed]
            self._known.append({r.place: key for r, (key, _) in zip(made, keyed, strict=True)})
            yield from made
            if len(rows) < self._size:
                return

    def _keyless(self, start: int) -> Iterator[Rejected]:
        rows = self._fetch(keyless(self._layout, self.above, KEYLESS + 1))
        if len(rows) > KEYLESS:
            what = f"{self._address.name} 有一万多行没有键（键列为空）"
            raise SourceError("ZF-TAB-KEY", what, "在 [tables] key 里换一列，或补上键。")
        made = [self._without_key(row) for row in rows[start:]]
        self._known.append({r.place: number for number, r in enumerate(made, start + 1)})
        yield from made

    def _without_key(self, row: tuple[Any, ...]) -> Rejected:
        raw = self._raw(row)
        # By its content: a row that is there again tomorrow is the same rejected record.
        place = f"{self._address.name}（没有键）:{hashlib.sha256(raw.encode('utf-8', 'replace')).hexdigest()[:12]}"
        return reject(place, "ZF-REC-KEY", "键列是空的，没有读取，也无法写回。", raw=raw)

    def _fetch(self, select: sa.Select[Any]) -> list[tuple[Any, ...]]:
        def work() -> list[tuple[Any, ...]]:
            with translated(self._address), self._engine.connect() as connection:
                return [tuple(row) for row in connection.execute(select)]

        return self._patience.run(work)

    def _key_of(self, row: tuple[Any, ...]) -> Key:
        try:
            return plain([row[at] for at in self._keys], self._filled_up)
        except KeyTypeError as e:
            raise SourceError(
                "ZF-TAB-KEY-TYPE", "键列须是整数、文字或 UUID", "在 [tables] key 里换别的列，或改正那一行。",
                [f"键里有 {e}：{self._raw(row)[:100]}"],
            ) from e  # fmt: skip

    def _record(self, key: Key, row: tuple[Any, ...]) -> Document | Rejected:
        number, mark = identity(key, self._prefix), mark_of(key)
        if not number:
            if len(mark) > _PLACE:
                mark = mark[:_PLACE] + hashlib.sha256(mark.encode()).hexdigest()[:12]
            place = f"{self._address.name}:{mark}"
            return reject(place, "ZF-REC-KEY", f"键是空的、超过 {MAX_ID} 字，或含存不下的字符。", raw=self._raw(row))
        place = f"{self._address.name}:{number.removeprefix(self._prefix)}"
        made = self._table.record(0, row) or reject(place, "ZF-REC-EMPTY", "正文是空的。", raw=self._raw(row))
        return replace(made, id=number, place=place)

    def _raw(self, row: tuple[Any, ...]) -> str:
        return json.dumps(dict(zip(self._layout.columns, row, strict=True)), ensure_ascii=False, default=as_text)

    def _unreadable(self, error: SourceError) -> None:
        said = (self._address.scrub(s) for s in (error.message, *error.details))
        self._report.cannot_read(self.name, SourceError(error.code, next(said), error.hint, list(said)))
