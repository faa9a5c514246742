"""Which column of a foreign table means what."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from pipeline.errors import SourceError

__all__ = ["HEADER_ROWS", "META_FIELDS", "ColumnMap", "is_data", "is_said_about", "name_key", "unique_headers"]

#: A caption, a date and groups of columns often stand above the header of a sheet.
HEADER_ROWS = 10
META_FIELDS = ("time", "unit", "channel", "district", "title")
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060\x00"))
_SHOWN = 30
#: What templates put beside a name: *编号, 内容（必填）, 时间：
_MARKS = re.compile(r"^\*+|(?:[*:]|\((?:必填|选填)项?\))+$")
#: 诉求内容 and more, as in 诉求内容及要求; what is no more than a name, and none of what is said about it.
_PART, _WHOLE = 4, 12
_ABOUT = re.compile(
    "[答回]复|反馈|办|处[理置]|类|分|级|标签|字数|附件|链接|时间|批示|意见|评价|整改|措施|核[查实]|查[处实]|是否|属实"
)
#: What may follow the name in the longer one: 诉求内容及要求, 反映问题(500字以内); not 反映问题数量.
_MORE = "(?:$|[及和与、/(])"
_DATA = re.compile(r"\s*\d[\d\s.:：/-]*")


def name_key(name: object) -> str:
    """Fold case, width, marks and white space away; names are spread (编 号) or broken to fit a cell."""
    key = "".join(unicodedata.normalize("NFKC", str(name or "").translate(_INVISIBLE)).split()).casefold()
    return _MARKS.sub("", key)


def is_data(cell: object) -> bool:
    """Whether a cell holds a number or a date, as no name of a column does."""
    return _DATA.fullmatch(str(cell)) is not None


def is_said_about(name: object) -> bool:
    """Whether a column holds what is said about a complaint, such as the answer, and not the complaint."""
    return _ABOUT.search(name_key(name)) is not None


def unique_headers(header: Sequence[object]) -> tuple[str, ...]:
    """Return the header cells as given, blank ones named ``列3`` and repeated ones ``内容_2``."""
    names: dict[str, None] = {}
    for position, cell in enumerate(header, 1):
        base = name = str("" if cell is None else cell).replace("\ufeff", "").strip() or f"列{position}"
        number = 2
        while name in names:
            name, number = f"{base}_{number}", number + 1
        names[name] = None
    return tuple(names)


def _filled(row: Sequence[object]) -> int:
    return sum(bool(name_key(cell)) for cell in row)


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Accepted header names for each field, the preferred ones first.

    Names match whatever their case, width (full or half), byte order mark or white space.
    """

    id: tuple[str, ...] = (
        "工单编号", "编号", "受理编号", "留言编号", "诉求编号", "信访编号", "工单号", "案件编号", "单号",
        "id", "ticket_id", "ticketid", "case_id", "doc_id",
    )  # fmt: skip
    title: tuple[str, ...] = (
        "标题", "主题", "留言主题", "留言标题", "诉求标题", "工单标题", "title", "subject",
    )  # fmt: skip
    text: tuple[str, ...] = (
        "内容", "诉求内容", "留言详情", "留言内容", "正文", "反映内容", "投诉内容", "工单内容", "问题描述",
        "信访内容", "受理内容", "来电内容", "诉求描述", "详情", "全文", "文本",
        "text", "content", "detail", "details", "body", "message", "description",
        "诉求详情", "反映问题", "反映的问题", "反映情况", "主要问题", "问题内容", "问题详情", "事件描述", "事件内容",
        "事项内容", "工单描述", "工单详情", "案件描述", "举报内容", "咨询内容", "求助内容", "来信内容", "来件内容",
        "来访内容", "信件内容", "主要内容", "具体内容", "详细内容",
    )  # fmt: skip
    time: tuple[str, ...] = (
        "受理时间", "留言时间", "来电时间", "诉求时间", "登记时间", "创建时间", "提交时间", "发布时间",
        "时间", "日期",
        "time", "created_at", "created", "datetime", "timestamp", "date",
    )  # fmt: skip
    unit: tuple[str, ...] = (
        "承办单位", "办理单位", "主办单位", "责任单位", "处理单位", "承办部门", "处置部门", "单位", "部门",
        "unit", "department", "dept", "agency",
    )  # fmt: skip
    channel: tuple[str, ...] = (
        "渠道", "来源", "诉求渠道", "来电渠道", "受理渠道", "诉求来源", "channel", "source",
    )  # fmt: skip
    district: tuple[str, ...] = (
        "区县", "所属区域", "区域", "所属区县", "行政区", "属地", "事发区域", "district", "region", "area",
    )  # fmt: skip

    def preferring(self, names: Mapping[Any, Sequence[str]]) -> ColumnMap:
        """Return a map that tries ``names`` (field → header names) before its own."""
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        return ColumnMap(**{f: tuple(dict.fromkeys((*names.get(f, ()), *known))) for f, known in own.items()})

    def keys(self) -> frozenset[str]:
        """Return all names as ``name_key`` has them."""
        return frozenset(name_key(name) for field in fields(self) for name in getattr(self, field.name))

    def find(self, header: Sequence[object], *, whole: bool = False) -> dict[str, int]:
        """Return the position of each field that ``header`` names; fields it does not name are absent.

        Unless a ``whole`` name is asked for, the text's may be part of a longer one, beside a number or a title.
        """
        where: dict[str, int] = {}
        for position, cell in enumerate(header):
            where.setdefault(name_key(cell), position)
        where.pop("", None)
        found: dict[str, int] = {}
        for field in fields(self):
            for name in getattr(self, field.name):
                if (position_of := where.get(name_key(name))) is not None:
                    found[field.name] = position_of
                    break
        if not whole and "text" not in found and ("title" in found or "id" in found):
            free = ((key, at) for key, at in where.items() if at not in found.values())
            held = next((at for key, at in free if len(key) <= _WHOLE and self._holds_text(key)), None)
            return found if held is None else {**found, "text": held}
        return found

    def _holds_text(self, key: str) -> bool:
        parts = (name for name in self.text if len(name) >= _PART and not name.isascii())
        return not _ABOUT.search(key) and any(re.search(re.escape(name_key(part)) + _MORE, key) for part in parts)

    def names(self, row: Sequence[object], *, first: bool, over: Sequence[Sequence[object]] = ()) -> bool:
        """Whether ``row``, the ``first`` of a sheet or one below it, names columns of which one holds texts.

        Below the first a number or a date tells a record whose text is just such a word, and so does a row ``over``
        it that is as full, where it says no more than one.
        """
        found = self.find(row)
        if "text" not in found and "title" not in found:
            return False
        alone = not first and len(found) == 1 and 1 < _filled(row) <= max(map(_filled, over), default=0)
        return first or not (alone or any(map(is_data, row)))

    def resolve(self, header: Sequence[object], *, name: str = "") -> Mapping[str, int]:
        """Return the position of each field, or say which headers there are and how to map them.

        Raises
        ------
        SourceError
            ``ZF-SRC-COLUMN`` when neither a text nor a title column is there.
        """
        found = self.find(header)
        if "text" in found or "title" in found:
            return found
        raise self.lacking([header], name=name)

    def lacking(self, rows: Sequence[Sequence[object]], *, name: str = "") -> SourceError:
        """Return what is said of a table among whose first ``rows`` none is a header; it shows the fullest."""
        header = max(rows, key=_filled)
        shown = unique_headers(header)[:_SHOWN]
        return SourceError(
            "ZF-SRC-COLUMN",
            f"{name or '表格'} 里没有可作正文的列。",
            "请把正文列改名为“内容”，或在配置的列名对照里为 text 写上它的列名；"
            f"现在认得的正文列名：{'、'.join(self.text)}；没有正文时可用标题列：{'、'.join(self.title)}。",
            [f"读到的列名：{'、'.join(s[:40] for s in shown) or '（空）'}"],
        )
