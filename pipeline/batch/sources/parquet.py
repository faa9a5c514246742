"""Parquet tables, read in small batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.batch.sources.archive import damaged
from pipeline.batch.sources.columns import ColumnMap
from pipeline.batch.sources.limits import Limits
from pipeline.batch.sources.names import legible
from pipeline.batch.sources.plain import Plain
from pipeline.batch.sources.records import Table, reject
from pipeline.batch.sources.signature import check_kind, open_file
from pipeline.documents import Document, Rejected
from pipeline.errors import ZuofengError

__all__ = ["read_parquet", "rows_before"]

_BATCH = 256
_TEXT = frozenset(("string", "large_string"))


def read_parquet(path: Path, columns: ColumnMap, limits: Limits, *, first: int = 0) -> Iterator[Document | Rejected]:
    """Yield the records of a .parquet, without the ``first`` ones; places count records from 1."""
    with open_file(path) as file:
        check_kind(path, file, "parquet")
        rows = _rows(path, file, first)
        table = Table.of(legible(path.name), next(rows)[0], columns, limits)
        plain = Plain(table)
        for number, (row, clean) in enumerate(rows, first + 1):
            made = plain.record(number, row) if clean else table.record(number, row)
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


def _rows(path: Path, file: Any, first: int) -> Iterator[tuple[tuple[Any, ...], bool]]:
    """Yield the column names, then each row from ``first`` on, and whether it is known to be text without a NUL."""
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file, pre_buffer=False) as source:
            yield tuple(source.schema_arrow.names), False
            group, skip = _group(source.metadata, first) if first else (0, 0)
            groups = list(range(group, source.metadata.num_row_groups)) if group else None
            for batch in source.iter_batches(batch_size=_BATCH, row_groups=groups):
                if skip >= batch.num_rows:
                    skip -= batch.num_rows
                    continue
                values = [_values(column) for column in batch.slice(skip).columns]
                clean = all(kind in _TEXT for kind in map(str, batch.schema.types)) and all(map(_sound, values))
                yield from ((row, clean) for row in zip(*values, strict=True))
                skip = 0
    except (ZuofengError, MemoryError):
        raise
    except Exception as error:  # pyarrow raises ArrowInvalid, OSError, KeyError, TypeError … by the kind of damage
        raise damaged(legible(path.name), error) from error


def _values(column: Any) -> list[Any]:
    """Return a column as Python values; strings that are not UTF-8 come as bytes, to be judged one by one."""
    import pyarrow as pa

    try:
        if str(column.type) in _TEXT:
            return list(column.to_numpy(zero_copy_only=False))
        return list(column.to_pylist())
    except OverflowError:
        return list(map(_any_time, column))
    except (UnicodeDecodeError, pa.ArrowException):
        return list(column.cast(pa.large_binary()).to_pylist())


def _any_time(value: Any) -> Any:
    """Return a value; a time that Python's cannot be as text: one such cell, of any column, would cost the file."""
    import pyarrow as pa

    try:
        return value.as_py()
    except OverflowError:
        return value.cast(pa.string()).as_py()


def _sound(column: Sequence[Any]) -> bool:
    """Whether the texts of a column need not be looked at one by one."""
    try:
        return "\0" not in "".join(v for v in column if v)
    except TypeError:  # some of them was not UTF-8
        return False
