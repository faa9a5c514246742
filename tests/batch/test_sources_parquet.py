"""Parquet tables."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batch.reading import refused

from pipeline.batch.sources import open_source
from pipeline.documents import Document, Rejected


def save(path: Path, columns: dict[str, Any]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_records(tmp_path: Path) -> None:
    when = dt.datetime(2024, 1, 2, 3, 4, 5)  # noqa: DTZ001
    path = save(
        tmp_path / "a.parquet",
        {"编号": [1.0, 123456789012345.0, None], "内容": ["甲", "乙\0", None], "受理时间": [when, None, None]},
    )
    first, second, third = open_source(path)
    assert first == Document(
        "1",
        "甲",
        {"time": "2024-01-02 03:04:05"},
        {"编号": 1.0, "内容": "甲", "受理时间": when},
        "a.parquet:1",
    )
    assert (second.id, second.text) == ("123456789012345", "乙\ufffd")
    assert (third.code, third.place) == ("ZF-REC-EMPTY", "a.parquet:3")


def test_bytes_as_text_and_strings_that_are_not_utf8(tmp_path: Path) -> None:
    raw = pa.array(["路灯坏了没人修".encode(), "路灯坏了没人修".encode("gb18030"), b"\xff\xff\x80"], pa.binary())
    strings = pa.StringArray.from_buffers(3, raw.buffers()[1], raw.buffers()[2])
    for name, column in (("a", raw), ("b", strings)):
        items = list(open_source(save(tmp_path / f"{name}.parquet", {"内容": column})))
        assert [i.text for i in items if isinstance(i, Document)] == ["路灯坏了没人修"] * 2
        assert items[2].code == "ZF-REC-ENCODING"


@pytest.mark.parametrize(
    ("number", "kind", "shown"),
    [
        (4_000_000, pa.date32(), "12921-08-18"),
        (-800_000, pa.date32(), "-0221-09-04"),
        (253_402_300_800_000_000, pa.timestamp("us"), "10000-01-01 00:00:00.000000"),
        # The last second of 9999, as "for ever" is often written, is in the year 10000 eight hours to the east.
        (253_402_300_799_000_000, pa.timestamp("us", tz="Asia/Shanghai"), "10000-01-01 07:59:59.000000+0800"),
    ],
)
@pytest.mark.parametrize("column", ["受理时间", "有效期至"])
def test_a_time_beyond_pythons_costs_nothing(
    tmp_path: Path, number: int, kind: pa.DataType, shown: str, column: str
) -> None:
    times = pa.array([0, number, None], pa.int32() if kind == pa.date32() else pa.int64()).cast(kind)
    path = save(tmp_path / "a.parquet", {"编号": ["1", "2", "3"], "内容": ["甲", "乙", "丙"], column: times})
    first, second, third = open_source(path)
    assert [d.row[column] for d in (first, second, third)] == [times[0].as_py(), shown, None]
    assert second.meta == ({"time": shown} if column == "受理时间" else {})


def test_columns_of_text_give_what_other_columns_give(tmp_path: Path) -> None:
    """Whatever is in them, and whether or not one that is no text stands beside them."""
    columns = {
        "编号": ["1", " 2 ", None, "4", "", "6" * 201],
        "标题": ["路灯", None, "", " ", "\u200b", "路灯坏了！"],
        "内容": ["路灯坏了", "乙", None, "", "a", "丙"],
        "单位": [" ", None, "", "城管局", "b", "c"],
    }
    expected = []
    for odd in (None, "乙\0"):
        columns["内容"][1] = odd or "乙"
        plain = list(open_source(save(tmp_path / "a.parquet", columns)))
        mixed = list(open_source(save(tmp_path / "b.parquet", {**columns, "数": list(range(6))})))
        seen = [[(type(r), r.id, getattr(r, "text", ""), getattr(r, "meta", {}), r.place[9:]) for r in some]
                for some in (plain, mixed)]  # fmt: skip
        assert seen[0] == seen[1]
        assert [dict(r.row) for r in plain if isinstance(r, Document)] == [
            {k: v for k, v in r.row.items() if k != "数"} for r in mixed if isinstance(r, Document)
        ]
        expected.append(seen[0][1][2])
    assert expected == ["乙", "乙\ufffd"]
    assert [r.code for r in plain if isinstance(r, Rejected)] == ["ZF-REC-EMPTY", "ZF-REC-EMPTY", "ZF-REC-ID"]


def test_list_of_texts_is_not_a_text(tmp_path: Path) -> None:
    (item,) = open_source(save(tmp_path / "a.parquet", {"内容": [["甲"]]}))
    assert item.code == "ZF-REC-TYPE"


def test_more_than_one_batch_in_order(tmp_path: Path) -> None:
    path = save(tmp_path / "a.parquet", {"id": list(range(1000)), "text": [f"第{i}条" for i in range(1000)]})
    assert [i.id for i in open_source(path)] == [str(i) for i in range(1000)]


def test_no_rows_and_no_text_column(tmp_path: Path) -> None:
    assert list(open_source(save(tmp_path / "a.parquet", {"内容": pa.array([], pa.string())}))) == []
    assert refused(save(tmp_path / "b.parquet", {"说法": ["甲"]})).code == "ZF-SRC-COLUMN"


def test_damaged(tmp_path: Path) -> None:
    path = save(tmp_path / "a.parquet", {"内容": ["甲" * 1000] * 100})
    data = path.read_bytes()
    for bad in (data[:-20], b"PAR1" + b"\0" * 50, b"hello", data[:20] + b"\xff" * 60 + data[80:]):
        assert refused(path, bad).code == "ZF-SRC-DAMAGED"


def test_leaving_early_closes_the_file(tmp_path: Path) -> None:
    items = open_source(save(tmp_path / "a.parquet", {"内容": ["甲"] * 600}))
    next(items)
    items.close()  # type: ignore[attr-defined]
