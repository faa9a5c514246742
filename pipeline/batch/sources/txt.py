"""Plain text: one document per file, or several between lines of ``---`` or form feeds; tables row by row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from pipeline.batch.sources.columns import HEADER_ROWS, ColumnMap
from pipeline.batch.sources.csv_cells import DELIMITERS
from pipeline.batch.sources.delimited import read_delimited
from pipeline.batch.sources.limits import Limits
from pipeline.batch.sources.lines import Lines
from pipeline.batch.sources.records import is_blank, reject, whole_text
from pipeline.documents import Document, Rejected
from pipeline.errors import SourceError

__all__ = ["read_txt"]

_RULE = re.compile(r"\s*-{3,}\s*")


def read_txt(path: Path, columns: ColumnMap, limits: Limits) -> Iterator[Document | Rejected]:
    """Yield the documents of a .txt, each at the line where it begins; blank stretches are no documents."""
    if _is_table(path, columns, limits):
        yield from read_delimited(path, columns, limits)
        return
    with Lines(path, limits) as lines:
        pending = _Pending(lines.name, limits)
        seen = False
        for line in lines:
            # A rule parts documents as a form feed does, with nothing on either side.
            rule = not line.fault and _RULE.fullmatch(line.text)
            first, *rest = ("\f" if rule else line.text).split("\f")
            pending.add(line.number, first, line.fault)
            for piece in rest:
                made = pending.close()
                pending = _Pending(lines.name, limits)
                if made is not None:
                    seen = True
                    yield made
                pending.add(line.number, piece, line.fault)
        if lines.grown:
            return  # nothing marks the end of the last document, so it may not be written to its end
        made = pending.close()
        if made is not None:
            yield made
        elif not seen:
            raise SourceError("ZF-SRC-EMPTY", f"{lines.name} 只有空白，没有任何内容。", "请检查文件。")


def _is_table(path: Path, columns: ColumnMap, limits: Limits) -> bool:
    """Whether it begins with a header, as what Excel saves as text does; above it may stand captions."""
    with Lines(path, limits) as lines:
        for line in islice(lines, HEADER_ROWS):
            text = line.text.rstrip("\r\n")
            for cells in map(text.split, DELIMITERS):
                if columns.names(cells, first=False) and len(columns.find(cells, whole=True)) > 1:
                    return True
            if text.strip() and not text.endswith(tuple(DELIMITERS)):
                return False
    return False


class _Pending:
    """A document while its lines come in; what is beyond the limit is not kept."""

    def __init__(self, name: str, limits: Limits) -> None:
        self._name, self._limits = name, limits
        self._parts: list[str] = []
        self._number = self._size = 0
        self._fault = ""

    def add(self, number: int, text: str, fault: str) -> None:
        if text or fault:
            self._number = self._number or number
        self._fault = self._fault or fault
        if self._size <= self._limits.max_text_bytes:
            self._parts.append(text)
        self._size += len(text.encode("utf-8", "surrogatepass"))

    def close(self) -> Document | Rejected | None:
        text, place = "".join(self._parts), f"{self._name}:{self._number}"
        if self._fault == "encoding":
            reason = "编码无法识别（不是 UTF-8、UTF-16，也不是 GB18030）。"
            return reject(place, "ZF-REC-ENCODING", reason, raw=text)
        if self._fault or self._size > self._limits.max_text_bytes:
            reason = f"正文太长，上限 {self._limits.max_text_bytes:,} 字节。"
            return reject(place, "ZF-REC-TOO-LONG", reason, raw=text)
        if is_blank(text):
            return None
        return whole_text(self._name, self._number, text, {"文件": self._name}, self._limits)
