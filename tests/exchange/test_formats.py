"""What goes out and comes back is the same, and what the other tools write is understood."""

import csv
import json
import re
import string
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from pipeline.corpus.gold import Gold, Span
from pipeline.errors import CorpusError
from pipeline.exchange import doccano, label_studio
from pipeline.exchange.files import FORMATS, check_name, kind_of, read_file, read_files, write_file
from pipeline.exchange.labelled import Labelled, from_lines, in_order, to_lines
from pipeline.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy(Path(__file__).parents[2] / "corpora" / "taxonomy.toml")
words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)
texts = st.text(st.sampled_from("路灯坏了没人修，推给街道。\n 𠮷😀👨‍👩‍👧é"), min_size=1, max_size=60).filter(str.strip)


@st.composite
def labelled(draw):
    text = draw(texts)
    chosen = {s.id: tuple(draw(st.sets(st.sampled_from(s.label_ids), max_size=3))) for s in TAXONOMY.schemes}
    named = [label for labels in chosen.values() for label in labels]
    spans = []
    if named:
        for label in draw(st.lists(st.sampled_from(named), max_size=4)):
            start = draw(st.integers(0, len(text) - 1))
            spans.append(Span(start, draw(st.integers(start + 1, len(text))), label))
    key = draw(st.text(string.ascii_letters + "编号-0123", min_size=1, max_size=10))
    gold = Gold(
        id=key, text=text, labels=chosen, group=draw(st.sampled_from(["", "情境一"])) or key,
        part=draw(st.sampled_from(["", "train", "test"])), register=draw(st.sampled_from(["", "petition_letter"])),
        domain=draw(words), pair=draw(st.sampled_from(["", "12"])), evidence=tuple(spans),
    )  # fmt: skip
    return Labelled(
        in_order(gold, TAXONOMY), draw(st.sampled_from(["", "zhang@example.cn"])),
        draw(st.sampled_from(["", "2026-03-01T08:00:00+08:00"])), draw(st.sampled_from([None, 0.0, 0.5, 1.0])),
    )  # fmt: skip


def same(back, items):
    assert back.wrong == ()
    assert [replace(i, origin="") for i in back.items] == list(items)


@pytest.mark.parametrize("kind", ["gold", "label-studio", "doccano"])
def test_half_an_emoji_reads_as_in_the_store_and_can_be_written(kind, tmp_path):
    text = "没人修\ud83d推给"
    record = {
        "gold": {"id": "1", "text": text, "labels": {s.id: [] for s in TAXONOMY.schemes}},
        "label-studio": [{"data": {"id": "1", "text": text}, "annotations": [{"result": []}]}],
        "doccano": {"id": "1", "text": text, "cats": [], "entities": []},
    }[kind]
    path = tmp_path / ("in.json" if kind == "label-studio" else "in.jsonl")
    path.write_text(json.dumps(record), encoding="utf-8")
    read = read_file(path, TAXONOMY)
    assert (read.wrong, [i.gold.text for i in read.items]) == ((), ["没人修\ufffd推给"])
    for to in ("gold", "label-studio", "doccano", "csv", "xlsx"):
        write_file(tmp_path / f"out.{to}", read.items, TAXONOMY, to)


@given(st.lists(labelled(), max_size=5))
def test_nothing_is_lost_in_any_format_of_lines_or_tasks(items):
    same(from_lines(to_lines(items), TAXONOMY, "x"), items)
    same(doccano.from_lines(doccano.to_lines(items), TAXONOMY, "x"), items)
    same(label_studio.from_tasks(label_studio.to_tasks(items), TAXONOMY, "x"), items)


@given(st.lists(labelled(), max_size=5))
def test_what_label_studio_itself_does_to_a_task_is_survived(items):
    """It numbers tasks, adds fields, names the annotator, counts UTF-16 units, and quotes in its own way."""
    tasks = json.loads(label_studio.to_tasks(items))
    for n, (task, item) in enumerate(zip(tasks, items, strict=True), 1):
        task |= {"id": n, "project": 3, "predictions": [], "meta": {}, "updated_at": "2026-03-02T00:00:00Z"}
        task["annotations"][0] |= {
            "id": n, "completed_by": {"id": 7, "email": "li@example.cn"}, "was_cancelled": False, "lead_time": 3.2,
            "ground_truth": False, "created_at": "2026-03-01T00:00:00Z", "updated_at": "2026-03-02T00:00:00Z",
        }  # fmt: skip
        for region in task["annotations"][0]["result"]:
            if region["type"] == "labels":
                value = region["value"]
                units = item.gold.text.encode("utf-16-le")
                assert units[2 * value["start"] : 2 * value["end"]].decode("utf-16-le") == value["text"]
                value["text"] = re.sub(" +", " ", value["text"]).replace("\n", "\\n")
    back = label_studio.from_tasks(json.dumps(tasks).encode(), TAXONOMY, "x")
    same(back, [replace(i, by="li@example.cn", at="2026-03-02T00:00:00Z") for i in items])


def test_a_page_of_label_studio_offers_every_label_once():
    page = ET.fromstring(label_studio.config(TAXONOMY))  # noqa: S314  our own text
    offered = [c.get("alias") for c in page.iter("Choice")]
    assert offered == [label for _, label in TAXONOMY.columns]
    assert {c.get("name") for c in page.iter("Choices")} == {s.id for s in TAXONOMY.schemes}
    assert [c.get("alias") for c in page.iter("Label")] == offered


def test_the_small_export_of_label_studio_skipped_and_unlabelled_tasks():
    label, other = TAXONOMY.columns[0][1], TAXONOMY.columns[-1][1]
    small = [
        {
            "id": 1, "text": "路灯坏了", "annotator": 2, "updated_at": "2026-03-02T00:00:00Z",
            TAXONOMY.schemes[0].id: {"choices": [TAXONOMY.label(label).name]}, TAXONOMY.schemes[1].id: other,
            "evidence": [{"start": 0, "end": 2, "text": "路灯", "labels": [label]}],
        }
    ]  # fmt: skip
    read = label_studio.from_tasks(json.dumps(small).encode(), TAXONOMY, "x")
    assert read.wrong == ()
    assert read.items[0].by == "2"
    assert read.items[0].gold.evidence == (Span(0, 2, label),)
    assert [x for labels in read.items[0].gold.labels.values() for x in labels] == [label, other]
    nested = [small[0] | {TAXONOMY.schemes[0].id: {"choices": [[label, other]]}}]
    assert "没有标签" in label_studio.from_tasks(json.dumps(nested).encode(), TAXONOMY, "x").wrong[0]
    full = [
        {"id": 1, "data": {"text": "a"}, "annotations": []},
        {"id": 2, "data": {"text": "b"}, "annotations": [{"was_cancelled": True, "result": []}]},
        {"id": 3, "data": {"text": "c"}, "annotations": [{"result": []}]},
    ]
    read = label_studio.from_tasks(json.dumps(full).encode(), TAXONOMY, "x")
    assert [i.gold.id for i in read.items] == ["3"]
    assert ["还没有标注" in p or "跳过了" in p for p in read.passed] == [True, True]


@given(st.lists(labelled(), max_size=5))
def test_the_small_export_puts_its_own_number_in_place_of_ours_and_ours_is_found(items):
    tasks = json.loads(label_studio.to_tasks(items))
    small = [task["data"] | {"id": n, "annotation_id": n, "lead_time": 3.2} for n, task in enumerate(tasks, 1)]
    read = label_studio.from_tasks(json.dumps(small).encode(), TAXONOMY, "x")
    assert [(i.gold.id, i.gold.text) for i in read.items] == [(i.gold.id, i.gold.text) for i in items]


def test_a_span_that_does_not_fit_its_words_is_a_mistake_and_old_offsets_are_told_by_them():
    label = TAXONOMY.columns[0][1]

    def task(start, end, quoted, text="😀路灯坏了"):
        value = {"start": start, "end": end, "text": quoted, "labels": [label]}
        return [{"id": 1, "data": {"text": text}, "annotations": [{"result": [{"type": "labels", "value": value}]}]}]

    units = label_studio.from_tasks(json.dumps(task(2, 4, "路灯")).encode(), TAXONOMY, "x")
    characters = label_studio.from_tasks(json.dumps(task(1, 3, "路灯")).encode(), TAXONOMY, "x")
    assert units.items[0].gold.evidence == characters.items[0].gold.evidence == (Span(1, 3, label),)
    # Counted in units the same word stands there too, but for the blank.
    blank = label_studio.from_tasks(json.dumps(task(3, 5, "路 ", "😀路 路 灯")).encode(), TAXONOMY, "x")
    assert blank.items[0].gold.evidence == (Span(3, 5, label),)
    assert "对不上" in label_studio.from_tasks(json.dumps(task(0, 3, "街道")).encode(), TAXONOMY, "x").wrong[0]


def test_doccanos_other_kinds_of_project_are_read():
    first, other = TAXONOMY.columns[0][1], TAXONOMY.columns[-1][1]
    lines = [
        {"id": 1, "text": "路灯坏了", "label": [first, TAXONOMY.label(other).name], "Comments": []},
        {"id": 2, "data": "路灯坏了", "label": [[0, 2, first]]},
        {"id": 3, "text": "路灯坏了", "entities": [{"id": 9, "start_offset": 0, "end_offset": 2, "label": other}]},
        {"id": 4, "text": "路灯亮了", "label": []},
    ]
    raw = "".join(json.dumps(x) + "\n" for x in lines).encode()
    read = doccano.from_lines(raw, TAXONOMY, "x")
    assert read.wrong == ()
    assert [sum(map(len, i.gold.labels.values())) for i in read.items] == [2, 1, 1, 0]
    assert read.items[1].gold.evidence == (Span(0, 2, first),)
    assert "没有标签" in doccano.from_lines(b'{"id":"1","text":"x","cats":["none"]}', TAXONOMY, "x").wrong[0]
    for line in (b'{"id":"1","text":"x","entities":[[1]]}', b"[]"):
        assert "不是 doccano" in doccano.from_lines(line, TAXONOMY, "x").wrong[0]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(items=st.lists(labelled(), min_size=1, max_size=4, unique_by=lambda i: i.gold.id))
def test_a_sheet_comes_back(kind, items, tmp_path):
    # A cell keeps neither the white space at its ends nor every kind of line end.
    items = [
        replace(i, gold=in_order(replace(i.gold, text="文" + i.gold.text.replace("\n", "，") + "。"), TAXONOMY))
        for i in items
    ]
    items = [replace(i, gold=replace(i.gold, domain="供水")) for i in items]
    path = tmp_path / f"a.{kind}"
    write_file(path, items, TAXONOMY, kind)
    same(read_file(path, TAXONOMY), items)


@pytest.mark.parametrize("text", ["第一页\x0c第二页", "长" * 32_768])
def test_what_a_cell_cannot_hold_is_refused_before_anything_is_written(tmp_path, text):
    item = Labelled(Gold(id="七", text=text, labels={}, group="七"))
    with pytest.raises(CorpusError) as refused:
        write_file(tmp_path / "a.xlsx", [item], TAXONOMY, "xlsx")
    assert (refused.value.code, "七" in str(refused.value.details)) == ("ZF-EXCHANGE-CELL", True)
    assert not (tmp_path / "a.xlsx").exists()
    write_file(tmp_path / "a.csv", [item], TAXONOMY, "csv")
    assert [i.gold.text for i in read_file(tmp_path / "a.csv", TAXONOMY).items] == [text]


@pytest.fixture(params=["csv", "xlsx"])
def sheet(request, tmp_path):
    """Write rows as people do: nothing in a cell that says nothing."""

    def write(*rows):
        path = tmp_path / f"a.{request.param}"
        if request.param == "csv":
            with path.open("w", encoding="utf-8", newline="") as out:
                csv.writer(out).writerows(rows)
        else:
            book = Workbook()
            for row in rows:
                book.active.append(row)
            book.save(path)
        return path

    return write


def test_sheets_of_people(sheet):
    scheme, other = TAXONOMY.schemes
    a, b = scheme.labels[0].name, scheme.labels[1].name
    head = ["编号", "内容", scheme.name, other.id]
    both = sheet(
        head, ["1", "路灯坏了没人修", f"{a}；{b}", None], ["2", "路灯亮了", None, None], ["3", "灯坏了", None, None]
    )
    read = read_file(both, TAXONOMY)
    assert read.wrong == ()
    assert [len(i.gold.labels[scheme.id]) for i in read.items] == [2, 0, 0]
    each = [label.name for s in TAXONOMY.schemes for label in s.labels]
    read = read_file(sheet(["内容", *each], ["路灯坏了没人修", "是"], ["路灯亮了"], ["灯坏了", None, 1]), TAXONOMY)
    assert read.wrong == ()
    assert [sum(i.gold.labels.values(), ()) for i in read.items] == [
        (scheme.label_ids[0],), (), (scheme.label_ids[1],),
    ]  # fmt: skip
    wrong = read_file(sheet(["编号", "内容", a], ["1", "路灯坏了没人修", "也许"]), TAXONOMY).wrong
    assert any("看不出" in w for w in wrong)
    assert any("缺列" in w for w in wrong)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_is_named_as_its_format_is_read(kind):
    fit = [e for e in ("json", "jsonl", "csv", "tsv", "xlsx", "xml", "txt") if _fits(Path(f"a.{e}"), kind)]
    assert fit == [{"gold": "jsonl", "label-studio": "json", "doccano": "jsonl"}.get(kind, kind)]
    assert _fits(Path(f"a.{fit[0].upper()}"), kind)


def _fits(path, kind):
    try:
        check_name(path, kind)
    except CorpusError as e:
        assert (e.code, bool(e.hint)) == ("ZF-EXCHANGE-ENDING", True)  # noqa: PT017
        return False
    return True


def test_files_are_told_apart_and_mistakes_come_together(tmp_path):
    item = Labelled(in_order(Gold(id="1", text="路灯", labels={}, group="1"), TAXONOMY))
    for kind, name in (("gold", "a.jsonl"), ("doccano", "b.jsonl"), ("label-studio", "c.json"), ("csv", "d.csv")):
        write_file(tmp_path / name, [item], TAXONOMY, kind)
        assert kind_of(tmp_path / name) == kind
        assert [i.gold.text for i in read_file(tmp_path / name, TAXONOMY).items] == ["路灯"]
    (tmp_path / "bad.jsonl").write_text('{"id": 1}\nx\n', encoding="utf-8")
    with pytest.raises(CorpusError, match="ZF-EXCHANGE-INVALID") as e:
        read_files([tmp_path / "bad.jsonl", tmp_path / "bad.jsonl"], TAXONOMY)
    assert len(e.value.details) >= 4
    (tmp_path / "bad.json").write_text("{", encoding="utf-8")
    for name, code in (("bad.json", "ZF-EXCHANGE-READ"), ("none.jsonl", "ZF-EXCHANGE-READ"), ("a.doc", "SUFFIX")):
        with pytest.raises(CorpusError, match=code):
            read_file(tmp_path / name, TAXONOMY)
