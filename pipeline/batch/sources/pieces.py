"""Records that line breaks nobody quoted have cut in pieces: what belongs to the one above is no record of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.batch.sources.records import Table, reject
from pipeline.documents import Document, Rejected

__all__ = ["Pieces"]

_PROSE = re.compile("[。！？；，、“”]")
_DIGIT = re.compile(r"\d")
_REASON = (
    "像是正文里没加引号的换行切下的一段（或表下的说明），没有当作一件；紧挨着的上一条或下一条可能因此不完整。"
    "请导出时给正文加上引号，或导出为 .xlsx。"
)
_PLAIN = re.compile(r"[\x00-\x7f\W]+")
#: Numbers of one table are about as long; those added by hand have few words of their own: 补录1, 来信.
_LONGER, _ADDED, _MARK = 20, 2, 4


class Pieces:
    """Tells rows of ``table`` by what stands where the last record has its number, or else its time."""

    def __init__(self, table: Table) -> None:
        self._width, self._text = len(table.header), table.where.get("text", 0)
        self._key = table.where.get("id", table.where.get("time"))
        self._last: Sequence[str | None] = ()
        self._cut = False

    def own(self, cells: Sequence[str | None], made: Document | Rejected | None) -> Document | Rejected | None:
        """Return what was ``made`` of a row, set aside where the row is a piece of the record above it."""
        short = len(cells) < self._width
        key = self._key
        if not short and key is not None and type(made) is Document and (cells[key] or "").isascii():
            self._last = cells  # nearly always, and quickly said
            return made
        if made is None or (isinstance(made, Rejected) and not short):
            return made
        if not self.goes_on(cells):
            self._last = cells
            return made
        few = f"只有 {len(cells)} 格，表头有 {self._width} 列，" if short else ""
        self._cut = True
        return reject(made.place, "ZF-REC-CUT", few + _REASON, raw=",".join(c or "" for c in cells))

    def goes_on(self, cells: Sequence[str | None]) -> bool:
        """Whether a row goes on with the text of the record above it."""
        return self.belongs(cells, self._last)

    def belongs(self, cells: Sequence[str | None], last: Sequence[str | None]) -> bool:
        """Whether a row goes on with the text of the record ``last``."""
        key, short = self._key, len(cells) < self._width
        if key is None:  # what has a text may only lack an empty remark, which Excel leaves out
            return bool(last) and len(cells) <= self._text
        if key >= len(cells):
            return short and len(last) == self._width and bool((last[-1] or "").strip())
        here = cells[key] or ""
        if here.isascii() or key >= len(last) or not (there := last[key] or "").strip():
            return False
        numbered = _DIGIT.search(there) is not None
        odd = (numbered and not _DIGIT.search(here)) or len(here) > len(there) + _LONGER or _PROSE.search(here)
        words = len(_PLAIN.sub("", here))
        if not short:  # as many cells as the header has are hardly chance
            return bool(odd) and numbered and (self._cut or words > _MARK)
        return bool(odd) or (there.isascii() and words > _ADDED)

    def joined(self, pieces: Sequence[Sequence[str]]) -> Sequence[str]:
        """Return the cells of the record that these are the pieces of."""
        cells = list(pieces[0])
        self._cut = self._cut or len(pieces) > 1
        for first, *others in pieces[1:]:
            cells[-1] += f"\n{first}"
            cells += others
        return cells
