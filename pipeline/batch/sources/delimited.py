"""Tables as text: .csv and .tsv, with the delimiter told from the header."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.batch.sources.columns import HEADER_ROWS, ColumnMap
from pipeline.batch.sources.csv_cells import DELIMITERS, CellParser, State
from pipeline.batch.sources.limits import Limits
from pipeline.batch.sources.lines import Line, Lines
from pipeline.batch.sources.pieces import Pieces
from pipeline.batch.sources.plain import Plain
from pipeline.batch.sources.records import Table, reject, unread
from pipeline.batch.sources.stretch import Stretch
from pipeline.documents import Document, Rejected
from pipeline.errors import SourceError

__all__ = ["read_delimited"]

_SEP = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_QUOTE = "引号不配对（或一条记录跨行太多）：本行单独放入待查，后面的行照常读取。"
_REST = "列数不足，应是上面引号不配对的记录留下的残段。"


@dataclass(frozen=True, slots=True)
class _Record:
    lines: tuple[Line, ...]
    cells: tuple[str, ...]
    broken: bool = False

    @property
    def raw(self) -> str:
        return "".join(line.text for line in self.lines)

    @property
    def fault(self) -> str:
        return next((line.fault for line in self.lines if line.fault), "")

    @property
    def blank(self) -> bool:
        return not self.broken and not any(cell.strip() for cell in self.cells)


class _Feed:
    """Lines that can be given back."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = iter(lines)
        self._back: deque[Line] = deque()

    @property
    def level(self) -> bool:
        """Whether nothing waits that was given back."""
        return not self._back

    def take(self) -> Line | None:
        return self._back.popleft() if self._back else next(self._lines, None)

    def give_back(self, lines: Iterable[Line]) -> None:
        self._back.extendleft(reversed(tuple(lines)))


def read_delimited(path: Path, columns: ColumnMap, limits: Limits) -> Iterator[Document | Rejected]:
    """Yield the records of a .csv or .tsv."""
    with Lines(path, limits) as lines:
        feed = _Feed(lines)
        start = _header(path, feed, lines, columns, limits)
        if start is None:
            return
        header, delimiter, number, upper = start
        table = Table.of(lines.name, header.cells, columns, limits, upper=upper)
        if (second := _next(feed, delimiter, lines, limits)) is not None:
            lower = None if second.broken or second.fault else table.joined(second.cells)
            if lower is None:
                feed.give_back(second.lines)
            else:
                table, number = lower, number + 1
        width, astray = len(table.header), False
        stretch, plain, pieces = Stretch(lines, delimiter, width, limits), Plain(table), Pieces(table)
        while True:
            for cells, clean in stretch.take() if feed.level else ():
                number, astray = number + 1, False
                if table.is_header(cells, number):
                    continue
                made = plain.record(number, cells) if clean else table.record(number, cells)
                if (own := pieces.own(cells, made)) is not None:
                    yield own
            if (record := _next(feed, delimiter, lines, limits)) is None:
                return
            number += 1
            place = f"{table.name}:{number}"
            if record.fault:
                astray = astray or record.broken
                yield unread(place, record.fault, record.raw)
            elif record.broken:
                astray = True
                yield reject(place, "ZF-REC-QUOTE", _QUOTE, raw=record.raw)
            elif astray and not record.blank and len(record.cells) < width:
                yield reject(place, "ZF-REC-QUOTE", _REST, raw=record.raw)
            elif any(cell.strip() for cell in record.cells[width:]):
                astray = False
                reason = f"有 {len(record.cells)} 格，比表头的 {width} 列多，无法确定哪一格是正文。"
                yield reject(place, "ZF-REC-FIELDS", reason, raw=record.raw)
            else:
                astray = astray and len(record.cells) < width
                rest = _rest(feed, record, pieces, width, delimiter, lines, limits)
                cells = pieces.joined([r.cells for r in (record, *rest)])[:width]
                if not table.is_header(cells, number):
                    made = table.record(number, cells)
                    if (own := pieces.own(cells, made)) is not None:
                        yield own
                number += len(rest)


def _next(feed: _Feed, delimiter: str, lines: Lines, limits: Limits) -> _Record | None:
    """Read one record; one whose quotes do not match is its first line alone, the others are given back."""
    first = feed.take()
    if first is None:
        return None
    if first.fault == "length":
        return _Record((first,), ())
    parser, taken, size = CellParser(delimiter), [first], len(first.text)
    state = parser.feed(first.text)
    while state is State.OPEN:
        line = feed.take()
        if line is None:
            if lines.grown:
                return None  # the writer is not done with this record: next night
            break
        taken.append(line)
        size += len(line.text)
        if len(taken) > limits.max_record_lines or size > limits.max_line_bytes or line.fault == "length":
            break
        state = parser.feed(line.text)
    if state is State.DONE:
        return _Record(tuple(taken), tuple(parser.cells))
    feed.give_back(taken[1:])
    return _Record((first,), tuple(parser.cells), broken=True)


def _rest(
    feed: _Feed, head: _Record, pieces: Pieces, width: int, delimiter: str, lines: Lines, limits: Limits
) -> list[_Record]:
    """Return what follows a record that has too few cells, when that makes just as many as it lacks; else nothing."""
    rest, count = list[_Record](), width if head.blank or pieces.goes_on(head.cells) else len(head.cells)
    while count < width and len(rest) < limits.max_record_lines:
        record = _next(feed, delimiter, lines, limits)
        if record is None:
            break
        rest.append(record)
        if record.broken or record.fault or not (record.blank or pieces.belongs(record.cells, head.cells)):
            break
        count += len(record.cells) - 1
        if count == width:
            return rest
    feed.give_back(line for record in rest for line in record.lines)
    return []


def _header(
    path: Path, feed: _Feed, lines: Lines, columns: ColumnMap, limits: Limits
) -> tuple[_Record, str, int, tuple[str, ...]] | None:
    """Return the header, the delimiter that makes the most sense of it, its row number, and the cells above it.

    ``None`` when the file is only just being written and not even its header is complete.
    """
    number, tried = 0, list[_Record]()
    order = sorted(DELIMITERS, key=lambda d: (d == "\t") != (path.suffix.lower() == ".tsv"))
    while len(tried) < HEADER_ROWS and (line := feed.take()) is not None:
        number += 1
        if line.fault and not tried:
            raise SourceError(
                "ZF-SRC-ENCODING",
                f"{lines.name} 的表头读不出来：编码不是 UTF-8、UTF-16 或 GB18030，或者这不是文本文件。",
                "请另存为 UTF-8 编码的 CSV。",
            )
        if not tried and (hint := _SEP.fullmatch(line.text)):
            order = [hint[1]]
            continue
        if line.fault or not line.text.strip(" \t\r\n,;|\ufeff\0"):
            continue
        feed.give_back((line,))
        best = _split(feed, order, lines, columns, limits)
        if best is None:
            return None
        record, delimiter = best
        if record.broken and not tried:
            raise SourceError(
                "ZF-SRC-COLUMN",
                f"{lines.name} 的表头引号不配对，读不出列名。",
                "请检查第一行的引号。",
                [line.text[:200]],
            )
        for _ in record.lines:
            feed.take()
        if not record.broken and columns.names(record.cells, first=not tried, over=[r.cells for r in tried]):
            return record, delimiter, number, tried[-1].cells if tried else ()
        tried.append(record)
    if len(tried) < HEADER_ROWS and lines.grown:
        return None
    if not tried:
        raise SourceError("ZF-SRC-EMPTY", f"{lines.name} 只有空行，没有任何内容。", "请重新导出后再放入。")
    raise columns.lacking([record.cells for record in tried], name=lines.name)


def _split(
    feed: _Feed, order: Iterable[str], lines: Lines, columns: ColumnMap, limits: Limits
) -> tuple[_Record, str] | None:
    """Return the next record by the delimiter that makes the most sense of it, and give back its lines.

    ``None`` when its writer is not done with it.
    """
    best: tuple[tuple[bool, int, int], _Record, str] | None = None
    for delimiter in order:
        record = _next(feed, delimiter, lines, limits)
        if record is None:
            continue
        feed.give_back(record.lines)
        found = columns.find(record.cells)
        rank = (not record.broken, len(found) + 2 * ("text" in found), len(record.cells))
        if best is None or rank > best[0]:
            best = rank, record, delimiter
    return best[1:] if best else None
