import csv
import math
import zipfile
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from pipeline.batch.sources import open_source
from pipeline.batch.tables.fields import Fields
from pipeline.batch.writeback import WriteBack, safe_cell
from pipeline.errors import ConfigError


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-x", "@SUM(A1)", "\t=1", "  =1", "|x", "%x", "=1.5"])
def test_what_looks_like_a_formula_is_defused(text):
    assert safe_cell(text) == "'" + text


@pytest.mark.parametrize("value", ["-5", "+12.5", "1e5", "没人管", "", 3, -2.5, True])
def test_numbers_and_plain_text_stay(value):
    assert safe_cell(value) == value


@given(st.text(max_size=20))
def test_no_cell_ever_starts_like_a_formula(text):
    cell = safe_cell(text)
    assert cell == text or cell == "'" + text
    assert not (cell.lstrip()[:1] in tuple("=@|%") and cell.lstrip()[:1] != "")


def test_another_suffix_is_refused(tmp_path, taxonomy):
    with pytest.raises(ConfigError, match="ZF-WRITEBACK-SUFFIX"):
        WriteBack(tmp_path / "a.pdf", taxonomy)


def test_a_failed_night_leaves_the_old_file(tmp_path, taxonomy):
    path = tmp_path / "a.csv"
    path.write_text("old", encoding="utf-8")

    def interrupted():
        with WriteBack(path, taxonomy) as back:
            back.add({"a": "1"}, None, "x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]


def test_a_cell_says_what_was_read_not_how_python_writes_it(tmp_path, taxonomy):
    """As Hive and Impala write texts into .parquet, and as lists stand in .jsonl."""
    texts = {"编号": ["甲1"], "内容": ["路灯坏了没人修"]}
    columns = {name: pa.array([t.encode() for t in some], pa.binary()) for name, some in texts.items()}
    pq.write_table(pa.table({**columns, "标签": [["照明", "报修"]]}), tmp_path / "a.parquet")
    with WriteBack(tmp_path / "a.csv", taxonomy) as back:
        back.write([*open_source(tmp_path / "a.parquet")], {}, {})
    (read,) = csv.DictReader((tmp_path / "a.csv").read_text(encoding="utf-8-sig").splitlines())
    assert [read[name] for name in ("编号", "内容", "标签")] == ["甲1", "路灯坏了没人修", '["照明", "报修"]']


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_ticket_numbers_keep_their_digits_and_what_is_no_number_is_empty(tmp_path, taxonomy, suffix):
    row = {"长": 202611280001234567, "负": -1234567890123456, "短": 123456789012345, "无": math.nan, "大": -math.inf}
    path = tmp_path / f"a{suffix}"
    with WriteBack(path, taxonomy) as back:
        back.add(row, None)
    if suffix == ".csv":
        (read,) = csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines())
        assert [read[k] for k in row] == ["202611280001234567", "-1234567890123456", "123456789012345", "", ""]
    else:
        cells = [c.value or "" for c in load_workbook(path).active[2][: len(row)]]
        assert cells == ["202611280001234567", "-1234567890123456", 123456789012345, "", ""]
        # A number without a value is no workbook to Excel.
        assert b"<v></v>" not in zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml")


def test_of_names_that_two_have_each_keeps_its_column(tmp_path, taxonomy):
    one, other = (replace(s, name="问题") for s in taxonomy.schemes)
    other = replace(other, labels=(replace(other.labels[0], name=one.labels[0].name), *other.labels[1:]))
    alike = replace(taxonomy, schemes=(one, other))
    scores = {s.id: {x: n / 100 for n, x in enumerate(s.label_ids, 1)} for s in alike.schemes}
    result = {"problem_score": 0.9, "is_problem": True, "review": False, "model": "m", "evidence": [], "scores": scores}
    for n, s in enumerate(alike.schemes):
        result[s.id] = [{"id": s.label_ids[n]}]
    row = {"zuofeng_问题": "1", "原_zuofeng_问题": "2"}
    with WriteBack(tmp_path / "a.csv", alike) as back:
        back.add(row, result)
    header, values = csv.reader((tmp_path / "a.csv").read_text(encoding="utf-8-sig").splitlines())
    assert len(set(header)) == len(header)
    read = dict(zip(header, values, strict=True))
    assert (read["原_zuofeng_问题"], read["原_原_zuofeng_问题"], read["zuofeng_问题"]) == ("2", "1", "是")
    assert read[f"zuofeng_问题（{one.id}）"] == one.labels[0].name
    assert read[f"zuofeng_问题（{other.id}）"] == other.labels[1].name
    assert [read[f"zuofeng_分_{one.labels[0].name}（{s.labels[0].id}）"] for s in (one, other)] == ["0.01", "0.01"]
    assert read[f"zuofeng_分_{other.labels[1].name}"] == "0.02"
    assert len(set(Fields(alike).default.values())) == len(Fields(alike).default)
