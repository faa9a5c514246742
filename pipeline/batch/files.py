"""A file as a feed of records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline.batch.report import RunReport
from pipeline.batch.sources import ColumnMap, Limits, open_source
from pipeline.batch.sources.names import legible
from pipeline.batch.sources.parquet import read_parquet, rows_before
from pipeline.documents import Document, Rejected
from pipeline.errors import SourceError

__all__ = ["FileFeed", "FileRange"]

#: So many rows may be unpacked in vain to come to a row in the middle of a row group.
IN_VAIN = 50_000


@dataclass(frozen=True, slots=True)
class FileRange:
    """``count`` records of a file behind the ``start`` first ones, to be read elsewhere."""

    path: str
    start: int
    count: int
    columns: ColumnMap
    limits: Limits

    def read(self) -> Iterator[Document | Rejected]:
        """Yield the records; raises SourceError or OSError where the file is not to be had."""
        path = Path(self.path)
        if path.suffix.lower() == ".parquet":
            return islice(read_parquet(path, self.columns, self.limits, first=self.start), self.count)
        records = open_source(path, columns=self.columns, limits=self.limits)
        return islice(records, self.start, self.start + self.count)


class FileFeed:
    """Reads one file in its own order; it has no keys to start from, so it is read from its beginning."""

    ordered = False

    def __init__(
        self, path: Path, columns: ColumnMap, limits: Limits, report: RunReport, *, timid: bool = False
    ) -> None:
        self.name = legible(path)
        self.timid = timid
        self._path = path
        self._columns = columns
        self._limits = limits
        self._report = report

    def read(self, after: Any) -> Iterator[Document | Rejected]:
        """Yield the records; a file that cannot be read goes into the report, what came before its fault counts."""
        try:
            yield from open_source(self._path, columns=self._columns, limits=self._limits)
        except SourceError as e:
            self._report.cannot_read(self.name, e)
        except OSError as e:
            hint = "检查磁盘或网络盘后重跑；已读出的记录有效。"
            self._report.cannot_read(self.name, SourceError("ZF-SRC-UNREADABLE", f"读取中断：{e.strerror}", hint))

    def mark(self, record: Document | Rejected) -> Any:
        """Files have no keys."""
        return None

    def origin(self, start: int, after: Any, count: int) -> FileRange | None:
        """Return where the ``count`` records behind the ``start`` first ones stand; None when others had to be read."""
        if start:
            if self._path.suffix.lower() != ".parquet":
                return None
            try:
                if rows_before(self._path, start) > IN_VAIN:
                    return None
            except Exception:  # noqa: BLE001  pyarrow raises by the kind of damage; reading it says what is wrong
                return None
        return FileRange(str(self._path.resolve()), start, count, self._columns, self._limits)
