"""Excel workbooks, read row by row."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline.batch.sources.archive import check_archive, damaged
from pipeline.batch.sources.columns import HEADER_ROWS, ColumnMap
from pipeline.batch.sources.limits import Limits
from pipeline.batch.sources.names import legible
from pipeline.batch.sources.records import Table, as_text, reject
from pipeline.batch.sources.signature import check_kind, open_file
from pipeline.documents import Document, Rejected
from pipeline.errors import SourceError, ZuofengError

__all__ = ["read_xlsx"]

_MAX_ROW = 1_048_576
_BATCH = 64
_FULL = 4096  # of a stretch of empty rows, which one far row number makes a million of


def read_xlsx(path: Path, columns: ColumnMap, limits: Limits) -> Iterator[Document | Rejected]:
    """Yield the records of every sheet that has a text column.

    Places are ``name:row`` on the first sheet and ``name!sheet:row`` on others. A visible sheet that holds
    data but no text column is reported as one rejected record (``ZF-REC-SHEET``) when others could be read.
    """
    with open_file(path) as file:
        check_kind(path, file, "zip")
        check_archive(path, file, limits)
        book = _load(path, file)
        try:
            read, odd = False, []
            for position, sheet in enumerate(book.worksheets):
                name = legible(path.name) + (f"!{sheet.title}" if position else "")
                reader = _Sheet(name, _rows(path, sheet), columns, limits)
                yield from reader.records()
                read = read or reader.table is not None
                if reader.table is None and reader.tried:
                    odd.append((name, reader, sheet.sheet_state == "visible"))
            if not read:
                if not odd:
                    raise SourceError(
                        "ZF-SRC-EMPTY", f"{legible(path.name)} 的工作表都是空的。", "请重新导出后再放入。"
                    )
                faults = (reader.fault for _, reader, _ in odd if reader.fault)
                raise next(faults, None) or columns.lacking(odd[0][1].tried, name=odd[0][0])
            for name, reader, visible in odd:
                if visible:
                    reason = "这张工作表没有可作正文的列，整张没有读取。"
                    if reader.fault:
                        reason = f"整张没有读取：{reader.fault.message}{reader.fault.hint}"
                    yield reject(f"{name}:1", "ZF-REC-SHEET", reason, raw="、".join(map(as_text, reader.tried[0])))
        finally:
            book.close()


class _Sheet:
    """One sheet: finds its header among the first rows, then yields records."""

    def __init__(
        self, name: str, rows: Iterator[tuple[int, tuple[Any, ...]]], columns: ColumnMap, limits: Limits
    ) -> None:
        self.table: Table | None = None
        self.tried: list[tuple[Any, ...]] = []
        self.fault: SourceError | None = None
        self._name, self._rows, self._columns, self._limits = name, rows, columns, limits

    def records(self) -> Iterator[Document | Rejected]:
        fresh = False
        for number, row in self._rows:
            if self.table is not None:
                try:
                    joined = self.table.joined(row) if fresh else None
                    again = joined is None and self.table.is_header(row, number)
                except SourceError as e:
                    if fresh:
                        self.table, self.fault = None, e
                    else:
                        raw = "、".join(map(as_text, row))
                        yield reject(f"{self._name}:{number}", "ZF-REC-SHEET", f"{e.message}{e.hint}", raw=raw)
                    return
                fresh = False
                if joined is not None:
                    self.table = joined
                elif not again and (made := self.table.record(number, row)) is not None:
                    yield made
            elif any(as_text(cell).strip() for cell in row):
                if self._columns.names(row, first=not self.tried, over=self.tried):
                    upper = self.tried[-1] if self.tried else ()
                    self.table = Table.of(self._name, row, self._columns, self._limits, upper=upper)
                    fresh = True
                self.tried.append(row)
                if fresh:
                    continue
                if len(self.tried) >= HEADER_ROWS:
                    return


def _load(path: Path, file: Any) -> Any:
    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # missing styles, unknown extensions: nothing that concerns the text
            book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except MemoryError:
        raise
    except Exception as error:  # openpyxl raises whatever the damage provokes: KeyError, TypeError, ParseError …
        raise damaged(legible(path.name), error) from error
    if not book.worksheets:
        book.close()
        raise damaged(legible(path.name), "没有工作表")
    return book


def _rows(path: Path, sheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Yield the rows that hold anything, with their numbers; in batches, to silence openpyxl only while it works."""
    from openpyxl.utils.escape import unescape

    seen, size = 0, _BATCH
    try:
        sheet.reset_dimensions()  # many exporters write a wrong <dimension>, and openpyxl would stop there
        rows = sheet.iter_rows(values_only=True)
        while True:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                batch = list(islice(rows, size))
            if not batch:
                return
            if seen + len(batch) > _MAX_ROW:
                raise damaged(legible(path.name), f"行号超过 {_MAX_ROW:,}")
            for number, row in enumerate(batch, seen + 1):
                if row and any(c is not None for c in row):
                    # Excel stores a carriage return as _x000D_, and openpyxl leaves it so.
                    yield number, tuple(unescape(c) if isinstance(c, str) and "_x" in c else c for c in row)
            seen += len(batch)
            size = _BATCH if any(batch) else _FULL
    except (ZuofengError, MemoryError):
        raise
    except Exception as error:  # as above
        raise damaged(legible(path.name), error) from error
