"""One row of any table into a document, or the reason why not."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from pipeline.batch.sources.columns import META_FIELDS, ColumnMap, is_said_about, name_key, unique_headers
from pipeline.batch.sources.encoding import decode_line
from pipeline.batch.sources.heading import Heading, above, below
from pipeline.batch.sources.limits import Limits
from pipeline.documents import Document, Rejected, text_hash
from pipeline.errors import SourceError

__all__ = [
    "COUNTS", "MAX_ID", "Table", "as_text", "finish", "is_blank", "is_rounded", "is_total", "join", "mend", "reject",
    "unread", "whole_text",
]  # fmt: skip

#: What the store holds of a document's number.
MAX_ID = 200
_RAW_CHARS = 20_000
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_LOST = re.compile("[\x00\ud800-\udfff]")
_ROUNDED = re.compile(r"[+-]?\d(\.\d+)?E\+\d+", re.IGNORECASE)
_INEXACT = 2.0**53  # from here on a float does not tell a number from the next
_ERROR = re.compile(r"\s*#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NULL!|NUM!|#+)\s*")  # what Excel shows instead of a value
_NAMES = 2  # one cell alone may say 内容 by chance
_NAME_CHARS = 40  # longer cells are no names of columns, which is quickly said
_TITLE_CHARS = 10
_SENTENCES = re.compile("[，。！？；]")
_COUNT = r"共?\d{1,7}(?:[,.]\d+)*[件条宗单%]?"
_TOTAL = re.compile(rf"(?:本[页表周月年])?(?:[合总小共]计|共)[:：]?(?:{_COUNT})?")
_TOTAL_WORD = re.compile(r"(?:本[页表周月年])?[合总小共]计[:：]?")
_COUNTED = re.compile(rf"(?:{_COUNT})?")
#: The text of a total; says quickly of nearly every other that it is none.
COUNTS = re.compile(r"[\s\d合总小共计本页表周月年件条宗单%％.．,，:：。]*")
_STOPS = ("。", "！", "？", "!", "?")


def mend(text: str) -> str:
    """Replace what no database stores, NULs and lone surrogates, by U+FFFD, one for one.

    Surrogate pairs that were encoded one by one (CESU-8, as some Java exports do) become their character.
    """
    if not _LOST.search(text):
        return text
    text = _PAIR.sub(lambda m: m[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)
    return _LOST.sub("\ufffd", text)


def is_blank(text: str) -> bool:
    """Whether there is nothing to read: only white space, control and format characters."""
    if text[:1].isalnum():  # nearly always, and quickly said
        return False
    return not text.strip() or not any(c != "\ufffd" and unicodedata.category(c)[0] not in "CZ" for c in text)


def as_text(value: object) -> str:
    """Return a cell as people see it: 123.0 as ``123`` with all digits, dates in ISO form, nothing as ""."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "TRUE" if value else "FALSE"
        case float() | Decimal():
            if not math.isfinite(value):
                return ""
            return str(int(value)) if value == int(value) else str(value)
        case dt.datetime():
            return value.isoformat(" ")
        case bytes():
            return decode_line(value, "utf-8")[0]
        case list() | dict() | tuple():
            return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _number(value: object) -> str:
    """Return the number of a record; one that was too long for the float it is kept in, as Excel shows it."""
    inexact = isinstance(value, float) and _INEXACT <= abs(value) < math.inf
    return f"{value:.15G}" if inexact else as_text(value)


def _time(value: object) -> object:
    """Return a time; the number of days that Excel counts where a column is not shown as dates, as the date it is.

    From 2000 to 2119: below, days since 1970 are meant, or months.
    """
    if isinstance(value, (int, float)) and 36_526 <= value < 80_000:
        return dt.datetime(1899, 12, 30) + dt.timedelta(seconds=round(value * 86400))  # noqa: DTZ001
    return value


def is_rounded(number: str) -> bool:
    """Whether of the number of a record only the first digits are left, as when Excel took it for a quantity."""
    return "+" in number and _ROUNDED.fullmatch(number) is not None


def _mend_value(value: Any) -> Any:
    match value:
        case str():
            return mend(value)
        case list():
            return [_mend_value(v) for v in value]
        case dict():
            return {mend(str(k)): _mend_value(v) for k, v in value.items()}
    return value


def reject(place: str, code: str, reason: str, *, id: str = "", raw: str = "") -> Rejected:  # noqa: A002
    """Set one record aside; what is kept of it can be stored and is cut to a length people can look at."""
    raw = mend(raw[: _RAW_CHARS + 1])
    if len(raw) > _RAW_CHARS:
        raw = raw[:_RAW_CHARS] + "…"
    return Rejected(place, code, reason, id=mend(id)[:MAX_ID], raw=raw)


def unread(place: str, fault: str, raw: str) -> Rejected:
    """Set a line aside for its ``fault``, as `Line` has it."""
    if fault == "length":
        return reject(place, "ZF-REC-TOO-LONG", "这一行太长，没有读入。", raw=raw)
    return reject(place, "ZF-REC-ENCODING", "编码无法识别（不是 UTF-8，也不是 GB18030）。", raw=raw)


def join(title: str, body: str) -> str:
    """Put the title in front of the body unless the body repeats it; either may be blank."""
    head = title.strip()
    if is_blank(title):
        return body
    if is_blank(body):
        return title
    if body.lstrip().startswith(head):
        return body
    return title + body if head.endswith(_STOPS) else f"{title}。{body}"


def whole_text(name: str, number: int, text: str, row: Mapping[str, Any], limits: Limits) -> Document | Rejected:
    """Make a document of a text that has no columns."""
    return finish(f"{name}:{number}", "", mend(text), {}, row, limits)


def is_total(main: Iterable[object], cells: Iterable[object]) -> bool:
    """Whether a row is the total of those above it: of its ``main`` cells, number and text, none says more."""
    names = [name_key(as_text(cell)) for cell in main]
    return all(_TOTAL.fullmatch(n) or _COUNTED.fullmatch(n) for n in names) and (
        any(map(_TOTAL.fullmatch, names)) or any(_TOTAL_WORD.fullmatch(name_key(as_text(cell))) for cell in cells)
    )


def finish(
    place: str, identity: str, text: str, meta: Mapping[str, str], row: Mapping[str, Any], limits: Limits
) -> Document | Rejected:
    """Make a document of a text and its fields, unless it is blank or too long to be stored."""
    if is_blank(text):
        return reject(place, "ZF-REC-EMPTY", "正文是空的。", id=identity, raw=_dump(row))
    if len(identity) > MAX_ID:
        return reject(place, "ZF-REC-ID", f"编号超过 {MAX_ID} 字，存不下。", id=identity, raw=_dump(row))
    size = len(text) if text.isascii() else len(text) * 4
    if size > limits.max_text_bytes and (size := len(text.encode("utf-8"))) > limits.max_text_bytes:
        reason = f"正文太长：{size:,} 字节，上限 {limits.max_text_bytes:,} 字节。"
        return reject(place, "ZF-REC-TOO-LONG", reason, id=identity, raw=text)
    return Document(identity or f"t-{text_hash(text)[:16]}", text, meta=meta, row=row, place=place)


def _named(heading: Heading) -> tuple[str, ...]:
    return tuple(map(mend, unique_headers(heading.names)))


def _key(cells: Sequence[object], at: int) -> str:
    return name_key(cells[at]) if at < len(cells) else ""


def _is_word(cells: Sequence[object], at: int) -> bool:
    cell = cells[at] if at < len(cells) else None
    return isinstance(cell, str) and len(cell) <= _NAME_CHARS and cell.strip().isalpha()


def _dump(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, default=str)


@dataclass(frozen=True, slots=True)
class Table:
    """A header whose columns are known; turns its rows into documents."""

    name: str
    header: tuple[str, ...]
    where: Mapping[str, int]
    limits: Limits
    columns: ColumnMap
    rows: tuple[Sequence[object], ...]
    known: frozenset[str]

    @classmethod
    def of(
        cls,
        name: str,
        header: Sequence[object],
        columns: ColumnMap,
        limits: Limits,
        *,
        upper: Sequence[object] = (),
    ) -> Table:
        """Resolve ``header``, with what the row above it (``upper``) adds, or raise ``ZF-SRC-COLUMN``."""
        both = above(columns, upper, header) if upper else None
        found = both or Heading(tuple(header), columns.resolve(header, name=name))
        rows = (header, upper) if upper else (header,)
        return cls(name, _named(found), found.where, limits, columns, rows, columns.keys())

    def joined(self, row: Sequence[object]) -> Table | None:
        """Return the table that has ``row``, the first below its header, in its header too; None for a record.

        Raises
        ------
        SourceError
            ``ZF-SRC-COLUMN`` when it is not to be told which part of the text column is the text.
        """
        found = below(self.columns, self.rows[0], row, name=self.name)
        return found and replace(self, header=_named(found), where=found.where, rows=(*self.rows, row))

    def is_header(self, values: Sequence[Any], number: int) -> bool:
        """Whether a row is of the header once more, as on every page or where exports are pasted one under another.

        Raises
        ------
        SourceError
            ``ZF-SRC-COLUMN`` when row ``number`` is a header of other columns: by this one, what follows is misread.
        """
        main = self.where["text" if "text" in self.where else "title"]
        cell = values[main] if main < len(values) else None
        if cell is not None and (not isinstance(cell, str) or len(cell) > _NAME_CHARS):
            return False
        places = (main, *self.where.values())
        for row in self.rows:
            if all(_key(values, at) == _key(row, at) for at in places):
                # The lower row of a header may name only columns that nobody knows.
                every = (_key(values, at) == _key(row, at) for at in range(max(len(values), len(row))))
                return any(_key(values, at) for at in places) or all(every)
        at = self.where.get("id", main)
        if not _is_word(values, at) or _key(values, at) not in self.known:
            return False
        if not self.columns.names(values, first=False):
            return False
        found = self.columns.find(values, whole=True)
        if len(found) < _NAMES or at not in found.values():
            return False
        found = self.columns.find(values)
        if all(found.get(f) == self.where.get(f) for f in ("id", "title", "text")) and all(
            self.where.get(f, place) == place for f, place in found.items()
        ):  # the same columns, some by other names
            return True
        raise SourceError(
            "ZF-SRC-COLUMN",
            f"{self.name} 第 {number} 行起是另一张表，列与上面的不同，没有读取。",
            "请把它另存为一个文件。",
            [f"那一行：{'、'.join(map(as_text, values))[:200]}"],
        )

    def record(self, number: int, values: Sequence[Any]) -> Document | Rejected | None:
        """Return what row ``number`` becomes; ``None`` for a row without any data, and for a total."""
        width = len(self.header)
        names = (*self.header, *(f"列{i}" for i in range(width + 1, len(values) + 1)))
        # Excel writes nothing of the empty cells at a row's end.
        row = {n: _mend_value(v) for n, v in zip_longest(names, values)}
        place = f"{self.name}:{number}"

        def value(field: str) -> Any:
            at = self.where.get(field)
            cell = values[at] if at is not None and at < len(values) else None
            return None if isinstance(cell, str) and _ERROR.fullmatch(cell) else cell

        identity = mend(_number(value("id"))).strip()
        for field in ("text", "title"):
            raw = value(field)
            if isinstance(raw, (list, dict, tuple)):
                return reject(place, "ZF-REC-TYPE", "正文或标题不是文字，而是列表或对象。", id=identity, raw=_dump(row))
            if isinstance(raw, bytes) and not decode_line(raw, "utf-8")[1]:
                reason = "正文或标题的编码无法识别（不是 UTF-8，也不是 GB18030）。"
                return reject(place, "ZF-REC-ENCODING", reason, id=identity, raw=as_text(raw))
        if all(v is None or not as_text(v).strip() for v in values):
            return None
        fields = ((f, value(f)) for f in META_FIELDS)
        meta = {f: t for f, v in fields if (t := mend(as_text(_time(v) if f == "time" else v))).strip()}
        if "text" not in self.where and (name := self._longer(as_text(value("title")), values)):
            reason = (
                f"没有认得的正文列，而“{name}”一列比标题长得多，像是正文。"
                "请在配置的列名对照里为 text 写上这一列的列名，或把它改名为“内容”。"
            )
            return reject(place, "ZF-REC-COLUMN", reason, id=identity, raw=_dump(row))
        text = mend(join(as_text(value("title")), as_text(value("text"))))
        if COUNTS.fullmatch(text) and is_total(map(value, ("id", "title", "text")), values):
            return None
        return finish(place, identity, text, meta, row, self.limits)

    def _longer(self, title: str, values: Sequence[Any]) -> str:
        """Return the name of a column that nobody knows and that holds more than the ``title``; "" for none."""
        known = {*self.where.values()}
        for at, (name, cell) in enumerate(zip(self.header, values, strict=False)):
            if at in known or not isinstance(cell, str) or len(cell.strip()) <= max(len(title), _TITLE_CHARS):
                continue
            if _SENTENCES.search(cell) and not is_said_about(name):
                return name
        return ""
