"""Plain text files."""

from __future__ import annotations

from pathlib import Path

import pytest
from batch.reading import codes, read, refused

from pipeline.batch.sources import Limits
from pipeline.documents import Document, text_hash


def test_one_document_per_file_as_given(tmp_path: Path) -> None:
    text = "关于路灯的情况\r\n\r\n  第一条\n"
    assert read(tmp_path / "a.txt", text) == [
        Document("t-" + text_hash(text)[:16], text, {}, {"文件": "a.txt"}, "a.txt:1")
    ]


@pytest.mark.parametrize("delimiter", [",", "\t"])
@pytest.mark.parametrize("caption", ["", "3月台账,,\n\n"])
def test_table_that_was_saved_as_text_is_read_row_by_row(tmp_path: Path, caption: str, delimiter: str) -> None:
    text = f"{caption}编号,标题,内容\n1,路灯,坏了\n2,井盖,没了\n".replace(",", delimiter)
    got = [(i.id, i.text) for i in read(tmp_path / "a.txt", text.encode("utf-16")) if isinstance(i, Document)]
    assert got == [("1", "路灯。坏了"), ("2", "井盖。没了")]


@pytest.mark.parametrize("text", ["标题\t路灯\t编号\t1\n内容\t坏了\n", "标题：路灯\n编号,内容\n", "内容\n路灯，坏了\n"])
def test_form_and_prose_are_one_document(tmp_path: Path, text: str) -> None:
    assert [i.text for i in read(tmp_path / "a.txt", text) if isinstance(i, Document)] == [text]


def test_separators(tmp_path: Path) -> None:
    items = read(tmp_path / "a.txt", "甲\n---\n乙--丙\n------\n\n---\n丁\f戊\n\f\n")
    got = [(i.text, i.place) for i in items if isinstance(i, Document)]
    assert got == [("甲\n", "a.txt:1"), ("乙--丙\n", "a.txt:3"), ("丁", "a.txt:7"), ("戊\n", "a.txt:7")]


@pytest.mark.parametrize("data", ["\n \n", "---\n\n---\n"])
def test_empty_file(tmp_path: Path, data: str) -> None:
    assert refused(tmp_path / "a.txt", data).code == "ZF-SRC-EMPTY"


def test_five_megabytes_are_one_document(tmp_path: Path) -> None:
    (document,) = read(tmp_path / "a.txt", "路灯坏了。\n" * 310_000)
    assert len(document.text.encode()) > 4_900_000


@pytest.mark.parametrize("text", ["好" * 2000, "好\n" * 2000])
def test_too_long_is_rejected_alone(tmp_path: Path, text: str) -> None:
    first, second = codes(read(tmp_path / "a.txt", f"{text}\n---\n好\n", Limits(max_text_bytes=1000)))
    assert (first, second[:2]) == ("ZF-REC-TOO-LONG", "t-")


def test_html_as_text_is_text(tmp_path: Path) -> None:
    assert len(read(tmp_path / "a.txt", "<p>路灯坏了</p>")) == 1
