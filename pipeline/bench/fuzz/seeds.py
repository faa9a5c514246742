"""Sound inputs to start from: small, and of every shape a reader has a branch for."""

from __future__ import annotations

import datetime as dt
import functools
import io
import json
import re
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Files", "seeds"]

#: An input: file names and what is in them.
Files = dict[str, bytes]

_ROWS = [
    (
        f"n{i}",
        "路灯" if i % 3 else "",
        f"第 {i} 盏坏了，\n没有人管" if i % 5 else f"门口“推来推去”{i}",
        "2026-01-05",
        i * 1.5,
    )
    for i in range(9)
]
_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_HEADS = ("编号", "标题", "内容", "受理时间", "数")

_TAXONOMY = """id = "tiny"
version = "1.0.0"
title = "小"
[[schemes]]
id = "kinds"
name = "类"
kind = "multi"
[[schemes.labels]]
id = "one"
name = "一"
[[schemes.labels]]
id = "two"
name = "二"
"""


@functools.cache
def seeds(kind: str) -> tuple[Files, ...]:
    """Return the sound inputs of a kind: a file each, or the files of a model."""
    if kind == "bundle":
        return (_bundle(),)
    made: list[bytes] = {
        "csv": _csv, "jsonl": _jsonl, "xlsx": _xlsx, "docx": _docx, "parquet": _parquet,
    }[kind]()  # fmt: skip
    return tuple({f"a.{kind}": data} for data in made)


def _csv() -> list[bytes]:
    quoted = "\r\n".join(",".join(f'"{c}"' for c in row) for row in (_HEADS, *_ROWS))
    plain = "\n".join("\t".join(str(c).replace("\n", " ") for c in row) for row in (_HEADS, *_ROWS))
    return [
        quoted.encode(),
        plain.encode("gb18030"),
        quoted.encode("utf-16"),
        b"sep=;\n" + plain.replace("\t", ";").encode(),
    ]


def _jsonl() -> list[bytes]:
    lines = [dict(zip(_HEADS, row, strict=True)) for row in _ROWS]
    odd: list[dict[str, Any]] = [
        {"id": "a", "text": "没人管😀\ud83d", "更多": {"深": [1, None, {"x": True}]}},
        {"id": 7, "content": "拖了半年", "date": None},
    ]
    return [
        "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode(),
        "".join(json.dumps(line) + "\r\n" for line in (*odd, *lines)).encode(),
        "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode("gb18030"),
    ]


def _xlsx() -> list[bytes]:
    import openpyxl

    made = []
    for sheets in (1, 2):
        book = openpyxl.Workbook()
        for number in range(sheets):
            sheet: Any = book.active if not number else book.create_sheet("第二张")
            for row in [("工单汇总",), _HEADS] if number else [_HEADS]:
                sheet.append(row)
            for a, b, c, _, e in _ROWS:
                sheet.append((a, b, c, dt.datetime(2026, 1, 5), e))  # noqa: DTZ001  as cells have it
            sheet.merge_cells("A12:B12")
        made.append(_saved(book))
        book.close()
    return made


def _docx() -> list[bytes]:
    import docx

    made = []
    for table in (False, True):
        document = docx.Document()
        document.add_heading("通报", 1)
        document.add_paragraph("某局以会议落实会议。\t窗口无人。")
        if table:
            grid = document.add_table(0, 3)
            for row in (_HEADS, *_ROWS):
                for cell, text in zip(grid.add_row().cells, row[:3], strict=True):
                    cell.text = text
            grid.cell(1, 1).merge(grid.cell(2, 1))
        made.append(_saved(document))
    return made


def _saved(document: Any) -> bytes:
    """Save an Office document without the time it was made at: a number is to make the same input tomorrow."""
    buffer, settled = io.BytesIO(), io.BytesIO()
    document.save(buffer)
    with zipfile.ZipFile(buffer) as given, zipfile.ZipFile(settled, "w", zipfile.ZIP_DEFLATED) as made:
        for name in given.namelist():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(info, _TIME.sub(b"2026-01-05T00:00:00Z", given.read(name)))
    return settled.getvalue()


def _parquet() -> list[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = dict(zip(_HEADS, map(list, zip(*_ROWS, strict=True)), strict=True))
    plain = pa.table(columns)
    rich = pa.table({
        **columns, "标签": [["a", "b"], None, []] * 3, "时": [dt.datetime(2026, 1, i + 1) for i in range(9)],  # noqa: DTZ001
        "类": pa.array(["甲", "乙", "甲"] * 3).dictionary_encode(), "套": [{"x": 1, "y": None}] * 9,
    })  # fmt: skip
    made = []
    for table, options in ((plain, {"compression": "snappy"}), (rich, {"compression": "zstd"}),
                           (rich, {"compression": "none", "use_dictionary": False, "row_group_size": 4})):  # fmt: skip
        buffer = io.BytesIO()
        pq.write_table(table, buffer, **options)
        made.append(buffer.getvalue())
    return made


def _bundle() -> Files:
    from pipeline.model.bundle import Head, save_bundle
    from pipeline.model.features import Features
    from pipeline.model.weights import Weights
    from pipeline.model.wording import Wording
    from pipeline.taxonomy import parse_taxonomy
    from pipeline.text.concepts import Concept, Lexicon

    taxonomy = parse_taxonomy(_TAXONOMY.encode())
    features = Features(
        char_n=(1, 2), tokens=("推诿", "没人", "管"), alphabet="人没管诿推",
        lexicon=Lexicon([Concept("push", "推诿", ("推来推去", "踢皮球")), Concept("none", "没人管", ("没人管",))]),
        word_keys=np.arange(1, 4), char_keys=np.arange(1, 9), idf=np.ones(11, np.float32),
    )  # fmt: skip
    dice = np.random.default_rng(7)
    heads = 3
    coef = dice.normal(size=(2, 2, features.columns, heads))
    bias = dice.normal(size=(2, 2, heads))
    gate = dice.normal(size=(features.columns, 1))
    about = {"segmenter": "none", "dictionary": "0" * 64, "settings": {"passage_chars": 1000}}
    with tempfile.TemporaryDirectory() as folder:
        path = save_bundle(
            Path(folder), taxonomy=taxonomy, taxonomy_source=_TAXONOMY.encode(), features=features, about=about,
            weights=Weights.rounded(coef[0], bias[0], coef[1], bias[1], gate, np.zeros(1)),
            heads=(Head(1.0, 0.5, 0.3, -1.0, 0.5, 0.2),) * heads, wording=Wording(0.9, 0.1, (1.0, 0.5)),
        )  # fmt: skip
        return {p.name: p.read_bytes() for p in sorted(path.iterdir())}
