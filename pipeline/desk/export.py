"""A filtered queue as a table: masked, safe to open in a spreadsheet, with who took it and when."""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import json
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.utils import timezone

from pipeline.batch.writeback import safe_cell
from pipeline.desk.among import among
from pipeline.desk.queue import ORDERS, Filters, first, reviewers
from pipeline.desk.reading import masked
from pipeline.desk.schemes import decided_ids, label_names, taxonomy
from pipeline.desk.states import KINDS, STATES, Kind, State
from pipeline.desk.tables import Case, Decision, User

__all__ = [
    "ANSWERS", "MOST_ROWS", "extent", "header", "in_words", "last_known", "model_cell", "model_labels", "seal_of",
    "stamp", "table", "to_csv", "to_xlsx",
]  # fmt: skip

MOST_ROWS = 5000
#: A spreadsheet's cell holds 32,767 characters; a longer text is cut and says so.
MOST_CELL = 30_000
FIXED = ("编号", "标题", "原文", "单位", "地区", "渠道", "收到", "状态", "问题分", "模型判定", "人的判定")
ANSWERS = ("判定", "标签", "备注")
_WIDTHS = {"编号": 16, "标题": 24, "原文": 70, "单位": 18, "模型判定": 24, "人的判定": 20, "标签": 30, "备注": 24}
#: How the filters are called in the watermark.
_FILTERS = {
    "state": "状态 ", "label": "标签 ", "unit": "单位 ", "district": "地区 ", "channel": "渠道 ", "whose": "归 ",
    "said": "人怎么说 ", "q": "查找 ", "since": "收到自 ", "until": "至 ",
}  # fmt: skip
CHOICES = (KINDS[Kind.CONFIRM], KINDS[Kind.CORRECT], KINDS[Kind.REJECT], KINDS[Kind.UNSURE])


def header() -> list[str]:
    """Return the column heads; what people fill in comes before the seal."""
    return [*FIXED, *ANSWERS, "校验"]


def extent(rows: int, more: bool) -> str:
    """Return how many cases a table holds, as it and the trail say it."""
    return f"只含前 {rows} 件，还有更多" if more else f"{rows} 件"


def stamp(user: User, filters: Filters, rows: int, more: bool = False) -> str:
    """Return the watermark: who took what, when, and whether there is ``more``."""
    when = timezone.localtime().strftime("%Y-%m-%d %H:%M:%S")
    which = f"{extent(rows, more)}，{in_words(filters)}"
    return f"{user.shown}（{user.username}）于 {when} 导出，{which}。内部材料，不得外传。"


def in_words(filters: Filters) -> str:
    """Return what was filtered by as people read it."""
    people = {str(p.pk): p.shown for p in reviewers()} | {"free": "没人办的", "mine": "自己", "asked": "问自己的"}
    states: dict[str, str] = {"all": "全部"} | {str(k): v for k, v in STATES.items()}
    changed = {"changed": "人改了模型的"}
    names: dict[str, Any] = {"state": states, "label": label_names(), "whose": people, "said": changed}
    given = {name: getattr(filters, name) for name in _FILTERS}
    return "，".join(f"{_FILTERS[n]}{names.get(n, {}).get(value, value)}" for n, value in given.items() if value)


def table(filters: Filters, user: User) -> tuple[list[list[Any]], bool]:
    """Return the rows of the queue for ``filters`` in its order, at most 5,000, personal data masked; and whether there
    are more.
    """
    ids = first(filters, user, MOST_ROWS + 1)
    rows = Case.objects.filter(among(ids[:MOST_ROWS])).order_by(ORDERS[filters.order], "document_id")
    cases = list(rows.select_related("document", "prediction").prefetch_related("labels"))
    last = last_known([c.pk for c in cases])
    return [_row(c, last.get(c.pk, 0)) for c in cases], len(ids) > MOST_ROWS


def last_known(documents: Sequence[int]) -> dict[int, int]:
    """Return the number of the last decision that stands by document: what was taken back is as if never made, so a
    workbook that was saved by mistake can be saved anew.
    """
    rows = Decision.objects.standing().filter(among(documents, "document_id"))
    return dict(rows.order_by("id").values_list("document_id", "id"))


def to_csv(rows: list[list[Any]], mark: str) -> bytes:
    """Return UTF-8 with a byte order mark, every cell safe, the watermark in the first line."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([mark])
    writer.writerow(header())
    writer.writerows([safe_cell(v) for v in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def to_xlsx(rows: list[list[Any]], mark: str) -> bytes:
    """Return a protected workbook: only the answers can be filled in, the decision from a list."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font, PatternFill, Protection
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    book = Workbook()
    sheet: Any = book.active
    sheet.title = "判定"
    sheet.append([_printable(mark)])
    sheet.append(header())
    for row in rows:
        sheet.append([_printable(safe_cell(v)) for v in row])
    first = len(FIXED) + 1
    open_cells = Protection(locked=False)
    fill = PatternFill("solid", fgColor="FFF6D6")
    for cells in sheet.iter_rows(min_row=1, max_row=sheet.max_row):
        for cell in cells:
            # Text that came from outside is text, whatever it begins with.
            if isinstance(cell.value, str):
                cell.data_type = "s"
            cell.alignment = Alignment(vertical="top", wrap_text=cell.row > 1)
            if cell.row > 2 and first <= cell.column < first + len(ANSWERS):
                cell.protection, cell.fill = open_cells, fill
    for cell in sheet[2]:
        cell.font = Font(bold=True)
    _widths(sheet, get_column_letter)
    choice = DataValidation(type="list", formula1=f'"{",".join(CHOICES)}"', allow_blank=True, showErrorMessage=True)
    choice.error = "从列表里选。"
    sheet.add_data_validation(choice)
    choice.add(f"{get_column_letter(first)}3:{get_column_letter(first)}{max(3, len(rows) + 2)}")
    sheet.freeze_panes = "B3"
    sheet.protection.sheet = True
    names = book.create_sheet("可用标签")
    for scheme in taxonomy().schemes:
        for label in scheme.labels:
            # What to write of labels that have one name.
            names.append([scheme.name, label.name, label.definition, label.id])
    names.protection.sheet = True
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def seal_of(key: str, text: str, model: str, text_hash: str, last: int) -> str:
    """Return the seal over what a row showed: its number, its text, the model's labels, the last decision known."""
    shown = json.dumps([key, text, model, text_hash, last], ensure_ascii=False)
    proof = hmac.new(b"row\0" + settings.SECRET_KEY.encode(), shown.encode(), hashlib.sha256).hexdigest()[:32]
    return f"{last}.{text_hash}.{proof}"


def cell_text(text: str) -> str:
    """Return the document's text as its cell holds it."""
    # Workbooks keep line feeds only.
    shown = _printable(safe_cell(masked(text).replace("\r\n", "\n").replace("\r", "\n")))
    return shown if len(shown) <= MOST_CELL else shown[:MOST_CELL] + "……（已截断）"


def model_cell(case: Case) -> str:
    """Return the model's labels as their cell holds them, nothing of what is judged blind."""
    names = label_names()
    return str(_printable(safe_cell("；".join(names[i] for i in ([] if case.unseen else model_labels(case))))))


def model_labels(case: Case) -> list[str]:
    """Return the labels that the model gives, of those that the taxonomy has."""
    names = label_names()
    return [label for label in decided_ids(case.prediction.decided) if label in names]


def _row(case: Case, last: int) -> list[Any]:
    names, document = label_names(), case.document
    # While a second person still has to read it, the first decision is in no table either.
    people = [names[x.label] for x in case.labels.all() if x.by_people and x.label in names]
    text, model = cell_text(document.text), model_cell(case)
    return [
        document.key,
        masked(document.title),
        text,
        document.unit,
        document.district,
        document.channel,
        document.received,
        STATES[State(case.state)],
        "" if case.unseen else round(case.prediction.problem_score, 4),
        model,
        "；".join(people),
        "",
        "",
        "",
        seal_of(document.key, text, model, case.text_hash, last),
    ]


def _printable(value: Any) -> Any:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    return ILLEGAL_CHARACTERS_RE.sub("\ufffd", value) if isinstance(value, str) else value


def _widths(sheet: Any, letter: Any) -> None:
    at = {name: letter(i) for i, name in enumerate(header(), 1)}
    for name, width in _WIDTHS.items():
        sheet.column_dimensions[at[name]].width = width
    sheet.column_dimensions[at["校验"]].hidden = True
