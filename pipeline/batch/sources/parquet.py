"""Parquet tables, read in small batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.batch.sources.archive import damaged
from pipeline.batch.sources.columns import ColumnMap
from pipeline.batch.sources.limits import Limits
from pipeline.batch.sources.names import legible
from pipeline.batch.sources.records import Table, reject
from pipeline.batch.sources.signature import check_kind, open_file
from pipeline.documents import Document, Rejected
from pipeline.errors import ZuofengError

__all__ = ["read_parquet", "rows_before"]

_BATCH = 256


def read_parquet(path: Path, columns: ColumnMap, limits: Limits, *, first: int = 0) -> Iterator[Document | Rejected]:
    """Yield the records of a .parquet, without the ``first`` ones; places count records from 1."""
    with open_file(path) as file:
        check_kind(path, file, "parquet")
        rows = _rows(path, file, first)
        table = Table.of(legible(path.name), next(rows), columns, limits)
        for number, row in enumerate(rows, first + 1):
            made = table.record(number, row)
            if made is None:
                made = reject(f"{table.name}:{number}", "ZF-REC-EMPTY", "正文是空的。")
            yield made


def rows_before(path: Path, first: int) -> int:
    """Return how many rows have to be unpacked before row ``first`` (from 0): those before it in its row group."""
    import pyarrow.parquet as pq

    return _group(pq.read_metadata(path), first)[1]


def _group(metadata: Any, first: int) -> tuple[int, int]:
    """Return the row group of row ``first`` and the rows before it in there."""
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        if first < rows:
            return group, first
        first -= rows
    return metadata.num_row_groups, 0


def _rows(path: Path, file: Any, first: int) -> Iterator[tuple[Any, ...]]:
    """Yield the column names, then each row from ``first`` on."""
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file, pre_buffer=False) as source:
            yield tuple(source.schema_arrow.names)
            group, skip = _group(source.metadata, first) if first else (0, 0)
            groups = list(range(group, source.metadata.num_row_groups)) if group else None
            for batch in source.iter_batches(batch_size=_BATCH, row_groups=groups):
                if skip >= batch.num_rows:
                    skip -= batch.num_rows
                    continue
                yield from zip(*(_values(column) for column in batch.slice(skip).columns), strict=True)
                skip = 0
    except (ZuofengError, MemoryError, GeneratorExit):
        raise
    except Exception as error:  # pyarrow raises ArrowInvalid, OSError, KeyError, TypeError … by the kind of damage
        raise damaged(legible(path.name), error) from error


def _values(column: Any) -> list[Any]:
    """Return a column as Python values; strings that are not UTF-8 come as bytes, to be judged one by one."""
    import pyarrow as pa

    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        return list(column.cast(pa.large_binary()).to_pylist())
