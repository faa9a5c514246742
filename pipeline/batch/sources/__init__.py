"""Input of any format as a stream of documents and rejected records.

    for item in open_source("工单.csv"):
        ...  # a Document, or a Rejected with its reason

What concerns one record is a ``Rejected``; what concerns the whole file is a ``SourceError``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

from pipeline.batch.sources.columns import ColumnMap
from pipeline.batch.sources.inbox import SUFFIXES, expand, is_large, is_read, skipped, underway, unreadable
from pipeline.batch.sources.limits import Limits
from pipeline.batch.sources.names import legible
from pipeline.documents import Document, Rejected
from pipeline.errors import SourceError

__all__ = [
    "SUFFIXES", "ColumnMap", "Limits", "expand", "is_large", "is_read", "open_source", "skipped", "underway",
    "unreadable",
]  # fmt: skip

Reader = Callable[[Path, ColumnMap, Limits], Iterator[Document | Rejected]]
#: Which module's ``read_…`` reads a suffix: imported when there is such a file, since each takes as long as a text.
_READERS = {s: s[1:] for s in SUFFIXES} | {".csv": "delimited", ".tsv": "delimited"}
_COLUMNS = ColumnMap()
_LIMITS = Limits()


def open_source(
    source: str | Path, *, columns: ColumnMap = _COLUMNS, limits: Limits = _LIMITS
) -> Iterator[Document | Rejected]:
    """Read one file lazily, record by record, in its own order.

    Nothing is opened before the first record is asked for, and closing the iterator closes the file.

    Raises
    ------
    SourceError
        While iterating, when the file as a whole cannot be read; records that came before stand.
    """
    path = Path(source)
    kind = _READERS.get(path.suffix.lower())
    if kind is None:
        hint = "旧版 .xls 请另存为 .xlsx。" if path.suffix.lower() == ".xls" else ""
        raise SourceError(
            "ZF-SRC-SUFFIX",
            f"不认得 {legible(path.name)} 的扩展名“{legible(path.suffix)}”。",
            f"{hint}能读的有：{' '.join(SUFFIXES)}",
        )
    read: Reader = getattr(import_module(f"pipeline.batch.sources.{kind}"), f"read_{kind}")
    yield from read(path, columns, limits)
