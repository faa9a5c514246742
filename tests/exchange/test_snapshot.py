import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.corpus.gold import Gold, Span
from pipeline.documents import text_hash
from pipeline.errors import CorpusError
from pipeline.exchange.labelled import Labelled, in_order, to_lines
from pipeline.exchange.parts import assign, read_parts, write_parts
from pipeline.exchange.settle import settle
from pipeline.exchange.snapshot import take
from pipeline.taxonomy import parse_taxonomy

LONG = "去年三月我到镇上办理低保，窗口的人说系统坏了让我等通知，等了半年没有音信，再去又说材料过期要重新跑一遍村里。"


@pytest.fixture
def item(taxonomy):
    def make(key, text, labels=(), **more):
        own = {s.id: tuple(x for x in s.label_ids if x in labels) for s in taxonomy.schemes}
        part, group = more.pop("part", ""), more.pop("group", key)
        return Labelled(in_order(Gold(id=key, text=text, labels=own, group=group, part=part), taxonomy), **more)

    return make


def test_the_last_word_of_each_then_the_majority(item, taxonomy):
    a, b = taxonomy.columns[0][1], taxonomy.columns[1][1]
    items = [
        item("1", "路灯坏了", [a], by="甲", at="2026-01-01"),
        item("1", "路灯坏了", [a, b], by="甲", at="2026-01-02"),
        item("1", "路灯 坏了", [a], by="乙", at="2026-01-01"),
        item("1", "路灯坏了", [], by="丙", at="2026-01-01", sure=0.5),
        item("2", "井盖丢了", [a], by="甲"),
        item("2", "井盖丢了", [], by="乙"),
        item("1", "另一条同号的", [b]),
    ]
    settled, dropped = settle(items, taxonomy)
    assert [[x for labels in s.gold.labels.values() for x in labels] for s in settled] == [[a], [b]]
    assert settled[0].sure == pytest.approx(2 / 3 * 0.5, abs=1e-3)
    assert settled[1].gold.id != settled[0].gold.id
    assert len(dropped) == 1
    assert taxonomy.label(a).name in dropped[0]


@pytest.mark.parametrize("kind", ["exclusive", "multi-at-least-one"])
def test_three_people_of_three_minds_settle_nothing_where_a_label_is_needed(kind):
    scheme = "".join(f'[[schemes.labels]]\nid = "{x}"\nname = "{x}"\n' for x in "abc")
    head = f'id = "own"\nversion = "1"\n[[schemes]]\nid = "topic"\nname = "主题"\nkind = "{kind}"\n'
    own = parse_taxonomy((head + scheme).encode())

    def said(key, label, who):
        return Labelled(Gold(id=key, text=f"第{key}件", labels={"topic": (label,)}, group=key), by=who)

    settled, dropped = settle(
        [said("1", x, x) for x in "abc"] + [said("2", x, x + y) for x, y in ("aa", "ab", "bc")], own
    )
    assert [s.gold.labels for s in settled] == [{"topic": ("a",)}]
    assert len(dropped) == 1
    assert "主题" in dropped[0]


def test_what_the_desk_masked_and_what_was_labelled_raw_are_one_text(item, taxonomy):
    a = taxonomy.columns[0][1]
    raw, starred = "路灯坏了，回电13812345678", "路灯坏了，回电***********"
    items = [item("1", raw, [a], by="甲", at="2026-01-01"), item("1", starred, [], by="甲", at="2026-01-02")]
    (settled,), dropped = settle(items, taxonomy)
    assert (settled.gold.text, dropped) == (starred, [])
    assert not settled.gold.positive


def test_evidence_stands_where_it_did_in_a_copy_that_is_starred_or_set_in_other_lines(item, taxonomy):
    a = taxonomy.columns[0][1]
    raw, starred = "路灯坏了 ，回电13812345678，一年没人修。", "路灯坏了，\n回电***********，一年\n没人修。"
    given = item("1", raw, [a], by="甲", at="2026-01-01")
    start = raw.index("一年没人修")
    circled = replace(given, gold=replace(given.gold, evidence=(Span(start, start + 5, a),)))
    (settled,), _ = settle([circled, item("1", starred, [a], by="乙", at="2026-01-02")], taxonomy)
    assert settled.gold.text == starred
    assert [settled.gold.text[e.start : e.end] for e in settled.gold.evidence] == ["一年\n没人修"]


def test_a_text_on_record_as_it_was_given_keeps_its_side_for_the_masked_copy_too(item, tmp_path):
    raw, starred = (item("1", LONG + number, part="") for number in ("13812345678", "***********"))
    by_hash = text_hash(raw.gold.text)
    sides = {}
    for part in ("train", "dev", "test"):
        kept, _ = assign([raw], {by_hash: part})
        write_parts(tmp_path / part, {by_hash: part}, kept)
        again, _ = assign([starred], read_parts(tmp_path / part))
        sides[part] = (kept[0].gold.part, again[0].gold.part)
    assert sides == {part: (part, part) for part in sides}


def test_the_record_of_sides_is_whole_whenever_the_machine_dies(item, tmp_path, monkeypatch):
    path = tmp_path / "parts.jsonl"
    write_parts(path, {}, [item("1", "第一件", part="dev")])
    known = read_parts(path)
    write = json.dumps

    def dies(value, **options):
        if value["part"] == "test":
            raise KeyboardInterrupt
        return write(value, **options)

    monkeypatch.setattr(json, "dumps", dies)
    with pytest.raises(KeyboardInterrupt):
        write_parts(path, known, [item("2", "第二件", part="train"), item("3", "第三件", part="test")])
    assert read_parts(path) == known
    monkeypatch.undo()
    write_parts(path, known, [item("2", "第二件", part="train")])
    assert sorted(read_parts(path).values()) == ["dev", "train"]


def test_near_copies_stay_on_one_side_whatever_the_order(item):
    items = [item(str(n), LONG[n % 7 :] + str(n), part="") for n in range(8)] + [
        item(f"x{n}", f"第{n}件事：{chr(0x4E00 + 37 * n) * 9}") for n in range(300)
    ]
    kept, dropped = assign(items, {})
    assert dropped == []
    assert len({(i.gold.group, i.gold.part) for i in kept[:8]}) == 1
    shares = [sum(i.gold.part == p for i in kept[8:]) for p in ("train", "dev", "test")]
    assert all(shares)
    assert shares[0] > 200
    again, _ = assign(items[::-1], {})
    assert {i.gold.id: i.gold.part for i in again} == {i.gold.id: i.gold.part for i in kept}


def test_a_text_between_two_sides_is_dropped_and_the_sides_do_not_move(item):
    left = item("l", LONG[:40] + "甲乙丙丁" * 3, part="train")
    right = item("r", LONG[10:] + "子丑寅卯" * 3, part="test")
    kept, dropped = assign([left, right, item("m", LONG)], {})
    assert {i.gold.id: i.gold.part for i in kept} == {"l": "train", "r": "test"}
    assert len(dropped) == 1
    assert "泄漏" in dropped[0]


def test_a_snapshot_is_named_by_its_content_and_its_split_never_changes(item, taxonomy, tmp_path):
    items = [item(f"n{n}", f"第{n}件事：{chr(0x4E00 + 37 * n) * 9}", by="甲") for n in range(60)]
    (tmp_path / "a.jsonl").write_bytes(to_lines(items))
    first = take([tmp_path / "a.jsonl"], taxonomy, tmp_path / "out")
    assert first.fresh
    assert not take([tmp_path / "a.jsonl"], taxonomy, tmp_path / "out").fresh
    parts = read_parts(tmp_path / "out" / "parts.jsonl")
    assert len(parts) == 60

    def part_of(snapshot):
        lines = (snapshot.folder / "data.jsonl").read_text(encoding="utf-8").splitlines()
        return {r["id"]: r["part"] for r in map(json.loads, lines)}

    # A near copy of a text that hashes lower than it, and relabelled texts: nobody changes sides.
    more = [
        replace(i, gold=replace(i.gold, id="z" + i.gold.id, group="z" + i.gold.id, text=i.gold.text + "。"))
        for i in items
    ]
    (tmp_path / "b.jsonl").write_bytes(to_lines(more))
    second = take([tmp_path / "a.jsonl", tmp_path / "b.jsonl"], taxonomy, tmp_path / "out")
    assert second.folder != first.folder
    before, after = part_of(first), part_of(second)
    assert len(after) == 120
    assert all(after[k] == after["z" + k] == p for k, p in before.items())
    assert read_parts(tmp_path / "out" / "parts.jsonl").items() >= parts.items()
    assert [s["file"] for s in second.about["sources"]] == ["a.jsonl", "b.jsonl"]
    assert second.about["people"] == ["甲"]


def test_what_comes_out_of_a_pipe_is_on_record_as_it_was_read(item, taxonomy, tmp_path):
    data = to_lines([item("1", LONG)])
    out, into = os.pipe()
    os.write(into, data)
    os.close(into)
    taken = take([Path(f"/dev/fd/{out}")], taxonomy, tmp_path / "out", kind="gold")
    os.close(out)
    (source,) = taken.about["sources"]
    assert (source["format"], source["sha256"]) == ("gold", hashlib.sha256(data).hexdigest())


def test_a_damaged_record_of_parts_stops_everything(item, taxonomy, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(to_lines([item("1", "路灯坏了")]))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "parts.jsonl").write_text('{"text": 1\n', encoding="utf-8")
    with pytest.raises(CorpusError, match="ZF-PARTS-BROKEN"):
        take([tmp_path / "a.jsonl"], taxonomy, tmp_path / "out")
