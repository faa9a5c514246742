import dataclasses
import gzip
import itertools
import json
import random

import pytest

from pipeline.corpus.check import GRAM, NEAR, SHARED_GROUPS, find_mistakes, near_duplicates, shared_strings


@pytest.fixture
def two(gold):
    return [g for g in gold if len(g.text) > 60 and not g.positive and g.part == "train"][:2]


def test_a_near_copy_in_another_group_is_found_and_in_its_own_group_is_not(two):
    a, b = two
    copy = dataclasses.replace(b, text=a.text[:-3] + "，改一点")
    assert [(x, y) for x, y, _ in near_duplicates([a, copy])] == [(a.id, b.id)]
    assert near_duplicates([a, dataclasses.replace(copy, group=a.group)]) == []
    assert near_duplicates([a, b]) == []


def test_a_string_of_many_groups_is_found_unless_it_names_an_office(two):
    a, _ = two
    many = [
        dataclasses.replace(a, id=str(n), group=str(n), text=f"第{n}件事说完了以后谁也没再来看过我们{n}")
        for n in range(4)
    ]
    assert shared_strings(many)
    assert shared_strings(many[:3]) == []
    offices = [dataclasses.replace(m, text=f"{m.group}某县卫生健康委员会综合监督科") for m in many]
    assert shared_strings(offices) == []


def test_what_repeats_public_data_is_named(two, tmp_path):
    a, b = two
    with gzip.open(tmp_path / "p.jsonl.gz", "wt", encoding="utf-8") as out:
        out.write(json.dumps({"title": "公开的", "detail": a.text[20:45]}, ensure_ascii=False) + "\n")
    wrong = find_mistakes([a, b], tmp_path)
    assert len(wrong) == 1
    assert wrong[0].startswith(a.id)


def test_two_public_texts_in_a_row_are_not_one(two, tmp_path):
    halves = two[0].text[:8], two[0].text[8:16]
    with gzip.open(tmp_path / "p.jsonl.gz", "wt", encoding="utf-8") as out:
        out.writelines(json.dumps({"detail": t}, ensure_ascii=False) + "\n" for t in halves)
    assert find_mistakes([two[0]], tmp_path) == []


def test_texts_too_short_to_repeat_public_data_do_not(two, tmp_path):
    short = dataclasses.replace(two[0], text="路灯坏了没人修")
    with gzip.open(tmp_path / "p.jsonl.gz", "wt", encoding="utf-8") as out:
        out.write(json.dumps({"detail": short.text * 3}, ensure_ascii=False) + "\n")
    assert find_mistakes([short], tmp_path) == []


def test_missing_evidence_missing_part_and_a_split_group_are_named(gold):
    positive = next(g for g in gold if g.positive)
    bare = dataclasses.replace(positive, evidence=(), part="")
    wrong = "\n".join(find_mistakes([bare]))
    assert "没有证据" in wrong
    assert "没有 part" in wrong
    pair = [dataclasses.replace(positive, id="x", part="train"), dataclasses.replace(positive, id="y", part="test")]
    assert any("分在" in w for w in find_mistakes(pair))


def test_near_copies_are_those_that_counting_one_by_one_would_find(two):
    words = ["低保证明", "办事大厅", "来回跑了", "没有人管", "说不归他", "路灯坏了", "三个月了"]
    dice = random.Random(1)
    texts = ["".join(dice.choices(words, k=dice.randint(0, 9))) for _ in range(120)]
    many = [dataclasses.replace(two[0], id=str(n), group=str(n % 50), text=t) for n, t in enumerate(texts)]
    sets = [{t[i : i + GRAM] for i in range(len(t) - GRAM + 1)} for t in texts]
    expected = {
        (str(a), str(b)): len(sets[a] & sets[b]) / len(sets[a] | sets[b])
        for a, b in itertools.combinations(range(len(texts)), 2)
        if a % 50 != b % 50 and sets[a] & sets[b]
    }
    expected = {pair: share for pair, share in expected.items() if share > NEAR}
    found = {(a, b): share for a, b, share in near_duplicates(many)}
    assert len(expected) > 20
    assert found == pytest.approx(expected)


def test_a_string_is_named_with_the_number_of_groups_that_have_it_however_often(two):
    said = "谁也没再来看过我们一眼"
    many = [
        dataclasses.replace(two[0], id=str(n), group=str(n // 2), text=f"{chr(20000 + n)}{said}{chr(25000 + n)}{said}")
        for n in range(2 * SHARED_GROUPS + 2)
    ]
    assert shared_strings(many) == []
    many = [dataclasses.replace(g, text=g.text.replace(said, said + "了的")) for g in many]
    assert {n for _, n in shared_strings(many)} == {SHARED_GROUPS + 1}
    assert shared_strings(many[:-2]) == []
