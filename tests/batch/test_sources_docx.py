"""Word documents."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import pytest
from batch.reading import refused, rewrite

from pipeline.batch.sources import Limits, open_source
from pipeline.documents import Document

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def save(path: Path, *blocks: str | list[list[str]]) -> Path:
    document: Any = docx.Document()
    for block in blocks:
        if isinstance(block, str):
            document.add_paragraph(block)
            continue
        table = document.add_table(len(block), len(block[0]))
        for row, cells in zip(table.rows, block, strict=True):
            for cell, text in zip(row.cells, cells, strict=True):
                cell.text = text
    document.save(path)
    return path


def changed(path: Path, change: Callable[[str], str]) -> Path:
    return rewrite(path, "word/document.xml", lambda part: change(part.decode()).encode())


def texts(path: Path) -> list[str]:
    return [i.text for i in open_source(path) if isinstance(i, Document)]


def test_paragraphs_and_tables_in_order(tmp_path: Path) -> None:
    path = save(tmp_path / "a.docx", "通报", [["单位", "问题"], ["甲局", "拖延"]], "请整改。")
    (document,) = open_source(path)
    assert document.text == "通报\n单位\t问题\n甲局\t拖延\n请整改。"
    assert document.place == "a.docx:1"


TABLE = [["编号", "内容", "承办单位"], ["1", "路灯坏了", "甲局"], ["2", "没人管", "乙局"], ["3", "", "丙局"]]


def test_table_with_columns_gives_one_document_per_row(tmp_path: Path) -> None:
    items = list(open_source(save(tmp_path / "a.docx", "来信汇总", TABLE)))
    assert [(i.id, i.place) for i in items] == [("1", "a.docx:2"), ("2", "a.docx:3"), ("3", "a.docx:4")]
    assert (items[0].text, items[0].meta["unit"]) == ("路灯坏了", "甲局")
    assert not isinstance(items[2], Document)
    assert items[2].code == "ZF-REC-EMPTY"


def test_prose_beside_such_a_table_is_not_lost(tmp_path: Path) -> None:
    path = save(tmp_path / "a.docx", "来信汇总", "经查，群众反映属实。", TABLE, TABLE)
    assert texts(path) == ["路灯坏了", "没人管", "路灯坏了", "没人管", "来信汇总\n经查，群众反映属实。"]
    assert "a.docx!表2:2" in [i.place for i in open_source(path)]


def test_form_is_not_a_table_of_records(tmp_path: Path) -> None:
    form = [["内容", "路灯坏了"], ["承办单位", "甲局"], ["受理时间", "昨天"]]
    assert texts(save(tmp_path / "a.docx", form)) == ["内容\t路灯坏了\n承办单位\t甲局\n受理时间\t昨天"]


def test_header_that_comes_again_on_every_page(tmp_path: Path) -> None:
    again = ["编号", "内容", "承办单位 "]
    items = list(open_source(save(tmp_path / "a.docx", [*TABLE[:2], again, TABLE[2], again, TABLE[3]])))
    assert [(i.id, i.place) for i in items] == [("1", "a.docx:2"), ("2", "a.docx:4"), ("3", "a.docx:6")]
    assert texts(save(tmp_path / "a.docx", [TABLE[0], again])) == ["编号\t内容\t承办单位\n编号\t内容\t承办单位 "]


def test_header_spread_over_its_cells(tmp_path: Path) -> None:
    items = list(open_source(save(tmp_path / "a.docx", [["编 号", "内　容", "承办\n单位"], *TABLE[1:3]])))
    assert [(i.id, getattr(i, "meta", {}).get("unit")) for i in items] == [("1", "甲局"), ("2", "乙局")]


def test_caption_above_the_header(tmp_path: Path) -> None:
    captions = [["来信台账", "", ""], ["甲街道", "", "2026 年 11 月"]]
    path = save(tmp_path / "a.docx", "以下各件尚未办结。", [*captions, *TABLE])
    items = list(open_source(path))
    assert [(i.id, i.place) for i in items[:3]] == [("1", "a.docx:4"), ("2", "a.docx:5"), ("3", "a.docx:6")]
    assert texts(path) == ["路灯坏了", "没人管", "以下各件尚未办结。\n来信台账\n甲街道\t2026 年 11 月"]


@pytest.mark.parametrize(
    "form",
    [
        [["内容", "路灯坏了"], ["处理意见", "转办"]],
        [["编号", "3", "内容", "路灯坏了"], ["处理意见", "转办", "办理人", "张三"]],
        [["姓名", "张三", "时间", "昨天"], ["内容", "路灯坏了", "", ""], ["处理意见", "转办", "", ""]],
    ],
)
def test_form_below_a_caption_is_one_text(tmp_path: Path, form: list[list[str]]) -> None:
    rows = [["来访登记表", *[""] * (len(form[0]) - 1)], *form]
    assert texts(save(tmp_path / "a.docx", rows)) == ["\n".join("\t".join(filter(None, row)) for row in rows)]


def test_merged_and_nested_cells(tmp_path: Path) -> None:
    document: Any = docx.Document()
    table = document.add_table(3, 3)
    for cell, text in zip(table.rows[0].cells, ["编号", "内容", "承办单位"], strict=True):
        cell.text = text
    table.cell(1, 2).merge(table.cell(2, 2)).text = "甲局"
    table.cell(1, 1).text, table.cell(2, 1).text = "路灯", "井盖"
    table.cell(1, 1).add_table(1, 1).cell(0, 0).text = "内嵌"
    document.save(tmp_path / "a.docx")
    items = [i for i in open_source(tmp_path / "a.docx") if isinstance(i, Document)]
    assert [i.meta["unit"] for i in items] == ["甲局", "甲局"]
    assert "内嵌" in items[0].text
    changed(tmp_path / "a.docx", lambda x: x.replace("<w:tcPr>", '<w:tcPr><w:gridSpan w:val="999999999"/>', 1))
    list(open_source(tmp_path / "a.docx"))


def test_content_controls_insertions_breaks_and_deletions(tmp_path: Path) -> None:
    path = save(tmp_path / "a.docx", "占位")
    inner = (
        "<w:sdt><w:sdtContent><w:p><w:r><w:t>控件</w:t></w:r></w:p></w:sdtContent></w:sdt>"
        "<w:p><w:ins><w:r><w:t>插入</w:t><w:tab/><w:t>后</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>删去</w:delText></w:r></w:del><w:r><w:br/><w:t>换行</w:t></w:r></w:p>"
    )
    changed(path, lambda x: x.replace("<w:sectPr", inner + "<w:sectPr", 1))
    assert texts(path) == ["占位\n控件\n插入\t后\n换行"]


def test_without_text(tmp_path: Path) -> None:
    assert refused(save(tmp_path / "a.docx", "", "  ")).code == "ZF-SRC-EMPTY"


def test_header_row_only_is_prose(tmp_path: Path) -> None:
    assert texts(save(tmp_path / "a.docx", [["编号", "内容"]])) == ["编号\t内容"]


def test_entities_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "a.docx", "笑话")
    dtd = '<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;"><!ENTITY x SYSTEM "file:///etc/hostname">]>'
    changed(path, lambda x: x.replace("<w:document", dtd + "<w:document", 1).replace("笑话", "&b;&x;"))
    assert refused(path).code == "ZF-SRC-XML"
    monkeypatch.setattr("pipeline.batch.sources.archive._DTD", ())  # and again by the parser
    assert refused(path).code == "ZF-SRC-DAMAGED"


def test_utf16_entities_are_seen(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.docx", "w") as archive:
        archive.writestr("word/document.xml", '\ufeff<!DOCTYPE d [<!ENTITY a "b">]><d/>'.encode("utf-16-be"))
    assert refused(tmp_path / "a.docx").code == "ZF-SRC-XML"


def test_body_that_would_not_fit_in_memory(tmp_path: Path) -> None:
    path = save(tmp_path / "a.docx", *(f"第 {i} 段" for i in range(50)))
    assert refused(path, limits=Limits(max_xml_bytes=1000)).code == "ZF-SRC-BOMB"


@pytest.mark.parametrize("data", [b"PK\x03\x04", b"x", b"PK\x05\x06" + b"\0" * 18])
def test_damaged(tmp_path: Path, data: bytes) -> None:
    assert refused(tmp_path / "a.docx", data).code == "ZF-SRC-DAMAGED"


def test_no_body(tmp_path: Path) -> None:
    path = changed(save(tmp_path / "a.docx", "x"), lambda _x: f"<w:document {W}/>")
    assert refused(path).code == "ZF-SRC-DAMAGED"
    changed(path, lambda _x: "<" * 5000)
    assert refused(path).code == "ZF-SRC-DAMAGED"
    changed(path, lambda _x: f"<w:document {W}><w:body>{'<w:p>' * 50_000}")
    assert refused(path).code == "ZF-SRC-DAMAGED"


def test_deep_nesting(tmp_path: Path) -> None:
    deep = "<w:sdt>" * 20_000 + "</w:sdt>" * 20_000
    path = changed(save(tmp_path / "a.docx", "x"), lambda _x: f"<w:document {W}><w:body>{deep}</w:body></w:document>")
    assert refused(path).code == "ZF-SRC-DAMAGED"
