"""Sheets with a column per label, or a column per scheme that lists names; CSV and XLSX in and out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipeline.batch.sources import ColumnMap, open_source
from pipeline.batch.sources.records import as_text
from pipeline.batch.writeback import plain_cell, safe_cell
from pipeline.documents import Rejected
from pipeline.exchange.labelled import FIELDS, Labelled, Read, build, label_ids, to_record
from pipeline.taxonomy import Taxonomy

__all__ = ["from_sheet", "to_rows"]

EVIDENCE = "证据"
_YES = {"1", "1.0", "true", "是", "有", "对", "√", "✓", "y", "yes", "x"}
_NO = {"", "0", "0.0", "false", "否", "无", "×", "n", "no"}
_BETWEEN = re.compile(r"[;；|\n]+")


def from_sheet(path: Path, taxonomy: Taxonomy, columns: ColumnMap | None = None) -> Read:
    """Read a sheet; every scheme needs its column, or one column for each of its labels.

    ``columns`` say which columns are the number and the text.
    """
    items: list[Labelled] = []
    wrong: list[str] = []
    passed: list[str] = []
    for document in open_source(path, columns=columns or ColumnMap()):
        if isinstance(document, Rejected):
            passed.append(f"{document.place} -> {document.reason}")
            continue
        row = {str(k).strip(): v for k, v in document.row.items()}
        names, mistakes = _names(row, taxonomy)
        labels, unknown = label_ids(names, taxonomy)
        record: dict[str, Any] = {k: plain_cell(str(row[k])) for k in FIELDS if row.get(k)}
        record |= {"id": plain_cell(document.id), "text": plain_cell(document.text), "labels": labels}
        try:
            record["evidence"] = json.loads(str(row.get(EVIDENCE) or "[]"))
            if row.get("sure") not in (None, ""):
                record["sure"] = float(str(row["sure"]))
        except ValueError:
            mistakes.append(f"{EVIDENCE} 或 sure 读不懂")
        items += build(record, taxonomy, document.place, wrong, mistakes + unknown)
        if mistakes and mistakes[0].startswith("缺列"):
            break
    return Read(tuple(items), tuple(wrong), tuple(passed))


def to_rows(items: Iterable[Labelled], taxonomy: Taxonomy) -> list[list[str]]:
    """Return the sheet, header first, safe to open in Excel."""
    columns = [label.id for s in taxonomy.schemes for label in s.labels]
    rows = [["id", "text", *FIELDS, "sure", *columns, EVIDENCE]]
    for item in items:
        record = to_record(item)
        has = {label for labels in record["labels"].values() for label in labels}
        rows.append(
            [
                *(safe_cell(str(record.get(k, ""))) for k in ("id", "text", *FIELDS, "sure")),
                *("1" if c in has else "0" for c in columns),
                json.dumps(record["evidence"], ensure_ascii=False) if record["evidence"] else "",
            ]
        )
    return rows


def _names(row: Mapping[str, Any], taxonomy: Taxonomy) -> tuple[list[object], list[str]]:
    names: list[object] = []
    mistakes: list[str] = []
    for s in taxonomy.schemes:
        listed = next((k for k in (s.id, s.name) if k in row), None)
        if listed is not None:
            names += [n.strip() for n in _BETWEEN.split(as_text(row[listed])) if n.strip()]
            continue
        for label in s.labels:
            key = next((k for k in (label.id, label.name) if k in row), None)
            if key is None:
                mistakes.append(f"缺列“{label.name}”（或方案列“{s.name}”）")
                continue
            value = as_text(row[key]).strip().lower()
            if value in _YES:
                names.append(label.id)
            elif value not in _NO:
                mistakes.append(f"“{label.name}”列的 {row[key]!r} 看不出是有还是没有")
    return names, mistakes
