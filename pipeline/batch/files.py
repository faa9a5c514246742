"""A file as a feed of records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.batch.report import RunReport
from pipeline.batch.sources import ColumnMap, Limits, open_source
from pipeline.documents import Document, Rejected
from pipeline.errors import SourceError

__all__ = ["FileFeed"]


class FileFeed:
    """Reads one file in its own order; it has no keys to start from, so it is read from its beginning."""

    ordered = False

    def __init__(self, path: Path, columns: ColumnMap, limits: Limits, report: RunReport) -> None:
        self.name = str(path)
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
