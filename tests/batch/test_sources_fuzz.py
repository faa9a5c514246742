"""Whatever the bytes, each reader ends with records or a SourceError."""

from __future__ import annotations

import contextlib
import functools
import io
import zipfile
from pathlib import Path

import docx
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.batch.sources import SUFFIXES, Limits, open_source
from pipeline.documents import Document, Rejected
from pipeline.errors import SourceError

ROWS = [("编号", "标题", "内容"), *((f"n{i}", "路灯", f"第 {i} 盏坏了，\n没有人管") for i in range(12))]
LIMITS = Limits(max_text_bytes=1 << 16, max_unzipped_bytes=1 << 24)


@functools.cache
def seed(suffix: str) -> bytes:
    buffer = io.BytesIO()
    match suffix:
        case ".xlsx":
            book = openpyxl.Workbook()
            for row in ROWS:
                book.active.append(row)
            book.save(buffer)
            book.close()
        case ".docx":
            document = docx.Document()
            table = document.add_table(0, 3)
            for row in ROWS:
                for cell, text in zip(table.add_row().cells, row, strict=True):
                    cell.text = text
            document.save(buffer)
        case ".parquet":
            names, *rows = ROWS
            pq.write_table(pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))), buffer)
        case ".jsonl":
            return b"".join(f'{{"id": "{a}", "text": "{b}"}}\n'.encode() for a, b, _ in ROWS)
        case _:
            return "\n".join(f'{a},{b},"{c}"' for a, b, c in ROWS).encode()
    return buffer.getvalue()


def check(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with contextlib.suppress(SourceError):
        for item in open_source(path, limits=LIMITS):
            assert item.place.startswith("a.")
            assert item.id if isinstance(item, Document) else item.code.startswith("ZF-REC-")
            stored = (item.id, item.text if isinstance(item, Document) else item.raw)
            assert "\0" not in "".join(stored)
            "".join(stored).encode()


EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from(["flip", "cut", "insert", "swap"]), st.binary(min_size=1, max_size=6)),
    min_size=1,
    max_size=5,
)


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(edits=EDITS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_mutated_bytes(tmp_path: Path, suffix: str, edits: list[tuple[float, str, bytes]]) -> None:
    data = seed(suffix)
    for where, kind, extra in edits:
        at = int(where * len(data))
        match kind:
            case "flip":
                data = data[:at] + extra + data[at + len(extra) :]
            case "cut":
                data = data[:at] + data[at + len(extra) * 40 :]
            case "insert":
                data = data[:at] + extra + data[at:]
            case _:
                data = data[at:] + data[:at]
    check(tmp_path / f"a{suffix}", data)


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(data=st.binary(max_size=300))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arbitrary_bytes(tmp_path: Path, suffix: str, data: bytes) -> None:
    check(tmp_path / f"a{suffix}", data)


@pytest.mark.parametrize(
    "part", ["[Content_Types].xml", "xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml"]
)
@given(where=st.floats(0, 1), extra=st.sampled_from([b"<", b'"', b"9", b"</row>", b"\xff", b"&x;", b'r="Z"', b""]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_mutated_xml_inside_a_sound_zip(tmp_path: Path, part: str, where: float, extra: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(seed(".xlsx"))) as archive:
        parts = {i.filename: archive.read(i) for i in archive.infolist()}
    at = int(where * len(parts[part]))
    parts[part] = parts[part][:at] + extra + parts[part][at + 3 :]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    check(tmp_path / "a.xlsx", buffer.getvalue())


def test_seeds_are_sound(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        (tmp_path / f"a{suffix}").write_bytes(seed(suffix))
        items = list(open_source(tmp_path / f"a{suffix}"))
        assert items
        assert not [i for i in items if isinstance(i, Rejected)]
