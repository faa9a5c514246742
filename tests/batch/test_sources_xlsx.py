"""Excel workbooks, honest and not."""

from __future__ import annotations

import datetime as dt
import io
import re
import struct
import zipfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from batch.reading import refused, rewrite, workbook

from pipeline.batch.sources import Limits, open_source
from pipeline.batch.sources.archive import check_archive
from pipeline.documents import Document, Rejected
from pipeline.errors import SourceError

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def share_strings(path: Path) -> Path:
    """Store strings as Excel does, in a part of their own; openpyxl writes them into the sheet."""
    strings: list[bytes] = []

    def move(match: re.Match[bytes]) -> bytes:
        strings.append(match[1])
        return b't="s"><v>%d</v>' % (len(strings) - 1)

    sheet, types = "xl/worksheets/sheet1.xml", "[Content_Types].xml"
    rewrite(path, sheet, lambda x: re.sub(rb't="inlineStr"><is>(.*?)</is>', move, x))
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    part = b'<Override PartName="/xl/sharedStrings.xml" ContentType="%s"/></Types>' % kind
    rewrite(path, types, lambda x: x.replace(b"</Types>", part))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        space = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
        items = b"".join(b"<si>%s</si>" % s for s in strings)
        archive.writestr("xl/sharedStrings.xml", b"<sst %s>%s</sst>" % (space, items))
    return path


def test_cells_as_people_see_them(tmp_path: Path) -> None:
    header = ["工单编号", "标题", "内容", "受理时间", "承办单位"]
    when = dt.datetime(2024, 1, 2, 3, 4, 5)  # noqa: DTZ001
    rows = [
        [123.0, "路灯", "坏了", when, "城管局"],
        [20240101000000001, None, 3.5, None, None],
        ["0007", None, "甲", dt.datetime(2024, 1, 2), True],  # noqa: DTZ001
    ]
    path = workbook(tmp_path / "a.xlsx", [header, *rows])
    # openpyxl writes 16 digits only, Excel and others write them all
    rewrite(path, "xl/worksheets/sheet1.xml", lambda x: x.replace(b"2.0240101e+16", b"20240101000000001"))
    items = list(open_source(path))
    assert [(i.id, i.text) for i in items if isinstance(i, Document)] == [
        ("123", "路灯。坏了"),
        ("20240101000000001", "3.5"),
        ("0007", "甲"),
    ]
    first = items[0]
    assert first.meta == {"time": "2024-01-02 03:04:05", "unit": "城管局", "title": "路灯"}
    assert first.row["受理时间"] == when
    assert [i.place for i in items] == ["a.xlsx:2", "a.xlsx:3", "a.xlsx:4"]


@pytest.mark.parametrize(
    ("cell", "time"),
    [
        (46327, "2026-11-01 00:00:00"),
        (46327.3958333333, "2026-11-01 09:30:00"),
        ("2026年11月1日", "2026年11月1日"),
        (20261101, "20261101"),
        (2026, "2026"),
        (1793000000.0, "1793000000"),
        (True, "TRUE"),
    ],
)
def test_date_that_is_shown_as_a_number_of_days(tmp_path: Path, cell: Any, time: str) -> None:
    (document,) = open_source(workbook(tmp_path / "a.xlsx", [["内容", "受理时间"], ["坏了", cell]]))
    assert document.meta["time"] == time
    assert document.row["受理时间"] == cell


def test_number_of_which_only_the_first_digits_are_left_is_not_made_up(tmp_path: Path) -> None:
    numbers = [202611290000012345, 2026112900000123, 1e300, float("inf")]
    path = workbook(tmp_path / "a.xlsx", [["编号", "内容"], *([n, f"{n}"] for n in numbers)])
    assert [i.id for i in open_source(path)][:3] == ["2.02611290000012E+17", "2026112900000123", "1E+300"]


def test_shared_strings(tmp_path: Path) -> None:
    path = share_strings(workbook(tmp_path / "a.xlsx", [["编号", "内容"], ["1", "甲"], ["2", "乙_x000D_"]]))
    assert [i.text for i in open_source(path) if isinstance(i, Document)] == ["甲", "乙\r"]


def test_caption_above_header_blank_rows_and_places(tmp_path: Path) -> None:
    rows = [["2024 年工单汇总"], [], ["编号", "内容"], [1, "甲"], [], [3, None], [4, "乙", "旁注"]]
    items = list(open_source(workbook(tmp_path / "a.xlsx", rows)))
    assert [(i.place, i.id) for i in items] == [("a.xlsx:4", "1"), ("a.xlsx:6", "3"), ("a.xlsx:7", "4")]
    assert items[1].code == "ZF-REC-EMPTY"
    assert items[2].row["列3"] == "旁注"  # type: ignore[union-attr]


def test_header_that_comes_again_is_no_record(tmp_path: Path) -> None:
    header = ["编号", "内容", "承办单位"]
    rows = [header, [1, "甲"], ["编号", "内 容", "承办\n单位", None], [2, "内容"]]
    items = list(open_source(workbook(tmp_path / "a.xlsx", rows)))
    assert [(i.place, i.id) for i in items] == [("a.xlsx:2", "1"), ("a.xlsx:4", "2")]


def test_all_sheets_with_a_text_column_are_read(tmp_path: Path) -> None:
    good = [["编号", "内容"], [1, "甲"]]
    path = workbook(tmp_path / "a.xlsx", good, [["说明"], ["x"]], [], good, [["字典"]], hidden=[4])
    items = list(open_source(path))
    assert [i.place for i in items] == ["a.xlsx:2", "a.xlsx!S4:2", "a.xlsx!S2:1"]
    assert (items[-1].code, items[-1].raw) == ("ZF-REC-SHEET", "说明")


def test_header_only_empty_and_without_text_column(tmp_path: Path) -> None:
    assert list(open_source(workbook(tmp_path / "a.xlsx", [["编号", "内容"]]))) == []
    assert refused(workbook(tmp_path / "b.xlsx", [])).code == "ZF-SRC-EMPTY"
    error = refused(workbook(tmp_path / "c.xlsx", [["编号", "说法"], *([i, "x"] for i in range(20))]))
    assert error.code == "ZF-SRC-COLUMN"
    assert "说法" in str(error)
    error = refused(workbook(tmp_path / "e.xlsx", [["3月汇总"], ["编号", "说法"], [1, "正文"], [2, "坏了"]]))
    assert (error.code, error.details) == ("ZF-SRC-COLUMN", ("读到的列名：编号、说法",))


def test_wrong_dimension_does_not_hide_rows(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["编号", "内容"], [1, "甲"], [2, "乙"]])
    rewrite(path, "xl/worksheets/sheet1.xml", lambda x: re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1"', x))
    assert [i.id for i in open_source(path)] == ["1", "2"]


def test_excel_escapes_are_resolved(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["编号", "内容"], [1, "甲_x000D_\n乙_x0000_"]])
    (document,) = open_source(path)
    assert document.text == "甲\r\n乙\ufffd"


def test_openpyxl_warnings_stay_inside(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["编号", "内容", "受理时间"], [1, "甲", dt.date(2024, 1, 2)]])
    rewrite(path, "xl/worksheets/sheet1.xml", lambda x: re.sub(rb"<v>45293</v>", b"<v>99999999999</v>", x))
    (document,) = open_source(path)  # a date out of range, warnings are errors here
    assert isinstance(document, Document)


@pytest.mark.parametrize(
    "data",
    [
        b"<html><table><tr><td>x</td></tr></table></html>",
        b"\xef\xbb\xbf\r\n <!DOCTYPE html>",
        "\ufeff<table>".encode("utf-16-le"),
        b'<?xml version="1.0"?><Workbook/>',
    ],
)
def test_html_in_disguise(tmp_path: Path, data: bytes) -> None:
    error = refused(tmp_path / "a.xlsx", data)
    assert error.code == "ZF-SRC-HTML"
    assert "另存为 .xlsx" in error.hint


@pytest.mark.parametrize("suffix", ["xlsx", "docx"])
def test_encrypted_and_old_formats(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    error = refused(path, OLE + b"\0" * ((1 << 20) - 20) + "EncryptedPackage".encode("utf-16-le"))
    assert error.code == "ZF-SRC-ENCRYPTED"
    assert "密码" in error.message
    error = refused(path, OLE + b"\0" * 2000 + "Workbook".encode("utf-16-le"))
    assert error.code == "ZF-SRC-ENCRYPTED"
    assert f"旧版 .{suffix[:-1]}" in error.message


@pytest.mark.parametrize("data", [b"PK\x03\x04", b"PK\x05\x06" + b"\0" * 18, b"hello", b"PAR1....", b"\0" * 99])
def test_damaged(tmp_path: Path, data: bytes) -> None:
    assert refused(tmp_path / "a.xlsx", data).code == "ZF-SRC-DAMAGED"


def test_cut_short_and_bits_flipped(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["编号", "内容"], *([i, f"第 {i} 条"] for i in range(300))])
    data = path.read_bytes()
    assert refused(path, data[: len(data) // 2]).code == "ZF-SRC-DAMAGED"
    at = data.index(b"xl/worksheets/sheet1.xml") + 200
    assert refused(path, data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]).code == "ZF-SRC-DAMAGED"


def bomb(path: Path, member: str, size: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, b"\0" * size)
    return path


@pytest.mark.parametrize("suffix", ["xlsx", "docx"])
def test_bomb_by_the_directory(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = bomb(tmp_path / f"a.{suffix}", "xl/styles.xml", 3 << 20)
    monkeypatch.setattr("pipeline.batch.sources.archive._unpack", None)  # the directory alone must do
    assert refused(path).code == "ZF-SRC-BOMB"
    assert refused(path, limits=Limits(max_ratio=1e9, max_unzipped_bytes=1 << 20)).code == "ZF-SRC-BOMB"


@pytest.mark.parametrize("limits", [Limits(), Limits(max_ratio=1e9, max_unzipped_bytes=1 << 20)])
def test_bomb_whose_directory_lies(tmp_path: Path, limits: Limits) -> None:
    path = bomb(tmp_path / "a.xlsx", "xl/styles.xml", 3 << 20)
    data = path.read_bytes().replace(struct.pack("<L", 3 << 20), struct.pack("<L", 1000))
    path.write_bytes(data)
    with zipfile.ZipFile(path) as archive:
        assert archive.infolist()[0].file_size == 1000
    assert refused(path, limits=limits).code == "ZF-SRC-BOMB"


@pytest.mark.parametrize(
    ("part", "rows", "bomb"),
    [
        ("xl/worksheets/sheet1.xml", b'<row r="1">%s</row>', True),
        ("xl/worksheets/sheet1.bin", b'<x:row r="1">%s</x:row>', True),
        ("xl/sharedStrings.xml", b"<si>%s</si>", True),
        ("xl/calcChain.xml", b"%s", False),
    ],
)
def test_a_row_of_more_cells_than_any_program_writes(tmp_path: Path, part: str, rows: bytes, bomb: bool) -> None:
    def look(*cells: int) -> None:
        with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(part, b"<x>" + b"".join(rows % (b"<c/>" * n) for n in cells) + b"</x>")
        with (tmp_path / "a.xlsx").open("rb") as file:
            check_archive(tmp_path / "a.xlsx", file, Limits(max_ratio=1e9))

    look(*[16_384] * 80)
    with pytest.raises(SourceError, match="ZF-SRC-BOMB") if bomb else nullcontext():
        look(1_300_000)


def test_compression_that_cannot_be_bounded(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("xl/workbook.xml", b"\0" * 1000)
    assert refused(tmp_path / "a.xlsx").code == "ZF-SRC-DAMAGED"


def test_password_inside_the_zip(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["内容"], ["甲"]])
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    assert refused(path, bytes(data)).code == "ZF-SRC-ENCRYPTED"


def test_rows_beyond_excel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.batch.sources.xlsx._MAX_ROW", 5000)
    path = workbook(tmp_path / "a.xlsx", [["内容"], ["甲"]])
    rewrite(path, "xl/worksheets/sheet1.xml", lambda x: x.replace(b'<row r="2"', b'<row r="999999999999"'))
    assert refused(path).code == "ZF-SRC-DAMAGED"


LAUGHS = b'<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize("part", ["xl/sharedStrings.xml", "xl/worksheets/sheet1.xml", "xl/workbook.xml"])
def test_entities_are_refused_before_parsing(tmp_path: Path, part: str) -> None:
    path = share_strings(workbook(tmp_path / "a.xlsx", [["内容"], ["甲"]]))
    rewrite(path, part, lambda x: LAUGHS + x[x.find(b"?>") + 2 if x.startswith(b"<?xml") else 0 :])
    assert refused(path).code == "ZF-SRC-XML"


def test_openpyxl_itself_refuses_entities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert openpyxl.DEFUSEDXML  # or every sheet is parsed by the plain standard library
    monkeypatch.setattr("pipeline.batch.sources.archive._DTD", ())
    for part in ("xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"):
        path = share_strings(workbook(tmp_path / "a.xlsx", [["内容"], ["甲"]]))
        rewrite(path, part, lambda x: LAUGHS + x)
        assert "EntitiesForbidden" in str(refused(path))


def test_workbook_handle_is_closed(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["内容"], *([f"甲{i}"] for i in range(200))])
    items = open_source(path)
    next(items)
    items.close()  # type: ignore[attr-defined]


def test_too_long_and_unusual_cells(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["编号", "内容"], [1, "甲" * 500], [2, "😡"], [3, "\u202eמ"]])
    items = list(open_source(path, limits=Limits(max_text_bytes=1000)))
    assert [type(i) for i in items] == [Rejected, Document, Document]
    assert items[0].code == "ZF-REC-TOO-LONG"  # type: ignore[union-attr]


def test_not_a_workbook_inside(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "x")
    assert refused(tmp_path / "a.xlsx", buffer.getvalue()).code == "ZF-SRC-DAMAGED"


@pytest.mark.parametrize(("row", "readable"), [("1048576", True), ("99999999999", False)])
def test_a_far_row_number_costs_no_work_per_row(tmp_path, monkeypatch, row, readable):
    """One stray number makes a million empty rows, of which none may be looked at as a record."""
    from pipeline.batch.sources.records import Table

    path = workbook(tmp_path / "far.xlsx", [("编号", "内容"), ("1", "路灯坏了"), ("2", "井盖没了")])
    rewrite(path, "xl/worksheets/sheet1.xml", lambda x: re.sub(rb'"([AB]?)3"', rb'"\g<1>%s"' % row.encode(), x))
    looked, record = [], Table.record
    monkeypatch.setattr(Table, "record", lambda self, *a: looked.append(a) or record(self, *a))
    items = open_source(path)
    assert next(items).id == "1"
    if readable:
        assert [(i.id, i.place) for i in items] == [("2", f"far.xlsx:{row}")]
    else:
        with pytest.raises(SourceError, match="ZF-SRC-DAMAGED"):
            next(items)
    assert len(looked) <= 2


def test_a_directory_that_claims_more_than_the_file_holds_takes_no_memory(tmp_path, monkeypatch):
    path = workbook(tmp_path / "a.xlsx", [["编号", "内容"], ["1", "路灯坏了"]])
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 20 : at + 24] = struct.pack("<I", 2**31 - 2**20)
    asked, read = [], zipfile.ZipFile.open
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda self, *a, **o: asked.append(a) or read(self, *a, **o))
    error = refused(path, bytes(data))
    assert (error.code, "超出文件" in str(error), asked) == ("ZF-SRC-DAMAGED", True, [])
