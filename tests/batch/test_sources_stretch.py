"""Records taken many at once are those that reading line by line gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.batch.sources import Limits, open_source
from pipeline.batch.sources.lines import Lines
from pipeline.batch.sources.stretch import Stretch
from pipeline.documents import Document, Rejected
from pipeline.errors import SourceError

PIECES = (
    ",", ",", '"', '""', '","', "\n", "\r\n", "\r", " ", "\t", ";", "\0", "\ufeff", "\u3000", "\u200b", "\ufffd", "1",
    "路灯坏了", "三个月没人修。", "\U0001f600", '1,题,"坏了"\n', "2,,坏了\r\n", ',,\n', '"3" ,"a\nb", c\n', "\u2028",
    "½",
)  # fmt: skip
#: Not UTF-8: GB18030, surrogates that were encoded as characters, and nothing at all.
ODD = ("路灯坏了".encode("gb18030"), "\ud83d\ude00".encode("utf-8", "surrogatepass"), b"\xff", b"\xe8\xb7")
NOISE = st.one_of(st.sampled_from([p.encode() for p in PIECES]), st.sampled_from(ODD))
CELLS = st.sampled_from(
    ["", " ", "7", "路灯坏了", '他说："坏了"', "第一行\n第二行", "a\0b", "\u200b", '"', ",", "a\r\nb", "\u2028"]
)
ROWS = st.builds(
    lambda cells, mark, pad, end: (mark.join('"' + c.replace('"', '""') + '"' + pad for c in cells) + end).encode(),
    st.lists(CELLS, min_size=1, max_size=4), st.sampled_from(",,,\t"), st.sampled_from(["", "", " "]),
    st.sampled_from(["\n", "\r\n"]),
)  # fmt: skip
BARE = st.builds(
    lambda cells: (",".join(cells) + "\n").encode(),
    st.lists(st.sampled_from(["", " ", "7", "路灯坏了", "a\0b", 'a"b']), min_size=2, max_size=4),
)
BODIES = st.lists(st.one_of(ROWS, BARE, NOISE), max_size=30)
HEADERS = (
    "编号,标题,内容\n", "内容\n", "编号,内容,单位,时间\r\n", "编号\t内容\n", "编号;标题;内容\n", 'sep="\n编号"内容\n',
)  # fmt: skip
MANY = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def rows(path: Path, limits: Limits) -> list[tuple[Document | Rejected, object]]:
    found: list[tuple[Document | Rejected, object]] = []
    try:
        for r in open_source(path, limits=limits):
            found.append((r, getattr(r, "row", None)))  # noqa: PERF401  what came before an error counts
    except SourceError as error:
        return [*found, (Rejected("", error.code, error.message), None)]
    return found


def one_by_one(path: Path, limits: Limits) -> list[tuple[Document | Rejected, object]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stretch, "take", lambda _self: iter(()))
        return rows(path, limits)


@MANY
@given(
    BODIES,
    st.sampled_from(HEADERS),
    st.sampled_from([16, 60, 1 << 18]),
    st.sampled_from([Limits(), Limits(max_record_lines=2), Limits(max_text_bytes=20)]),
)  # fmt: skip
@example([b'1,a,"b\n', b'c\n"\n', b"2,a,b\n"], "编号,标题,内容\n", 1 << 18, Limits(max_record_lines=2))
@example([b'1,"broken,x\n', b"rest\n", b"2,,b\n", b"rest\n"], "编号,标题,内容\n", 1 << 18, Limits())
@example(['1,"他说：""坏了""",b\n'.encode(), b"2,a,b\n"], "编号,标题,内容\n", 1 << 18, Limits())
@example([b'7," ",""\n', b',,"  "\n', b'8,"",""\n'], "编号,标题,内容\n", 1 << 18, Limits())
def test_either_way_the_same(tmp_path: Path, body: list[bytes], header: str, chunk: int, limits: Limits) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(header.encode() + b"0,a,b\n" + b"".join(body))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.batch.sources.lines._CHUNK", chunk)
        assert rows(path, limits) == one_by_one(path, limits)


def test_sound_records_are_taken_at_once_and_go_on_behind_an_odd_one(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "a.csv"
    lines = [f'{i},"路灯坏了，\n第{i}天"\n' for i in range(1000)]
    lines[300] = '300,"没有配对的引号\n'
    path.write_text("编号,内容\n" + "".join(lines), encoding="utf-8")
    one, taken = Stretch.take, []
    monkeypatch.setattr(
        Stretch, "take", lambda self: (taken.append(cells) or (cells, clean) for cells, clean in one(self))
    )
    found = list(open_source(path))
    assert [r.code for r in found if isinstance(r, Rejected)] == ["ZF-REC-QUOTE"]
    assert [r.id for r in found if isinstance(r, Document)] == [str(i) for i in range(1000) if i != 300]
    assert found[-1].place == "a.csv:1001"
    assert len(taken) > 990


def test_lines_keep_their_numbers_when_some_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("一\n二\n三\n四".encode())
    with Lines(path, Limits()) as lines:
        each = iter(lines)
        assert next(each).number == 1
        assert lines.ahead() == "二\n三\n".encode()
        lines.skip(len("二\n".encode()))
        assert [(line.number, line.text) for line in each] == [(3, "三\n"), (4, "四")]


@pytest.mark.parametrize(
    ("data", "limits"),
    [
        ("一\n二\n".encode("utf-16"), Limits()),
        ("路灯坏了\n三个月没有人来修\n".encode("gb18030"), Limits()),
        (b"a\rb\rc", Limits()),
        ("一\n二\n三\n四\n".encode(), Limits(max_text_bytes=2)),
    ],
)
def test_lines_that_must_be_looked_at_one_by_one_are_not_offered(tmp_path: Path, data: bytes, limits: Limits) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    with Lines(path, limits) as lines:
        assert next(iter(lines)).number == 1
        assert lines.ahead() == b""
