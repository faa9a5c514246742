"""Plain text files."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.batch.sources import Limits, open_source
from pipeline.documents import Document, Rejected, text_hash
from pipeline.errors import SourceError


def read(path: Path, text: str, limits: Limits | None = None) -> list[Document | Rejected]:
    path.write_text(text, encoding="utf-8", newline="")
    return list(open_source(path, limits=limits or Limits()))


def test_one_document_per_file_as_given(tmp_path: Path) -> None:
    text = "关于路灯的情况\r\n\r\n  第一条\n"
    assert read(tmp_path / "a.txt", text) == [
        Document("t-" + text_hash(text)[:16], text, {}, {"文件": "a.txt"}, "a.txt:1")
    ]


def test_separators(tmp_path: Path) -> None:
    items = read(tmp_path / "a.txt", "甲\n---\n乙--丙\n------\n\n---\n丁\f戊\n\f\n")
    got = [(i.text, i.place) for i in items if isinstance(i, Document)]
    assert got == [("甲\n", "a.txt:1"), ("乙--丙\n", "a.txt:3"), ("丁", "a.txt:7"), ("戊\n", "a.txt:7")]


@pytest.mark.parametrize("data", ["", "\n \n", "---\n\n---\n"])
def test_empty_file(tmp_path: Path, data: str) -> None:
    with pytest.raises(SourceError) as caught:
        read(tmp_path / "a.txt", data)
    assert caught.value.code == "ZF-SRC-EMPTY"


def test_five_megabytes_are_one_document(tmp_path: Path) -> None:
    (document,) = read(tmp_path / "a.txt", "路灯坏了。\n" * 310_000)
    assert isinstance(document, Document)
    assert len(document.text.encode()) > 4_900_000


@pytest.mark.parametrize("text", ["好" * 2000, "好\n" * 2000])
def test_too_long_is_rejected_alone(tmp_path: Path, text: str) -> None:
    first, second = read(tmp_path / "a.txt", f"{text}\n---\n好\n", Limits(max_text_bytes=1000))
    assert isinstance(first, Rejected)
    assert first.code == "ZF-REC-TOO-LONG"
    assert isinstance(second, Document)


def test_html_as_text_is_text(tmp_path: Path) -> None:
    assert len(read(tmp_path / "a.txt", "<p>路灯坏了</p>")) == 1
