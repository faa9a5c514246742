"""Files that change while they are read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.batch.sources import open_source
from pipeline.documents import Document, Rejected
from pipeline.errors import SourceError


def append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def read_while(path: Path, start: str, change: Callable[[], None]) -> list[Document | Rejected]:
    """Read one record, let the file change, read the rest."""
    path.write_text(start, encoding="utf-8")
    items = open_source(path)
    first = next(items)
    change()
    return [first, *items]


CASES = {
    "csv": ("编号,内容\n1,甲\n2,乙", "丙\n3,丁\n"),
    "jsonl": ('{"id": "1", "text": "甲"}\n{"id": "2", "te', 'xt": "乙丙"}\n{"id": "3", "text": "丁"}\n'),
    "txt": ("甲\n---\n乙", "丙\n---\n丁\n"),
}


@pytest.mark.parametrize("suffix", CASES)
def test_half_a_record_is_left_for_the_next_night(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    start, more = CASES[suffix]
    items = read_while(path, start, lambda: append(path, more))
    assert [i.text.strip() for i in items if isinstance(i, Document)] == ["甲"]
    assert not [i for i in items if isinstance(i, Rejected)]
    assert [i.text.strip() for i in open_source(path) if isinstance(i, Document)] == ["甲", "乙丙", "丁"]


def test_last_line_without_end_counts_when_nobody_is_writing(tmp_path: Path) -> None:
    items = read_while(tmp_path / "a.csv", CASES["csv"][0], lambda: None)
    assert [i.id for i in items] == ["1", "2"]


def test_growth_after_a_full_line_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    items = read_while(path, "编号,内容\n1,甲\n2,乙\n", lambda: append(path, "3,丙\n"))
    assert [i.id for i in items] == ["1", "2"]


@pytest.mark.parametrize("half", ['2,"乙\n', '2,"乙\n丙'])
def test_half_a_quoted_record_is_left(tmp_path: Path, half: str) -> None:
    path = tmp_path / "a.csv"
    items = read_while(path, "编号,内容\n1,甲\n" + half, lambda: append(path, '丁"\n'))
    assert [i.id for i in items] == ["1"]
    assert [i.id for i in open_source(path)] == ["1", "2"]


def test_header_still_being_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.batch.sources.lines import Lines

    (tmp_path / "a.csv").write_text("编号,内", encoding="utf-8")
    (tmp_path / "b.csv").write_text("3月汇总\n编号,内", encoding="utf-8")
    (tmp_path / "a.jsonl").write_text('{"te', encoding="utf-8")
    monkeypatch.setattr(Lines, "grown", property(lambda _self: True))
    for name in ("a.csv", "b.csv", "a.jsonl"):
        assert list(open_source(tmp_path / name)) == []


def test_replaced_file_is_read_to_its_own_end(tmp_path: Path) -> None:
    path, other = tmp_path / "a.csv", tmp_path / "b.csv"
    other.write_text("编号,内容\n9,新的\n", encoding="utf-8")
    rows = "".join(f"{i},{'甲' * 1000}\n" for i in range(500))
    items = read_while(path, "编号,内容\n" + rows + "500,尾", lambda: other.replace(path) and None)
    assert [i.id for i in items] == [str(i) for i in range(501)]


def test_truncated_file_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = "".join(f"{i},{'甲' * 1000}\n" for i in range(500))
    with pytest.raises(SourceError, match="ZF-SRC-CHANGED"):
        read_while(path, "编号,内容\n" + rows, lambda: path.write_text("", encoding="utf-8") and None)


def test_closing_the_iterator_closes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("编号,内容\n1,甲\n2,乙\n", encoding="utf-8")
    items = open_source(path)
    next(items)
    items.close()  # type: ignore[attr-defined]
    assert list(items) == []


@pytest.mark.parametrize("suffix", CASES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_copy_that_has_its_length_but_not_yet_its_end_is_left(tmp_path: Path, suffix: str, encoding: str) -> None:
    path, (start, more) = tmp_path / f"a.{suffix}", CASES[suffix]
    whole = (start + more).encode(encoding)
    done = start.encode(encoding)
    path.write_bytes(done + bytes(len(whole) - len(done)))
    found: list[Document | Rejected] = []
    with pytest.raises(SourceError) as caught:
        found.extend(open_source(path))
    assert caught.value.code == "ZF-SRC-CHANGED"
    assert [i.text.strip() for i in found] == ["甲"]
    path.write_bytes(whole)
    assert [i.text.strip() for i in open_source(path) if isinstance(i, Document)] == ["甲", "乙丙", "丁"]


def test_copy_of_which_only_the_length_is_there(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(bytes(600_000))
    with pytest.raises(SourceError) as caught:
        list(open_source(tmp_path / "a.csv"))
    assert caught.value.code == "ZF-SRC-CHANGED"
