"""Any labelled file by its look, and any format by its name."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from pipeline.batch.sources import ColumnMap
from pipeline.batch.writeback import CELL
from pipeline.errors import CorpusError
from pipeline.exchange import doccano, label_studio
from pipeline.exchange.labelled import Labelled, Read, from_lines, to_lines
from pipeline.exchange.sheet import from_sheet, to_rows
from pipeline.taxonomy import Taxonomy

__all__ = ["FORMATS", "check_name", "kind_of", "read_file", "read_files", "write_file"]

#: The ending of a file in each format: what `kind_of` reads it by.
_ENDINGS = {"gold": ".jsonl", "label-studio": ".json", "doccano": ".jsonl", "csv": ".csv", "xlsx": ".xlsx"}
FORMATS = tuple(_ENDINGS)
#: What a file is by its suffix; of a .jsonl the first line tells.
_KINDS = {ending: kind for kind, ending in _ENDINGS.items() if ending != ".jsonl"} | {".tsv": "csv"}


def kind_of(path: Path) -> str:
    """Return the format of a file: by its suffix, and a .jsonl by the keys of its first line."""
    suffix = path.suffix.lower()
    if suffix in _KINDS:
        return _KINDS[suffix]
    if suffix != ".jsonl":
        raise CorpusError(
            "ZF-EXCHANGE-SUFFIX", f"不认得带标签的文件 {path.name}", "能读 .jsonl .json .csv .tsv .xlsx。"
        )
    with path.open(encoding="utf-8-sig") as lines:
        first = next((line for line in lines if line.strip()), "{}")
    try:
        record = json.loads(first)
    except ValueError:
        return "gold"
    own = not isinstance(record, dict) or isinstance(record.get("labels"), dict)
    return "gold" if own or not set(record) & {"cats", "label", "labels", "entities"} else "doccano"


def read_file(
    path: Path,
    taxonomy: Taxonomy,
    kind: str = "",
    columns: ColumnMap | None = None,
    *,
    sources: list[dict[str, str]] | None = None,
) -> Read:
    """Read one labelled file, a sheet by ``columns``; raises CorpusError where it cannot be read at all.

    ``sources`` is told of the file, its format and the hash of what was read: a pipe cannot be read twice.
    """
    try:
        kind = kind or kind_of(path)
        raw = path.read_bytes()
        if sources is not None:
            sources.append({"file": path.name, "format": kind, "sha256": hashlib.sha256(raw).hexdigest()})
        if kind in ("csv", "xlsx"):
            return from_sheet(path, taxonomy, columns)
        reader = {"gold": from_lines, "doccano": doccano.from_lines, "label-studio": label_studio.from_tasks}[kind]
        return reader(raw, taxonomy, path.name)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as e:
        raise CorpusError("ZF-EXCHANGE-READ", f"读不了 {path}：{e}", "检查路径和格式，文件须为 UTF-8。") from e


def read_files(
    paths: Sequence[Path],
    taxonomy: Taxonomy,
    kind: str = "",
    columns: ColumnMap | None = None,
    *,
    sources: list[dict[str, str]] | None = None,
) -> Read:
    """Read several files as one; raises CorpusError with every mistake of every file. ``sources`` as in `read_file`."""
    found = [read_file(p, taxonomy, kind, columns, sources=sources) for p in paths]
    wrong = [w for f in found for w in f.wrong]
    if wrong:
        raise CorpusError("ZF-EXCHANGE-INVALID", f"带标签的文件有 {len(wrong)} 处错误", "逐条改正后再运行。", wrong)
    return Read(tuple(i for f in found for i in f.items), (), tuple(p for f in found for p in f.passed))


def check_name(path: Path, kind: str) -> None:
    """Raise CorpusError when ``path`` is not named as a file of the format ``kind``.

    Named otherwise it would be read for something else, or be overwritten by what is written beside it.
    """
    ending = _ENDINGS[kind]
    if path.suffix.lower() != ending:
        what = f"{kind} 写出的是 {ending} 文件，{path.name} 不是这个后缀"
        raise CorpusError("ZF-EXCHANGE-ENDING", what, f"--out 换成以 {ending} 结尾的文件名，或换一个 --to。")


def write_file(path: Path, items: Sequence[Labelled], taxonomy: Taxonomy, kind: str) -> None:
    """Write ``items`` in the format ``kind``; beside Label Studio's tasks goes the configuration of its page."""
    if kind == "csv":
        with path.open("w", encoding="utf-8-sig", newline="") as out:
            csv.writer(out).writerows(to_rows(items, taxonomy))
    elif kind == "xlsx":
        _write_xlsx(path, to_rows(items, taxonomy))
    elif kind == "label-studio":
        path.write_bytes(label_studio.to_tasks(items))
        path.with_suffix(".xml").write_text(label_studio.config(taxonomy), encoding="utf-8")
    else:
        path.write_bytes(doccano.to_lines(items) if kind == "doccano" else to_lines(items))


def _write_xlsx(path: Path, rows: list[list[str]]) -> None:
    from openpyxl import Workbook
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    unfit = [row[0] for row in rows if any(len(v) > CELL or ILLEGAL_CHARACTERS_RE.search(v) for v in row)]
    if unfit:
        # Cut or mended, texts would come back as other texts than were labelled.
        what = f"{len(unfit)} 条放不进 Excel 的格子：有控制字符，或超过 {CELL:,} 字"
        raise CorpusError("ZF-EXCHANGE-CELL", what, "改用 --to csv。", [repr(name) for name in unfit])
    book = Workbook(write_only=True)
    sheet = book.create_sheet("标注")
    for row in rows:
        sheet.append(row)
    book.save(path)
