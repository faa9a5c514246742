"""Encodings: detected, mixed, broken."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from batch.reading import read, refused

from pipeline.batch.sources import Limits
from pipeline.batch.sources.encoding import decode_line, detect
from pipeline.batch.sources.lines import Lines
from pipeline.documents import Document

TABLE = "工单编号,内容\n1,小区门口的路灯坏了三个月无人维修\n2,办事大厅让我跑了五趟\n"
TEXTS = ["小区门口的路灯坏了三个月无人维修", "办事大厅让我跑了五趟"]
BOMS = {"utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "gb18030"])
@pytest.mark.parametrize("marked", [False, True])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_detect_encoding(tmp_path: Path, encoding: str, marked: bool, end: str) -> None:
    data = (BOMS.get(encoding, b"") if marked else b"") + TABLE.replace("\n", end).encode(encoding)
    items = read(tmp_path / "a.csv", data)
    assert [i.text for i in items if isinstance(i, Document)] == TEXTS
    assert [i.id for i in items] == ["1", "2"]
    assert list(items[0].row) == ["工单编号", "内容"]  # type: ignore[union-attr]


def test_detect_wide_ascii_and_plain_text_with_nuls() -> None:
    assert detect(b'{"id": 1, "text": "a"}\n'.decode().encode("utf-16-le"))[0] == "utf-16-le"
    assert detect(b"id,text\n1,a\x00b\x00\n2,c\n")[0] == "utf-8"
    assert detect("编号,内容\n1,路\x00灯坏\x00了\n".encode("gb18030"))[0] == "gb18030"


def test_detect_does_not_stumble_over_a_character_cut_by_the_sample() -> None:
    assert detect("汉".encode() * 10 + "汉".encode()[:2])[0] == "utf-8"


def test_mixed_encodings_in_one_file(tmp_path: Path) -> None:
    lines = [f"{i},{TEXTS[i % 2]}\n".encode("gb18030" if i % 3 == 0 else "utf-8") for i in range(30)]
    items = read(tmp_path / "a.csv", "编号,内容\n".encode() + b"".join(lines))
    assert [(i.id, i.text) for i in items if isinstance(i, Document)] == [(str(i), TEXTS[i % 2]) for i in range(30)]


def test_mixed_encodings_in_a_gb18030_file(tmp_path: Path) -> None:
    lines = [f"{i},{TEXTS[i % 2]}\n".encode("utf-8" if i == 7 else "gb18030") for i in range(30)]
    items = read(tmp_path / "a.csv", "编号,内容\n".encode("gb18030") + b"".join(lines))
    assert [i.text for i in items if isinstance(i, Document)] == [TEXTS[i % 2] for i in range(30)]


def test_short_gb18030_words_that_are_valid_utf8() -> None:
    assert decode_line("联通".encode("gb18030"), "gb18030") == ("联通", True)


def test_damaged_utf8_is_set_aside_although_it_is_valid_gb18030(tmp_path: Path) -> None:
    text = "小区门口的路灯坏了三个月无人维修".encode()
    broken = text[:1] + text[3:]  # an odd byte lost, the rest pairs up as GB18030
    assert decode_line(broken, "utf-8")[1] is False
    items = read(tmp_path / "a.csv", "编号,内容\n1,".encode() + broken + "\n2,好\n".encode())
    assert (items[0].code, items[0].place) == ("ZF-REC-ENCODING", "a.csv:2")
    assert "\\x" in items[0].raw
    assert isinstance(items[1], Document)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "txt"])
def test_undecodable_line_is_rejected_alone(tmp_path: Path, suffix: str) -> None:
    good, bad = TEXTS[0].encode(), b"\xff\xff\xfe\x80"
    data = {
        "csv": "编号,内容\n1,".encode() + bad + b"\n2," + good + b"\n",
        "jsonl": b'{"text": "' + bad + b'"}\n{"text": "' + good + b'"}\n',
        "txt": bad + b"\n---\n" + good + b"\n",
    }[suffix]
    first, second = read(tmp_path / f"a.{suffix}", data)
    assert first.code == "ZF-REC-ENCODING"
    assert second.text.strip() == TEXTS[0]


def test_undecodable_line_inside_quotes_costs_only_its_record(tmp_path: Path) -> None:
    data = '编号,内容\n1,"甲\n'.encode() + b"\xff\xff\n" + '乙"\n2,好\n'.encode()
    first, second = read(tmp_path / "a.csv", data)
    assert (first.code, first.place) == ("ZF-REC-ENCODING", "a.csv:2")
    assert isinstance(second, Document)
    assert second.place == "a.csv:3"


def test_unreadable_header_is_a_source_error(tmp_path: Path) -> None:
    assert refused(tmp_path / "a.csv", b"\xff\xff\x80\x81,\xff\n1,2\n").code == "ZF-SRC-ENCODING"


def test_surrogates_encoded_as_characters_are_mended(tmp_path: Path) -> None:
    pair = "\ud83d\ude00".encode("utf-8", "surrogatepass")  # CESU-8
    lone = "\ud800".encode("utf-8", "surrogatepass")
    data = "编号,内容\n1,路灯".encode() + pair + "坏了".encode() + lone + b"\n"
    (document,) = read(tmp_path / "a.csv", data)
    assert document.text == "路灯\U0001f600坏了\ufffd"
    wide = codecs.BOM_UTF16_LE + "编号,内容\n1,路灯\ud800坏了\n".encode("utf-16-le", "surrogatepass")
    (document,) = read(tmp_path / "b.csv", wide)
    assert document.text == "路灯\ufffd坏了"


def test_utf16_cut_in_the_middle_of_a_character(tmp_path: Path) -> None:
    data = codecs.BOM_UTF16_LE + '{"text": "甲"}\n{"text": "乙"}'.encode("utf-16-le")[:-1]
    first, second = read(tmp_path / "a.jsonl", data)
    assert isinstance(first, Document)
    assert second.code == "ZF-REC-ENCODING"


def test_lines_longer_than_the_limit_are_skipped_not_held(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    limits = Limits(max_text_bytes=100_000)
    path.write_bytes(b"a\n" + b"x" * 3_000_000 + b"\nb\n" + b"y" * 600_000)
    with Lines(path, limits) as lines:
        got = [(line.number, len(line.text), line.fault) for line in lines]
    assert got == [(1, 2, ""), (2, 1000, "length"), (3, 2, ""), (4, 1000, "length")]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_line_ends_are_looked_for_in_whole_units(tmp_path: Path, encoding: str) -> None:
    text = "\u0a00\u000a\u4e0a\u0a0a上\u0a4e\u0a00\u0a41\n"  # 0A bytes that are no line ends
    (tmp_path / "a.txt").write_bytes(BOMS[encoding] + text.encode(encoding))
    with Lines(tmp_path / "a.txt", Limits()) as lines:
        assert "".join(line.text for line in lines) == text
