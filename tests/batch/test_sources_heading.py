"""Headers in two rows, in sheets and in text."""

from __future__ import annotations

import csv
from pathlib import Path

import docx
import pytest
from batch.reading import workbook

from pipeline.batch.sources import ColumnMap, open_source
from pipeline.documents import Document, Rejected
from pipeline.errors import SourceError

Rows = list[list[str]]


def write(path: Path, rows: Rows) -> Path:
    if path.suffix == ".xlsx":
        return workbook(path, [[cell or None for cell in row] for row in rows])
    with path.open("w", encoding="gb18030", newline="") as out:
        csv.writer(out).writerows(rows)
    return path


def word(path: Path, rows: Rows, *merged: tuple[int, int, int, int]) -> Path:
    document = docx.Document()
    table = document.add_table(len(rows), len(rows[0]))
    for row, cells in zip(table.rows, rows, strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    for top, left, bottom, right in merged:
        table.cell(top, left).merge(table.cell(bottom, right)).text = rows[top][left]
    document.save(path)
    return path


@pytest.fixture(params=["csv", "xlsx"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / f"a.{request.param}"


def read(path: Path, rows: Rows) -> list[Document | Rejected]:
    return list(open_source(write(path, rows)))


def seen(path: Path, rows: Rows) -> list[tuple[str, str]]:
    return [(i.id, i.text if isinstance(i, Document) else i.code) for i in read(path, rows)]


@pytest.mark.parametrize(
    "header",
    [
        [["序号", "编号", "诉求内容", "", "承办单位"], ["", "", "标题", "详情", ""]],
        [["序号", "编号", "诉求", "", "承办单位"], ["", "", "标题", "内容", ""]],
        [["序号", "编号", "诉求内容", "诉求内容", "承办单位"], ["序号", "编号", "标题", "详情", "承办单位"]],
        [
            ["3月台账", "", "", "", ""],
            ["序号", "基本信息", "", "", "办理情况"],
            ["", "编号", "标题", "内容", "承办单位"],
        ],
        [["基本信息", "", "反映内容", "", "办理"], ["序号", "编号", "标题", "内容", "单位"]],
        [["序号", "编号", "标题", "诉求内容", "单位"], ["no", "ID", "title", "content", "dept"]],
        [["序号", "编号", "标题", "诉求内容", "单位"], ["no", "ID", "title", "nr", "dw"]],
    ],
)
def test_header_in_two_rows(path: Path, header: Rows) -> None:
    # As printed, with the header on every page.
    items = read(
        path, [*header, ["1", "07", "路灯", "坏了", "甲局"], *header[-2:], ["2", "08", "井盖", "没了", "乙局"]]
    )
    assert [(i.id, getattr(i, "text", i)) for i in items] == [("07", "路灯。坏了"), ("08", "井盖。没了")]
    assert [i.meta["unit"] for i in items if isinstance(i, Document)] == ["甲局", "乙局"]
    assert items[0].place == f"{path.name}:{len(header) + 1}"


def test_caption_with_names_of_its_own_is_none_of_the_header(path: Path) -> None:
    (document,) = read(path, [["渠道", "12345", "单位"], ["编号", "内容", "备注"], ["1", "坏了", "急"]])
    assert (document.meta, document.row) == ({}, {"编号": "1", "内容": "坏了", "备注": "急"})


def test_columns_are_called_by_their_own_names(path: Path) -> None:
    header = [["编号", "诉求内容", "", "备注"], ["", "标题", "详情", ""]]
    (document,) = read(path, [*header, ["1", "路灯", "坏了", "急"]])
    assert document.row == {"编号": "1", "标题": "路灯", "详情": "坏了", "备注": "急"}


def test_what_stands_below_an_answer_is_not_the_complaint(path: Path) -> None:
    header = [["编号", "回复", "", "", "诉求", ""], ["", "时间", "单位", "内容", "标题", "内容"]]
    (document,) = read(path, [*header, ["1", "2026-03-01", "甲局", "已修", "路灯", "坏了"]])
    assert (document.text, document.meta) == ("路灯。坏了", {"unit": "甲局", "title": "路灯"})
    header = [["编号", "诉求内容", "回复", ""], ["", "", "单位", "内容"]]
    assert seen(path, [*header, ["1", "坏了", "甲局", "已修"]]) == [("1", "坏了")]


def test_second_row_of_names_nobody_knows_is_no_record(path: Path) -> None:
    header = [["编号", "内容", "联系人", ""], ["", "", "姓名", "电话"]]
    rows = [*header, ["1", "坏了", "张某", "1"], *header, ["2", "没了", "李某", ""]]
    assert seen(path, rows) == [("1", "坏了"), ("2", "没了")]
    items = list(open_source(word(path.with_suffix(".docx"), rows)))
    assert [(i.place, i.id) for i in items] == [("a.docx:3", "1"), ("a.docx:6", "2")]


def test_text_split_into_unknown_parts_is_refused_until_one_is_mapped(path: Path) -> None:
    rows = [
        ["编号", "诉求内容", "", "回复", ""],
        ["", "类别", "经过", "单位", "内容"],
        ["1", "市政", "坏了", "甲局", "已修"],
    ]
    with pytest.raises(SourceError, match="“诉求内容”下分成“类别、经过”") as caught:
        read(path, rows)
    assert caught.value.code == "ZF-SRC-COLUMN"
    assert "列名对照" in caught.value.hint
    (document,) = open_source(path, columns=ColumnMap().preferring({"text": ("经过",)}))
    assert document.text == "坏了"


@pytest.mark.parametrize(
    "first",
    [
        ["", "路灯坏了。", "急", ""],  # a sentence
        ["", "路灯", "", "急"],  # leaves open what a split column would name
        ["7", "路灯", "急", ""],  # has a number
        ["", "2026-03-01", "3", ""],  # no names
        ["", "路灯", "急", "甲局"],  # stands below a name of its own
    ],
)
def test_first_record_below_a_header_with_an_unnamed_column_stays_one(path: Path, first: list[str]) -> None:
    items = read(path, [["编号", "内容", "", "承办单位"], first, ["8", "井盖", "", "乙局"]])
    assert [getattr(i, "text", i) for i in items] == [first[1], "井盖"]


def test_sheet_that_cannot_be_read_leaves_the_others(tmp_path: Path) -> None:
    split = [["编号", "诉求内容", None], [None, "类别", "经过"], [2, "市政", "坏了"]]
    good, odd = open_source(workbook(tmp_path / "a.xlsx", [["编号", "内容"], ["1", "坏了"]], split))
    assert (good.id, odd.place, odd.code) == ("1", "a.xlsx!S2:1", "ZF-REC-SHEET")
    assert "“诉求内容”下分成“类别、经过”" in odd.reason


@pytest.mark.parametrize("first", ["编号", "序号"])
@pytest.mark.parametrize("names", [["诉求内容", "标题", "详情"], ["诉求", "标题", "内容"]])
def test_merged_header_in_word(tmp_path: Path, first: str, names: list[str]) -> None:
    over, title, text = names
    rows = [[first, over, "", "单位"], ["", title, text, ""], ["1", "路灯", "坏了", "甲"], ["2", "井盖", "没了", "乙"]]
    items = list(open_source(word(tmp_path / "a.docx", rows, (0, 0, 1, 0), (0, 1, 0, 2), (0, 3, 1, 3))))
    assert [(i.place, getattr(i, "text", i)) for i in items] == [("a.docx:3", "路灯。坏了"), ("a.docx:4", "井盖。没了")]
    assert items[0].id == "1" or first == "序号"


def test_text_split_into_unknown_parts_in_word_is_set_aside(tmp_path: Path) -> None:
    rows = [["编号", "诉求内容", ""], ["", "类别", "经过"], ["1", "市政", "坏了"], ["2", "市政", "没了"]]
    (odd,) = open_source(word(tmp_path / "a.docx", rows, (0, 0, 1, 0), (0, 1, 0, 2)))
    assert (odd.place, odd.code) == ("a.docx:1", "ZF-REC-SHEET")
    assert "经过" in odd.reason
    assert "没了" in odd.raw


def test_other_table_below_one_costs_neither_what_stands_above_nor_other_sheets(tmp_path: Path) -> None:
    rows = [["编号", "内容"], ["1", "坏了"], ["标题", "内容"], ["路灯", "没人管"]]
    items = list(open_source(workbook(tmp_path / "a.xlsx", rows, [["编号", "内容"], [2, "没了"]])))
    assert [(i.id, i.place) for i in items if isinstance(i, Document)] == [("1", "a.xlsx:2"), ("2", "a.xlsx!S2:2")]
    assert [(i.place, i.code) for i in items if isinstance(i, Rejected)] == [("a.xlsx:3", "ZF-REC-SHEET")]


LAMP, WATER = "路灯坏了三个月没人修。", "停水三天，街道不管。"


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        # What is said about a complaint is not the complaint.
        ([["编号", "标题", "反映问题是否属实"], ["1", LAMP, "是"]], [("1", LAMP)]),
        ([["编号", "标题", "领导批示主要内容"], ["1", LAMP, "请城管局阅处"]], [("1", LAMP)]),
        ([["编号", "标题", "诉求内容关键词"], ["1", LAMP, "路灯"]], [("1", LAMP)]),
        ([["反映问题编号", "标题"], ["88", LAMP]], [(None, LAMP)]),
        # Codes and kinds below the names take no column its name.
        ([["编号", "诉求内容", "受理时间"], ["文本", "文本", "日期"], ["A1", LAMP, "2026-01-01"]], [("A1", LAMP)]),
        (
            [
                ["工单编号", "问题描述", "备注", "单位"],
                ["id", "description", "content", "dept"],
                ["A1", LAMP, "急", "甲"],
            ],
            [("A1", LAMP)],
        ),
        # The header of another page may call a column that does not matter otherwise.
        (
            [["编号", "内容", "承办单位"], ["1", LAMP, "甲局"], ["编号", "内容", "承办科室"], ["2", WATER, "乙局"]],
            [("1", LAMP), ("2", WATER)],
        ),
        # A first record beside a column without a name is no second row of the header.
        ([["编号", "内容", ""], ["GD1", LAMP, "反映情况"], ["GD2", WATER, "咨询"]], [("GD1", LAMP), ("GD2", WATER)]),
        ([["内容", "", "备注"], ["路灯坏了没人修", "急", ""]], [(None, "路灯坏了没人修")]),
        ([["id", "title", "content", "问题内容"], ["1", "灯", WATER, "公共设施"]], [("1", f"灯。{WATER}")]),
    ],
)
def test_ordinary_tables_keep_their_complaints(path, rows, found):
    assert [(wanted and key, text) for (key, text), (wanted, _) in zip(seen(path, rows), found, strict=True)] == found


def test_a_time_of_receipt_below_a_group_of_handling_stays(path):
    rows = [
        ["基本信息", "", "受理办理情况", ""],
        ["编号", "内容", "受理时间", "承办单位"],
        ["1", LAMP, "2026-01-01", "甲局"],
    ]
    (found,) = read(path, rows)
    assert (found.meta["time"][:10], found.meta["unit"]) == ("2026-01-01", "甲局")


def test_a_record_below_unknown_names_is_no_header(path):
    rows = [["来电人", "诉求类型", "诉求"], ["张三", "反映问题", LAMP], ["李四", "咨询", WATER]]
    with pytest.raises(SourceError, match="ZF-SRC-COLUMN"):
        read(path, rows)


def test_a_form_that_begins_with_the_complaint_is_one_document(tmp_path):
    rows = [["反映问题", WATER], ["诉求", "尽快恢复供水"], ["联系人", "张某"]]
    (found,) = open_source(word(tmp_path / "a.docx", rows))
    assert all(words in found.text for words in (WATER, "尽快恢复供水", "张某"))
