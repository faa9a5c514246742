"""JSON lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from batch.reading import codes, read, refused
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.batch.sources.columns import ColumnMap
from pipeline.batch.sources.jsonl import JsonRecords
from pipeline.batch.sources.limits import Limits
from pipeline.batch.sources.lines import Line
from pipeline.documents import Document, Rejected

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def lines(path: Path, *given: str) -> list[Document | Rejected]:
    return read(path, "\n".join(given))


def test_objects_with_different_keys(tmp_path: Path) -> None:
    first, second = lines(tmp_path / "a.jsonl", '{"id": 7, "text": "甲", "x": [1]}', "", '{"编号": "八", "内容": "乙"}')
    assert first == Document("7", "甲", {}, {"id": 7, "text": "甲", "x": [1]}, "a.jsonl:1")
    assert (second.id, second.place) == ("八", "a.jsonl:3")


@pytest.mark.parametrize(
    ("raw", "identity"),
    [("123.0", "123"), ("20240101000000000001", "20240101000000000001"), ('"007"', "007"), ("1.5", "1.5")],
)
def test_ids_keep_their_digits(tmp_path: Path, raw: str, identity: str) -> None:
    (document,) = lines(tmp_path / "a.jsonl", f'{{"id": {raw}, "text": "甲"}}')
    assert document.id == identity


@pytest.mark.parametrize("raw", ["null", '""', '"  "', "NaN"])
def test_missing_id_is_made_of_the_text(tmp_path: Path, raw: str) -> None:
    (document,) = lines(tmp_path / "a.jsonl", f'{{"id": {raw}, "text": "甲"}}')
    assert document.id.startswith("t-")
    assert len(document.id) == 18


@pytest.mark.parametrize(
    "line",
    ['{"text": ', "[1, 2]", '"甲"', "nonsense", '{"text": "甲"} x', "[" * 100_000, '{"text": ' + "9" * 5000 + "}"],
)
def test_lines_that_are_no_objects(tmp_path: Path, line: str) -> None:
    items = lines(tmp_path / "a.jsonl", line, '{"id": 2, "text": "乙"}')
    assert codes(items) == ["ZF-REC-JSON", "2"]
    assert items[0].place == "a.jsonl:1"


def test_texts_that_are_not_text(tmp_path: Path) -> None:
    items = lines(tmp_path / "a.jsonl", '{"id": 1, "text": ["甲"]}', '{"id": 2, "text": 12345}')
    assert codes(items) == ["ZF-REC-TYPE", "2"]
    assert items[1].text == "12345"


def test_lone_surrogates_and_nuls_become_one_mark_each(tmp_path: Path) -> None:
    line = r'{"id": "a\ud800", "text": "路\ud800灯\u0000坏\ud83d\ude00", "k\udfff": ["\ud801"]}'
    (document,) = lines(tmp_path / "a.jsonl", line)
    assert (document.id, document.text) == ("a\ufffd", "路\ufffd灯\ufffd坏\U0001f600")
    json.dumps(document.row, ensure_ascii=False).encode()
    assert list(document.row) == ["id", "text", "k\ufffd"]


def test_raw_control_characters_are_tolerated(tmp_path: Path) -> None:
    (document,) = lines(tmp_path / "a.jsonl", '{"text": "路\t灯\0"}')
    assert document.text == "路\t灯\ufffd"


def test_rejected_raw_can_be_stored(tmp_path: Path) -> None:
    items = lines(tmp_path / "a.jsonl", '{"text": "\0', r'{"id": "\ud800", "text": ""}', '{"text": "甲"}')
    for item in items[:2]:
        assert "\0" not in item.raw
        (item.raw + item.id).encode()


def test_empty_texts(tmp_path: Path) -> None:
    given = ('{"id": 1, "text": ""}', "{}", '{"text": null}', '{"x": "y"}', '{"id": 2, "text": "好"}')
    items = lines(tmp_path / "a.jsonl", *given)
    assert codes(items) == ["ZF-REC-EMPTY"] * 4 + ["2"]


def test_objects_before_the_first_text_keep_their_order(tmp_path: Path) -> None:
    items = lines(tmp_path / "a.jsonl", '{"x": 1}', "oops", '{"text": "甲"}')
    assert [i.place for i in items] == ["a.jsonl:1", "a.jsonl:2", "a.jsonl:3"]


@pytest.mark.parametrize("count", [1, 1500])
def test_no_object_has_a_text(tmp_path: Path, count: int) -> None:
    error = refused(tmp_path / "a.jsonl", '{"说法": "甲"}\n' * count)
    assert (error.code, "说法" in str(error)) == ("ZF-SRC-COLUMN", True)


@pytest.mark.parametrize("data", ["\n \n", "\ufeff\n"])
def test_empty_file(tmp_path: Path, data: str) -> None:
    assert refused(tmp_path / "a.jsonl", data).code == "ZF-SRC-EMPTY"


def test_standard_input_needs_no_file() -> None:
    records = JsonRecords("标准输入", ColumnMap(), Limits())
    (document,) = records.read(iter([Line(1, '{"id": "a", "text": "甲"}\n')]))
    assert document == Document("a", "甲", {}, {"id": "a", "text": "甲"}, "标准输入:1")


@example(texts=["\ud800", "\ud800", "\x80", "a"], ascii_only=False)
@given(texts=st.lists(st.text(st.characters(), max_size=40), min_size=1, max_size=8), ascii_only=st.booleans())
@QUICK
def test_round_trip(tmp_path: Path, texts: list[str], ascii_only: bool) -> None:
    written = [json.dumps({"id": f"n{i}", "text": t}, ensure_ascii=ascii_only) for i, t in enumerate(texts)]
    items = read(tmp_path / "a.jsonl", "\n".join(written).encode("utf-8", "surrogatepass"))
    assert [i.id for i in items] == [f"n{i}" for i in range(len(texts))]
    for item, text in zip(items, texts, strict=True):
        item_text = item.text if isinstance(item, Document) else ""
        if not any("\ud800" <= c <= "\udfff" for c in text):
            assert item_text == text.replace("\0", "\ufffd") or isinstance(item, Rejected)
        assert isinstance(item, Document) or item.code == "ZF-REC-EMPTY"
