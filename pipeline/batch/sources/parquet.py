"""Parquet tables, read in small batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.batch.sources.archive import damaged
from pipeline.batch.sources.columns import ColumnMap
from pipeline.batch.sources.limits import Limits
from pipeline.batch.sources.records import Table, reject
from pipeline.batch.sources.signature import check_kind, open_file
from pipeline.documents import Document, Rejected
from pipeline.errors import ZuofengError

__all__ = ["read_parquet"]

_BATCH = 256


def read_parquet(path: Path, columns: ColumnMap, limits: Limits) -> Iterator[Document | Rejected]:
    """Yield the records of a .parquet; places count records from 1."""
    with open_file(path) as file:
        check_kind(path, file, "parquet")
        rows = _rows(path, file)
        table = Table.of(path.name, next(rows), columns, limits)
        for number, row in enumerate(rows, 1):
            made = table.record(number, row)
            if made is None:
                made = reject(f"{path.name}:{number}", "ZF-REC-EMPTY", "正文是空的。")
            yield made


def _rows(path: Path, file: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the column names, then each row."""
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file, pre_buffer=False) as source:
            yield tuple(source.schema_arrow.names)
            for batch in source.iter_batches(batch_size=_BATCH):
                yield from zip(*(_values(column) for column in batch.columns), strict=True)
    except (ZuofengError, MemoryError, GeneratorExit):
        raise
    except Exception as error:  # pyarrow raises ArrowInvalid, OSError, KeyError, TypeError … by the kind of damage
        raise damaged(path.name, error) from error


def _values(column: Any) -> list[Any]:
    """Return a column as Python values; strings that are not UTF-8 come as bytes, to be judged one by one."""
    import pyarrow as pa

    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        return list(column.cast(pa.large_binary()).to_pylist())
