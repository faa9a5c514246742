"""Header names: what is accepted, what is said when no text column is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from batch.reading import read

from pipeline.batch.sources import ColumnMap, open_source
from pipeline.batch.sources.columns import unique_headers
from pipeline.documents import Document, Rejected
from pipeline.errors import SourceError


def test_resolve_chinese_defaults() -> None:
    header = ["工单编号", "标题", "内容", "受理时间", "承办单位", "渠道", "所属区域"]
    found = ColumnMap().resolve(header)
    assert found == {"id": 0, "title": 1, "text": 2, "time": 3, "unit": 4, "channel": 5, "district": 6}


@pytest.mark.parametrize(
    "name",
    ["Content", " CONTENT ", "\ufeffcontent", "ｃｏｎｔｅｎｔ", "　内容　", "内容\u200b", "内　容", "诉求 \n内容"],
)
def test_resolve_ignores_case_width_marks_and_space(name: str) -> None:
    assert ColumnMap().resolve([None, name])["text"] == 1


@pytest.mark.parametrize(
    "header",
    [
        ["编号", "标题", "反映问题"],
        ["*编号", "标题：", "内容（必填）"],
        ["编号(选填项)", "**标题", "诉求 内容*"],
        ["编号", "标题", "诉求内容及要求"],
        ["编号", "标题", "市民反映内容"],
    ],
)
def test_column_beside_a_title_that_holds_the_complaint(header: list[str]) -> None:
    assert ColumnMap().resolve(header) == {"id": 0, "title": 1, "text": 2}


@pytest.mark.parametrize(
    "name", ["诉求内容分类", "投诉内容回复", "反映问题类型", "内容", "2026年群众反映问题台账", "content_type"]
)
def test_what_is_said_about_the_complaint_is_not_its_text(name: str) -> None:
    found = ColumnMap().resolve(["编号", "标题", name, "内容（必填）"])
    assert found["text"] == (2 if name == "内容" else 3)
    assert ColumnMap().find(["编号", "标题", name]).get("text") == (2 if name == "内容" else None)


def test_caption_that_holds_a_name_is_no_header(tmp_path: Path) -> None:
    assert [i.id for i in read(tmp_path / "a.csv", "群众反映问题台账,\n编号,反映问题\n1,路灯不亮\n")] == ["1"]


def test_resolve_prefers_the_first_accepted_name() -> None:
    assert ColumnMap().resolve(["text", "内容"])["text"] == 1


def test_resolve_without_text_lists_headers_and_the_way_out() -> None:
    with pytest.raises(SourceError, match=r"ZF-SRC-COLUMN(.|\n)*说法") as caught:
        ColumnMap().resolve(["编号", "说法"], name="a.csv")
    assert "列名对照" in caught.value.hint
    assert "诉求内容" in caught.value.hint


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_own_mapping_makes_the_file_readable(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_text("说法\n路灯不亮\n" if suffix == "csv" else '{"说法": "路灯不亮"}\n', encoding="utf-8")
    with pytest.raises(SourceError, match="没有可作正文的列"):
        list(open_source(path))
    (document,) = open_source(path, columns=ColumnMap(text=("说法",)))
    assert document.text == "路灯不亮"


def test_title_alone_serves_as_text(tmp_path: Path) -> None:
    (document,) = read(tmp_path / "a.csv", "编号,标题\n1,路灯不亮\n")
    assert (document.id, document.text) == ("1", "路灯不亮")


def test_unique_headers_keep_every_column() -> None:
    assert unique_headers(["\ufeff内容", "内容", None, "列3"]) == ("内容", "内容_2", "列3", "列3_2")


@pytest.mark.parametrize("odd", ["", '9,"坏,x\n'])  # read line by line from here on
@pytest.mark.parametrize("other", ["工单编号,标题,内容", "标题,编号,内容", "编号,标题,诉求内容"])
def test_table_pasted_below_one_of_other_columns_is_said(tmp_path: Path, other: str, odd: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"编号,内容,单位\n{odd}1,路灯,甲局\n{other}\n2,井盖,没人管\n", encoding="utf-8")
    items = open_source(path)
    assert [next(items).id for _ in range(1 + bool(odd))][-1] == "1"
    with pytest.raises(SourceError, match=f"第 {3 + bool(odd)} 行起是另一张表") as caught:
        next(items)
    assert caught.value.code == "ZF-SRC-COLUMN"


def test_header_by_other_names_of_the_same_columns_is_no_record(tmp_path: Path) -> None:
    items = read(tmp_path / "a.csv", "编号,内容,备注\n1,路灯,\n工单编号,诉求内容,单位\n2,井盖,甲局\n")
    assert [i.id for i in items] == ["1", "2"]


@pytest.mark.parametrize("row", ["编号,标题不对,甲局", "甲,内容,单位", "2,标题,编号", "来信,标题,内容"])
def test_row_of_words_below_a_header_is_a_record(tmp_path: Path, row: str) -> None:
    items = read(tmp_path / "a.csv", f"编号,内容,单位\n1,路灯,甲局\n{row}\n3,井盖,乙局\n")
    assert [i.id for i in items] == ["1", row.split(",")[0], "3"]


TOTALS = [
    "合计,,2,",
    "合 计：,,,",
    ",,2件,总计",
    ",小计,2,甲局",
    "2,,合计,",
    "２,,本页小计：,",
    ',,"共计：1,024 件",',
    "共 2 件,,,",
]


@pytest.mark.parametrize("total", TOTALS)
@pytest.mark.parametrize("odd", ["", '9,,"坏,x\n'])  # read line by line from here on
def test_total_below_a_table_is_no_document(tmp_path: Path, total: str, odd: str) -> None:
    items = read(tmp_path / "a.csv", f"编号,标题,内容,单位\n{odd}1,路灯,坏了,甲局\n{total}\n2,,没人管,\n")
    assert [i.id for i in items if not odd or isinstance(i, Document)] == ["1", "2"]


@pytest.mark.parametrize(
    "row", ["3,,合计金额不对,", "3,,2,甲局", "20261129001,,合计,", ",,本月共计三次没人来,", "3,合计,少算了,"]
)
def test_complaint_about_a_total_is_a_document(tmp_path: Path, row: str) -> None:
    (document,) = read(tmp_path / "a.csv", f"编号,标题,内容,单位\n{row}\n")
    assert isinstance(document, Document)


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_title_is_not_all_of_a_complaint_whose_column_has_another_name(tmp_path: Path, suffix: str) -> None:
    def read(name: str, columns: ColumnMap) -> Document | Rejected:
        row = {"编号": "1", "标题": "路灯", name: "坏了三个月，没人修，打了几次电话"}
        rows = [json.dumps(row, ensure_ascii=False)] if suffix == "jsonl" else [",".join(row), ",".join(row.values())]
        path = tmp_path / f"a.{suffix}"
        path.write_text("\n".join(rows), encoding="utf-8")
        (found,) = open_source(path, columns=columns)
        return found

    lost = read("诉求明细", ColumnMap())
    assert isinstance(lost, Rejected)
    assert (lost.code, lost.id) == ("ZF-REC-COLUMN", "1")
    assert "诉求明细" in lost.reason
    mapped = read("诉求明细", ColumnMap().preferring({"text": ["诉求明细"]}))
    assert isinstance(mapped, Document)
    assert mapped.text.startswith("路灯。坏了三个月")
    answered = read("处理意见", ColumnMap())  # not the citizen's words
    assert isinstance(answered, Document)
    assert answered.text == "路灯"
