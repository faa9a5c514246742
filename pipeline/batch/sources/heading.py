"""Two rows that name the columns of a table together: 诉求内容 above, split up into 标题 and 详情 below it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise, zip_longest
from typing import NamedTuple

from pipeline.batch.sources.columns import ColumnMap, is_data, name_key
from pipeline.errors import SourceError

__all__ = ["Heading", "above", "below", "is_name"]

_NAME_CHARS = 15
_PROSE = re.compile("[。！？；，,!?;]")
_RECEIVED = re.compile("受理|来电|诉求|留言|登记")
_ANSWER = re.compile("[答回]复|反馈|办|处[理置]")


class Heading(NamedTuple):
    """What two rows call each column, and where the known fields stand."""

    names: tuple[object, ...]
    where: Mapping[str, int]


class _Pair:
    """Two rows cell by cell. ``own`` are the names that the lower one adds, ``spans`` what a name above reaches over.

    A lower cell that says what stands above it adds none: merged cells come repeated from Word and from some exports.
    """

    def __init__(self, columns: ColumnMap, upper: Sequence[object], lower: Sequence[object]) -> None:
        self._columns, self._cells = columns, list(zip_longest(upper, lower))
        keys = [(name_key(up), name_key(low)) for up, low in self._cells]
        last = max((at for at, cells in enumerate(keys) if any(cells)), default=0)
        starts = list[int]()
        for at, (key, _) in enumerate(keys):
            if not at or at > last or (key and key != keys[starts[-1]][0]):
                starts.append(at)
        self.spans = [range(*ends) for ends in pairwise([*starts, len(keys)]) for _ in range(*ends)]
        self.over = [keys[span.start][0] for span in self.spans]
        self.own = [low if low != up else "" for up, low in keys]
        self._added = [low if own else None for own, (_, low) in zip(self.own, self._cells, strict=True)]

    def heading(self) -> Heading:
        """Return the names; a full one (诉求 and 内容) goes before half of it.

        Of what stands below 回复 or 办理情况 the unit is also the complaint's, and a time that says so (受理时间).
        """
        names, full, half, answer = ([] for _ in range(4))
        for (up, low), over, own in zip(self._cells, self.over, self.own, strict=True):
            answers = own and _ANSWER.search(over)
            names.append(low if own else up)
            full.append(over + own if own else up)
            half.append(None if answers else names[-1])
            answer.append(low if answers else None)
        find = self._columns.find
        unit = {field: at for field, at in find(answer).items() if field == "unit"}
        if (at := find(answer).get("time")) is not None and _RECEIVED.search(self.own[at]):
            unit["time"] = at
        return Heading(tuple(names), {**unit, **find(half), **find(full, whole=True)})

    def is_header(self) -> bool:
        """Whether the lower row names columns too, and is not the first record."""
        if any(map(is_data, self._added)):
            return False
        found = self._columns.find(self._added)
        main = found.get("text", found.get("title"))
        if main is not None and (len(found) > 1 or not (self.own[0] or name_key(self._cells[main][0]))):
            return True
        # Names nobody knows: they fill up what is open above, and nothing stands below the others, such as 编号.
        split = {at for span in self.spans if len(span) > 1 and any(self.own[i] for i in span) for at in span}
        return (
            bool(split)
            and split == {at for at, own in enumerate(self.own) if own}
            and bool(self.over[0])
            and 0 not in split
            and all(is_name(cell) for cell in self._added if cell is not None)
        )

    def split_text(self) -> range | None:
        """Return the columns into which the lower row splits the text column of the upper one."""
        at = self._columns.find([up for up, _ in self._cells]).get("text")
        return self.spans[at] if at is not None and self.own[at] and len(self.spans[at]) > 1 else None


def is_name(cell: object) -> bool:
    """Whether a cell is short and plain enough to be the name of a column."""
    return isinstance(cell, str) and len(name_key(cell)) <= _NAME_CHARS and not _PROSE.search(cell)


def above(columns: ColumnMap, upper: Sequence[object], header: Sequence[object]) -> Heading | None:
    """Return the heading of ``header`` and the row over it; None when that is a caption, which names nothing."""
    if any(map(is_data, upper)):
        return None
    alone, both = columns.find(header), _Pair(columns, upper, header).heading()
    return both if both.where != alone and alone.keys() - both.where.keys() <= {"time"} else None


def below(columns: ColumnMap, header: Sequence[object], lower: Sequence[object], *, name: str) -> Heading | None:
    """Return the heading of ``header`` and the row under it; None when that is a record.

    Raises
    ------
    SourceError
        ``ZF-SRC-COLUMN`` when the text column is split up and none of its parts is known to hold the text.
    """
    pair = _Pair(columns, header, lower)
    if not pair.is_header():
        return None
    (names, found), alone, text = pair.heading(), columns.find(header), pair.split_text()
    if text and found.get("text") not in text:
        shown = "、".join(str(names[at]) for at in text)
        raise SourceError(
            "ZF-SRC-COLUMN",
            f"{name} 的表头有两行，“{header[text.start]}”下分成“{shown}”，认不出哪一列是正文。",
            "请在配置的列名对照里为 text 写上那一列的列名，或把表头改成一行、正文列叫“内容”。",
        )
    # A second row of codes (gdbh, nr) or of kinds (文本, 日期) takes no column its name.
    found = {**found, **{field: at for field, at in alone.items() if len(pair.spans[at]) == 1}}
    return Heading(names if found != alone else tuple(header), found)
