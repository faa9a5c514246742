"""CSV and TSV."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from batch.reading import codes, read, refused
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.batch.sources import Limits
from pipeline.batch.sources.csv_cells import CellParser, State
from pipeline.documents import Document, Rejected, text_hash

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_document_carries_text_meta_row_and_place(tmp_path: Path) -> None:
    header = "工单编号,标题,内容,受理时间,承办单位,渠道,区县,备注\n"
    (document,) = read(tmp_path / "a.csv", header + "0012, 路灯 , 坏了 ,2024-01-02,城管局,热线,鼓楼,x\n")
    assert document == Document(
        id="0012",
        text=" 路灯 。 坏了 ",
        meta={"time": "2024-01-02", "unit": "城管局", "channel": "热线", "district": "鼓楼",
              "title": " 路灯 "},
        row={
            "工单编号": "0012", "标题": " 路灯 ", "内容": " 坏了 ", "受理时间": "2024-01-02",
            "承办单位": "城管局", "渠道": "热线", "区县": "鼓楼", "备注": "x",
        },
        place="a.csv:2",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("title", "body", "text"),
    [
        ("路灯", "坏了", "路灯。坏了"),
        ("路灯坏了！", "三个月", "路灯坏了！三个月"),
        ("谁来管?", "三个月", "谁来管?三个月"),
        ("路灯", "路灯坏了", "路灯坏了"),
        ("路灯", "  ", "路灯"),
        ("", "坏了", "坏了"),
    ],
)
def test_title_joins_body(tmp_path: Path, title: str, body: str, text: str) -> None:
    (document,) = read(tmp_path / "a.csv", f"标题,内容\n{title},{body}\n")
    assert document.text == text
    assert document.id == "t-" + text_hash(text)[:16]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_delimiter_is_told_from_the_header(tmp_path: Path, delimiter: str, suffix: str) -> None:
    text = "编号,内容\n1,坏了\n".replace(",", delimiter)
    (document,) = read(tmp_path / f"a.{suffix}", text)
    assert (document.id, document.text) == ("1", "坏了")


def test_excel_sep_line_and_leading_blank_lines(tmp_path: Path) -> None:
    (document,) = read(tmp_path / "a.csv", "sep=;\n\n编号;内容\n1;坏了,真的\n")
    assert (document.text, document.place) == ("坏了,真的", "a.csv:4")


@pytest.mark.parametrize("data", ["\n\n", "\ufeff", ",,\n"])
def test_empty_file(tmp_path: Path, data: str) -> None:
    assert refused(tmp_path / "a.csv", data).code == "ZF-SRC-EMPTY"


@pytest.mark.parametrize("data", ["编号,内容\n", "编号,内容", "编号,内容\r\n\r\n,,\n"])
def test_header_only_yields_nothing(tmp_path: Path, data: str) -> None:
    assert read(tmp_path / "a.csv", data) == []


@pytest.mark.parametrize(
    ("above", "row"),
    [
        ("2026年3月热线工单汇总,,\n", 3),
        ("2026年3月热线工单汇总\n", 3),
        ('"3月热线工单,\n汇总",,\n\n制表：甲局,,2026-03-31\n', 5),
        ('来"源"：甲局，乙局;丙局\n基本信息,,处理\n', 4),
    ],
)
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_caption_above_header(tmp_path: Path, above: str, row: int, delimiter: str) -> None:
    text = above + "编号,内容,备注\n1,坏了,\n2,脏,\n".replace(",", delimiter)
    items = read(tmp_path / "a.csv", text)
    assert [(i.id, i.place) for i in items] == [("1", f"a.csv:{row}"), ("2", f"a.csv:{row + 1}")]


@pytest.mark.parametrize("row", ["1,正文", "2026-03-01 08:00,正文", '1,"没有闭合', "１,标题"])
def test_record_below_unknown_names_is_no_header(tmp_path: Path, row: str) -> None:
    error = refused(tmp_path / "a.csv", f"3月汇总\n编号,说法\n{row}\n2,坏了\n")
    assert (error.code, "编号、说法" in str(error)) == ("ZF-SRC-COLUMN", True)


@pytest.mark.parametrize("again", ["编号,标题,内容", '\ufeff编号, 标题 ,"内 容"', "编号,标题,内容,,"])
@pytest.mark.parametrize("odd", ["", '9,"坏,x\n'])  # read line by line from here on
def test_header_that_comes_again_is_no_record(tmp_path: Path, again: str, odd: str) -> None:
    items = read(tmp_path / "a.csv", f"编号,标题,内容\n1,路灯,坏了\n{odd}{again}\n2,,内容\n3,编号,内容\n")
    assert [i.id for i in items if isinstance(i, Document)] == ["1", "2", "3"]
    assert items[-1].place == f"a.csv:{5 + bool(odd)}"


@pytest.mark.parametrize("error", ["#N/A", " #REF! ", "#NAME?", "########"])
@pytest.mark.parametrize("odd", ["", '9,,"坏,x\n'])  # read line by line from here on
def test_errors_of_excel_are_no_words(tmp_path: Path, error: str, odd: str) -> None:
    rows = f"1,,{error}\n{error},,坏了\n3,{error},没人管\n4,路灯,{error}\n5,,3#楼 #N/A\n"
    items = [i for i in read(tmp_path / "a.csv", f"编号,标题,内容\n{odd}{rows}") if i.id != "9" and i.id]
    assert codes(items) == ["ZF-REC-EMPTY", "t-" + text_hash("坏了")[:16], "3", "4", "5"]
    assert [i.text for i in items if isinstance(i, Document)] == ["坏了", "没人管", "路灯", "3#楼 #N/A"]


def test_empty_texts_are_rejected_with_their_id(tmp_path: Path) -> None:
    items = read(tmp_path / "a.csv", "编号,内容\n1,\n2,   \n3,\u200b\u200f\n4,好\n")
    assert codes(items) == ["ZF-REC-EMPTY", "ZF-REC-EMPTY", "ZF-REC-EMPTY", "4"]
    assert [i.id for i in items] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("text", ["差", "😡", "👨‍👩‍👧", "\u202eأين البلدية\u202c", "\u200f差", "1"])
def test_short_emoji_and_rtl_texts_are_documents(tmp_path: Path, text: str) -> None:
    (document,) = read(tmp_path / "a.csv", f"编号,内容\n1,{text}\n")
    assert document.text == text


def test_nul_bytes_survive_with_their_offsets(tmp_path: Path) -> None:
    (document,) = read(tmp_path / "a.csv", "编号,内容,备\0注\n1\0,路\0灯,a\0b\n")
    assert document.text == "路\ufffd灯"
    assert "\0" not in document.id + str(document.row)


def test_five_megabytes_pass_and_nine_do_not(tmp_path: Path) -> None:
    items = read(tmp_path / "a.csv", f"编号,内容\n1,{'路' * 1_750_000}\n2,{'x' * 9_000_000}\n3,好\n")
    assert codes(items) == ["1", "ZF-REC-TOO-LONG", "3"]
    assert len(items[1].raw) < 30_000  # type: ignore[union-attr]


def test_line_beyond_memory_bound_is_rejected_alone(tmp_path: Path) -> None:
    items = read(tmp_path / "a.csv", f"编号,内容\n1,{'x' * 9_000}\n2,好\n", Limits(max_text_bytes=2_000))
    assert codes(items) == ["ZF-REC-TOO-LONG", "2"]


def test_more_cells_than_header(tmp_path: Path) -> None:
    items = read(tmp_path / "a.csv", "编号,内容\n1,坏了,真的\n2,好,,\n3,好\n")
    assert codes(items) == ["ZF-REC-FIELDS", "2", "3"]


def test_quoted_record_over_several_lines_is_one_row(tmp_path: Path) -> None:
    items = read(tmp_path / "a.csv", '编号,内容\n1,"甲\r\n""乙"", 丙\n"\n2,丁\n')
    assert [(i.text, i.place) for i in items if isinstance(i, Document)] == [
        ('甲\r\n"乙", 丙\n', "a.csv:2"),
        ("丁", "a.csv:3"),
    ]


@pytest.mark.parametrize(
    "after",
    [
        '2,好,x\n3,"好",y\n4,好,z\n',  # found out at the next quote
        "2,好,x\n3,好,y\n4,好,z\n",  # found out at the end of the file
        '2,"好",x\n3,"多行\n的",y\n4,好,z\n',
    ],
)
def test_unbalanced_quote_costs_only_its_own_record(tmp_path: Path, after: str) -> None:
    items = read(tmp_path / "a.csv", '编号,内容,备注\n1,"没有闭合,x\n' + after)
    assert codes(items) == ["ZF-REC-QUOTE", "2", "3", "4"]
    assert items[0].place == "a.csv:2"
    assert items[0].raw == '1,"没有闭合,x\n'  # type: ignore[union-attr]


def test_unbalanced_quote_gives_up_after_so_many_lines(tmp_path: Path) -> None:
    rows = "".join(f"{i},好\n" for i in range(50)) + '99,"结尾"\n'
    items = read(tmp_path / "a.csv", '编号,内容\n0,"没有闭合\n' + rows, Limits(max_record_lines=10))
    assert codes(items) == ["ZF-REC-QUOTE", *(str(i) for i in range(50)), "99"]


def test_fragments_of_a_broken_record_are_not_taken_for_documents(tmp_path: Path) -> None:
    items = read(tmp_path / "a.csv", '编号,内容,备注\n7,"第一行\n他说"好"的\n第三行",x\n8,完整,x\n9,短\n')
    assert codes(items)[:2] == ["ZF-REC-QUOTE", "ZF-REC-QUOTE"]
    assert isinstance(items[-2], Document)
    assert items[-2].id == "8"
    assert isinstance(items[-1], Document)  # a short row far from any damage is one


@pytest.mark.parametrize("delimiter", [",", "\t"])
@pytest.mark.parametrize("number", ["7", "信访〔2026〕7号"])
def test_record_cut_by_line_breaks_is_one_when_its_pieces_are_all_it_lacks(
    tmp_path: Path, number: str, delimiter: str
) -> None:
    rows = f"编号,内容,承办单位,时间\n{number},第一行\n\n  他说好\n最后，一行,甲局,2026-12-31\n{number}8,完整,乙局,x\n"
    one, two = read(tmp_path / "a.csv", rows.replace(",", delimiter))
    assert isinstance(one, Document)
    assert (one.id, one.text, one.place) == (number, "第一行\n\n  他说好\n最后，一行", "a.csv:2")
    assert one.meta == {"unit": "甲局", "time": "2026-12-31"}
    assert (two.id, two.place) == (f"{number}8", "a.csv:6")


@pytest.mark.parametrize(
    ("header", "rows", "ids"),
    [
        ("编号,标题,内容", "1,路灯,第一行\n第二行\n2,井盖,好\n", ["1", "ZF-REC-CUT", "2"]),
        ("编号,标题,内容", "1,路灯,第一行\n去了,没人\n2,井盖,好\n", ["1", "ZF-REC-CUT", "2"]),
        ("编号,标题,内容", "1,路灯,第一行\n去了三次都说,没人,不办\n2,井盖,好\n", ["1", "ZF-REC-CUT", "2"]),
        ("编号,标题,内容", "1,路,第一行\n第二行\n去了,没人,不办\n2,井盖,好\n", ["1", "ZF-REC-CUT", "ZF-REC-CUT", "2"]),
        ("编号,内容,单位,时间", "1,好,甲,x\n2,第一行\n第二行,少\n3,好,甲局,x\n", ["1", "2", "ZF-REC-CUT", "3"]),
        ("时间,内容,单位", "2026-01-01,好,甲局\n第二行,没人\n2026-01-02,坏,乙局\n", ["t", "ZF-REC-CUT", "t"]),
        ("内容,编号", "好,1\n第一行\n第二行,2\n", ["1", "ZF-REC-CUT", "2"]),
        ("标题,内容", "路灯,第一行\n第二行\n井盖,好\n", ["t", "ZF-REC-CUT", "t"]),
    ],
)
@pytest.mark.parametrize("odd", ["", '9,"坏,x\n'])  # read line by line from here on
def test_pieces_that_make_no_whole_record_are_set_aside(
    tmp_path: Path, header: str, rows: str, ids: list[str], odd: str
) -> None:
    items = read(tmp_path / "a.csv", f"{header}\n{odd}{rows}")[bool(odd) :]
    assert [code.partition("-")[0] if code[0] == "t" else code for code in codes(items)] == ids
    assert all("没加引号的换行" in i.reason for i in items if isinstance(i, Rejected))


def test_rows_without_their_last_cells_are_records(tmp_path: Path) -> None:
    rows = "1,路灯,坏了\n2,井盖\n补录3,树,倒了\n4,路\n5,好,有,x\nGD-6,好,有\n合计：6件\n"
    items = read(tmp_path / "a.csv", "编号,标题,内容,备注\n" + rows)
    assert codes(items) == ["1", "2", "补录3", "4", "5", "GD-6"]
    remarks = read(tmp_path / "b.csv", "标题,内容,备注\n路灯,坏了,急\n井盖,没了\n树,倒了\n")
    assert [i.text for i in remarks if isinstance(i, Document)] == ["路灯。坏了", "井盖。没了", "树。倒了"]


def test_quotes_inside_bare_cells_are_literal(tmp_path: Path) -> None:
    (document,) = read(tmp_path / "a.csv", '编号,内容\n1,5" 管子和"好"字\n')
    assert document.text == '5" 管子和"好"字'


def test_broken_header_quote(tmp_path: Path) -> None:
    assert "表头引号不配对" in refused(tmp_path / "a.csv", '"编号,内容\n1,好\n').message


def test_file_of_another_kind_under_a_text_suffix(tmp_path: Path) -> None:
    for head in (b"PK\x03\x04rest", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PAR1", b"%PDF-1.7"):
        assert refused(tmp_path / "a.csv", head).code == "ZF-SRC-SUFFIX"


def test_cell_parser_states() -> None:
    assert CellParser(",").feed('a,"b') is State.OPEN
    assert CellParser(",").feed('"a"b,c') is State.BROKEN
    parser = CellParser(",")
    assert parser.feed('"a" ,b,\r\n') is State.DONE
    assert parser.cells == ["a", "b", ""]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


@given(rows=st.lists(st.tuples(CELLS, CELLS), max_size=8), delimiter=st.sampled_from(",\t;|"))
@QUICK
def test_round_trip(tmp_path: Path, rows: list[tuple[str, str]], delimiter: str) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([("编号", "内容"), *((f"n{i}", a + b) for i, (a, b) in enumerate(rows))])
    items = read(tmp_path / "a.csv", buffer.getvalue())
    assert len(items) == len(rows)
    for number, (item, (a, b)) in enumerate(zip(items, rows, strict=True)):
        assert item.place == f"a.csv:{number + 2}"
        assert item.id == f"n{number}"
        if isinstance(item, Document):
            assert item.text == a + b
        else:
            assert item.code == "ZF-REC-EMPTY"


@given(rows=st.lists(st.lists(CELLS, min_size=1, max_size=4), min_size=1, max_size=5))
@example(rows=[["\r"]])
@QUICK
def test_cells_agree_with_the_standard_library(rows: list[list[str]]) -> None:
    buffer = io.StringIO()
    # Ending lines in both characters makes the library quote cells that hold either.
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    got, parser = [], CellParser(",")
    for line in buffer.getvalue().split("\n")[:-1]:
        if parser.feed(line + "\n") is State.DONE:
            got.append(parser.cells)
            parser = CellParser(",")
    assert got == rows
