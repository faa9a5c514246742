"""The input rows with the scores beside them, as a file that is safe to open in Excel."""

from __future__ import annotations

import csv
import json
import math
import os
import re
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

from pipeline.batch.result_cells import NAMES, column_names, evidence_text, label_names, labels_text
from pipeline.batch.sources.records import as_text
from pipeline.documents import Document, Rejected
from pipeline.errors import ConfigError
from pipeline.taxonomy import Taxonomy
from pipeline.whole import draft_below

__all__ = ["CELL", "WriteBack", "plain_cell", "safe_cell", "write_csv"]

_FORMULA = re.compile(r"^\s*[=+\-@\t\r|%]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
#: Characters a cell of Excel holds.
CELL = 32_767
_ROWS = 1_048_576
_EXACT = 10**15  # Excel keeps 15 digits of a number, and ticket numbers have more


class WriteBack:
    """Collects rows on disk, then writes ``path`` whole: a crash leaves the old file or none.

    Columns of all inputs come first in the order they were seen, then the score columns.
    """

    whole = True

    def __init__(self, path: Path, taxonomy: Taxonomy) -> None:
        if path.suffix.lower() not in (".csv", ".xlsx"):
            raise ConfigError("ZF-WRITEBACK-SUFFIX", f"写回文件 {path.name} 须以 .csv 或 .xlsx 结尾", "换一个文件名。")
        self.path = path
        self._taxonomy = taxonomy
        self._names = label_names(taxonomy)
        self._at = _columns(taxonomy)
        self._columns: dict[str, None] = {}
        self._spool: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115  closed in __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._spool.close()

    def write(
        self,
        records: Sequence[Document | Rejected],
        results: Mapping[str, Mapping[str, Any]],
        notes: Mapping[str, str],
    ) -> None:
        """Add one chunk, in its order."""
        for r in records:
            if isinstance(r, Rejected):
                self.add({"编号": r.id, "位置": r.place, "原文": r.raw}, None, f"{r.code} {r.reason}")
            else:
                result = results.get(r.id)
                self.add(r.row or {"id": r.id, "text": r.text}, result, "" if result else notes.get(r.id, ""))

    def add(self, row: Mapping[str, Any], result: Mapping[str, Any] | None, note: str = "") -> None:
        """Add one input row with its result (as in ``Prediction.to_dict``), or with the reason it has none."""
        written = self._at.values()
        own = {_own(k, row, written): _text(v) for k, v in row.items()}
        self._columns.update(dict.fromkeys(own))
        self._spool.write(json.dumps({**own, **self._scores(result), self._at["note"]: note}, ensure_ascii=True) + "\n")

    def _scores(self, result: Mapping[str, Any] | None) -> dict[str, Any]:
        if result is None:
            return {}
        at, name = self._at, self._names
        return {
            at["problem"]: "是" if result["is_problem"] else "否",
            at["problem_score"]: round(result["problem_score"], 4),
            **{at[s.id]: labels_text(result[s.id], name) for s in self._taxonomy.schemes},
            at["evidence"]: evidence_text(result["evidence"], name),
            at["review"]: "是" if result["review"] else "否",
            at["model"]: result["model"],
            **{at[f"scores.{label}"]: round(result["scores"][s][label], 4) for s, label in self._taxonomy.columns},
        }

    def _finish(self) -> None:
        header = [*self._columns, *self._at.values()]
        self._spool.seek(0)
        rows = ([record.get(c, "") for c in header] for record in map(json.loads, self._spool))
        with draft_below(self.path.parent) as folder:
            draft = folder / self.path.name
            (write_csv if self.path.suffix.lower() == ".csv" else _write_xlsx)(draft, header, rows)
            draft.chmod(0o640)
            os.replace(draft, self.path)  # noqa: PTH105


def safe_cell(value: Any) -> Any:
    """Return a cell no spreadsheet program runs: text that looks like a formula gets a leading apostrophe.

    Numbers stay numbers (OWASP, *CSV Injection*).
    """
    if not isinstance(value, str) or _NUMBER.fullmatch(value) or not _FORMULA.match(value):
        return value
    return "'" + value


def plain_cell(cell: str) -> str:
    """Return a cell without the apostrophe that `safe_cell` gave it."""
    return cell[1:] if cell.startswith("'") and safe_cell(cell[1:]) == cell else cell


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table as Excel opens it, UTF-8 with a mark, and without formulas."""
    with path.open("w", encoding="utf-8-sig", newline="", errors="replace") as out:
        writer = csv.writer(out)
        writer.writerow([safe_cell(h) for h in header])
        writer.writerows([safe_cell(v) for v in row] for row in rows)


def _write_xlsx(path: Path, header: Sequence[str], rows: Iterator[list[Any]]) -> None:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)

    def sheet() -> Any:
        new = book.create_sheet()
        new.freeze_panes = "A2"
        new.append([cell(new, h) for h in header])
        return new

    def cell(at: Any, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        text = ILLEGAL_CHARACTERS_RE.sub("\ufffd", value)
        made = WriteOnlyCell(at, value=text if len(text) <= CELL else text[: CELL - 8] + "…（已截断）")
        made.data_type = "s"
        return made

    current = sheet()
    for number, row in enumerate(rows):
        if number and number % (_ROWS - 1) == 0:
            current = sheet()
        current.append([cell(current, safe_cell(v)) for v in row])
    book.save(path)


def _columns(taxonomy: Taxonomy) -> dict[str, str]:
    """Return what the columns of a result are called, by what they hold, in their order."""
    schemes = column_names({s.id: s.name for s in taxonomy.schemes}, NAMES.values())
    labels = {f"scores.{i}": f"分_{name}" for i, name in column_names(label_names(taxonomy)).items()}
    order = ("problem", "problem_score", *schemes, "evidence", "review", "model", *labels, "note")
    names = NAMES | schemes | labels
    return {field: f"zuofeng_{names[field]}" for field in order}


def _own(column: str, row: Mapping[str, Any], written: Collection[str]) -> str:
    """Return what a column of the ``row`` as it came in is called beside those ``written``."""
    name = column
    while name in written or (name != column and name in row):
        name = f"原_{name}"
    return name


def _text(value: Any) -> Any:
    """Return what the cell holds: a number that Excel keeps to its last digit stays one, what is none is nothing."""
    match value:
        case None:
            return ""
        case int():
            return value if abs(value) < _EXACT else str(value)
        case float():
            return value if math.isfinite(value) else ""
        case bytes() | list() | dict() | tuple():
            return as_text(value)  # as it was read, not as Python writes it
    return str(value)
