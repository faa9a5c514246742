"""One JSON object per line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.batch.sources.columns import ColumnMap
from pipeline.batch.sources.limits import Limits
from pipeline.batch.sources.lines import Line, Lines
from pipeline.batch.sources.records import Table, reject, unread
from pipeline.documents import Document, Rejected
from pipeline.errors import SourceError

__all__ = ["JsonRecords", "read_jsonl"]

_PATIENCE = 1000  # so many objects without a text field, and none with one: the mapping is wrong, not the records
_MAPS = 256


def read_jsonl(path: Path, columns: ColumnMap, limits: Limits) -> Iterator[Document | Rejected]:
    """Yield the records of a .jsonl; objects may differ in their keys."""
    with Lines(path, limits) as lines:
        yield from JsonRecords(lines.name, columns, limits).read(lines)


class JsonRecords:
    """Turn lines into documents; also serves standard input, which has no path."""

    def __init__(self, name: str, columns: ColumnMap, limits: Limits) -> None:
        self.name = name
        self._columns = columns
        self._limits = limits
        self._tables: dict[tuple[str, ...], Table | None] = {}

    def read(self, lines: Iterator[Line] | Lines) -> Iterator[Document | Rejected]:
        """Yield one document or rejection per line that is not blank.

        Raises
        ------
        SourceError
            ``ZF-SRC-EMPTY`` when all lines are blank, ``ZF-SRC-COLUMN`` when no object has a text.
        """
        waiting: list[Document | Rejected] = []
        keys: tuple[str, ...] = ()
        seen, known = 0, False
        for line in lines:
            if not line.text.strip(" \t\r\n\ufeff"):
                continue
            seen += 1
            made = self.record(line)
            if known:
                yield self._lacking(line) if made is None else made[0]
            elif made is None:
                waiting.append(self._lacking(line))
                keys = keys or next(iter(self._tables), ())
                if len(waiting) >= _PATIENCE:
                    self._columns.resolve(keys, name=self.name)
            else:
                known = isinstance(made[0], Document) or made[1]
                if known:
                    yield from waiting
                    waiting.clear()
                if waiting:
                    waiting.append(made[0])
                else:
                    yield made[0]
        if waiting:
            self._columns.resolve(keys, name=self.name)
        if not seen and not (isinstance(lines, Lines) and lines.grown):
            raise SourceError("ZF-SRC-EMPTY", f"{self.name} 只有空行，没有任何内容。", "请重新导出后再放入。")

    def _lacking(self, line: Line) -> Rejected:
        reason = "对象里没有可作正文的字段。"
        return reject(f"{self.name}:{line.number}", "ZF-REC-EMPTY", reason, raw=line.text)

    def record(self, line: Line) -> tuple[Document | Rejected, bool] | None:
        """Return what ``line`` becomes and whether it had a text field; ``None`` for an object without."""
        place = f"{self.name}:{line.number}"
        if line.fault:
            return unread(place, line.fault, line.text), False
        try:
            # strict=False lets raw control characters inside strings pass; they are mended with the record.
            value: Any = json.loads(line.text.lstrip("\ufeff"), strict=False)
        except (ValueError, RecursionError) as error:
            detail = f"第 {error.colno} 个字符附近" if isinstance(error, json.JSONDecodeError) else "数字太长或嵌套太深"
            return reject(place, "ZF-REC-JSON", f"不是合法的 JSON（{detail}）。", raw=line.text), False
        if not isinstance(value, dict):
            return reject(place, "ZF-REC-JSON", "这一行不是 JSON 对象（应为 {…}）。", raw=line.text), False
        table = self._table(tuple(value))
        if table is None:
            return None
        try:
            made = table.record(line.number, list(value.values()))
        except RecursionError:
            return reject(place, "ZF-REC-JSON", "不是合格的记录（嵌套太深）。", raw=line.text), False
        if made is None:
            return reject(place, "ZF-REC-EMPTY", "正文是空的。", raw=line.text), True
        return made, True

    def _table(self, keys: tuple[str, ...]) -> Table | None:
        """Resolve each set of keys once."""
        if keys not in self._tables:
            if len(self._tables) >= _MAPS:
                self._tables.clear()
            try:
                self._tables[keys] = Table.of(self.name, keys, self._columns, self._limits)
            except SourceError:
                self._tables[keys] = None
        return self._tables[keys]
