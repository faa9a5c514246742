"""The search's index itself: what it proposes, and what it keeps of texts that are gone."""

import itertools

import hypothesis
import numpy as np
import pytest
from desk.stores import both_stores
from hypothesis import strategies as st

from pipeline.desk import postings
from pipeline.desk.tables import Block, Indexed, Posting

#: Few characters, so that pairs meet; of every length that UTF-8 has, and some that change when made small.
LETTERS = st.sampled_from("低保证明aBéÉ😀𠀀İΣς\n\x00\ud800")
WRITTEN = st.text(LETTERS, max_size=12)


@pytest.fixture
def blocks(desk):
    """The index of an open desk, with nothing in it."""
    from pipeline.desk import blocks

    for table in (Block, Indexed, Posting):
        table.objects.all().delete()
    return blocks


def put(blocks, *texts, start=1):
    """Index texts, all in one block."""
    blocks.put([(n, f"{n}:{text}", f"K{n}", "", text) for n, text in enumerate(texts, start)])


def stored():
    """What the rows of all blocks say: (document, pair) → how many blocks say so."""
    named = {b.pk: np.frombuffer(b.documents, "<i8") for b in Block.objects.all()}
    assert {b.pk: len(named[b.pk]) for b in Block.objects.all()} == dict(Block.objects.values_list("pk", "size"))
    said, of = {}, dict.fromkeys(named, 0)
    for row in Posting.objects.all():
        for posting in postings.read([(row.row, bytes(row.data), np.arange(len(named[row.block])))]).tolist():
            key = int(named[row.block][posting & postings.MOST_TEXTS]), posting >> postings.PLACE
            said[key] = said.get(key, 0) + 1
            of[row.block] += 1
    assert of == dict(Block.objects.values_list("pk", "postings"))
    return said


def expected(texts):
    return {(n, pair): 1 for n, text in texts.items() for pair in postings.pairs_of([f"K{n}\n\n{text}"]).tolist()}


@hypothesis.given(st.lists(WRITTEN, max_size=6), st.text(LETTERS, min_size=2, max_size=4))
def test_whoever_holds_a_word_holds_its_pairs(texts, word):
    rows = dict(postings.rows_of(postings.postings_of(texts)))
    holding = set(range(len(texts)))
    for pair in postings.pairs_of([word]).tolist():
        row, rest = postings.place_of(pair)
        some = postings.holding(rows[row], rest).tolist() if row in rows else []
        assert some == sorted(set(some))
        holding &= set(some)
    # A capital sigma's small letter depends on where it stands.
    assert holding >= {n for n, text in enumerate(texts) if word in text and "Σ" not in word}


def test_a_row_takes_every_pair_and_every_text_there_can_be():
    texts = np.arange(postings.MOST_TEXTS, dtype=np.uint64)
    every = (np.arange(1 << 16, dtype=np.uint64) << np.uint64(postings.PLACE)) + np.uint64(7)
    for found in (texts, every):
        [(row, data)] = postings.rows_of(found)
        assert (postings.read([(row, data, np.arange(postings.MOST_TEXTS))]) == found).all()
    [(_, data)] = postings.rows_of(texts)
    assert (postings.holding(data, np.uint16(0)) == texts).all()
    assert not len(postings.holding(data, np.uint16(1)))
    assert postings.rows_of(texts[:0]) == []


@both_stores
@hypothesis.settings(max_examples=25, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(data=st.data())
def test_what_the_index_proposes_holds_all_that_reading_would_find(blocks, monkeypatch, data):
    """Whatever was put, changed, forgotten, scrubbed and put together, in whatever order."""
    monkeypatch.setattr(blocks, "_STEP", 2)
    for table in (Block, Indexed, Posting):
        table.objects.all().delete()
    texts = {}
    for _ in range(data.draw(st.integers(1, 12))):
        what = data.draw(st.sampled_from(["put", "put", "put", "forget", "tidy", "scrub"]))
        if what == "put":
            new = data.draw(st.dictionaries(st.integers(1, 30), WRITTEN, max_size=9))
            blocks.put([(n, text.encode("utf-8", "replace").hex()[:64], f"K{n}", "", text) for n, text in new.items()])
            texts |= new
        elif what == "forget":
            gone = data.draw(st.sets(st.integers(1, 30)))
            blocks.forget(list(gone))
            texts = {n: text for n, text in texts.items() if n not in gone}
        else:
            getattr(blocks, what)()
        assert set(Indexed.objects.values_list("document", flat=True)) == set(texts)
        assert set(Indexed.objects.values_list("block", flat=True)) <= set(Block.objects.values_list("pk", flat=True))
    said = stored()
    assert said.keys() >= expected(texts).keys()
    for text in [*texts.values(), "低保", "😀𠀀"]:
        word = text[1:4]
        if len(word) > 1 and "Σ" not in word:
            assert set(blocks.holders([word], 99)) >= {n for n, t in texts.items() if word in t}
    blocks.scrub()
    assert stored() == expected(texts)


def test_six_digits_are_looked_for_with_all_their_pairs(blocks):
    """Each pair of digits stands in many numbers, and so do some of six."""
    pairs = ("00", "04", "42", "21", "17")
    put(blocks, "WJ004217", *(" ".join(p for p in pairs if p != missing) for missing in pairs))
    assert blocks.holders(["004217"], 9) == [1]


@both_stores
def test_small_blocks_are_put_together_and_large_ones_left_alone(blocks, monkeypatch):
    texts = {n: f"第{n}件，{chr(0x4E00 + n)}{chr(0x5E00 + n)}的事" for n in range(1, 101)}
    monkeypatch.setattr(blocks, "_SMALL", 8 * 8 * 10)
    for n, text in texts.items():
        put(blocks, text, start=n)
        blocks.tidy()
        sizes = list(Block.objects.values_list("postings", flat=True))
        assert max(map(len, map(list, (g for _, g in itertools.groupby(sorted(map(blocks._level, sizes))))))) < 8
    assert {size >= 640 for size in sizes} == {True, False}
    large = set(Block.objects.filter(postings__gte=640).values_list("pk", flat=True))
    assert stored() == expected(texts)
    assert Indexed.objects.count() == sum(Block.objects.values_list("size", flat=True)) == 100
    assert blocks.holders([f"{chr(0x4E00 + 31)}{chr(0x5E00 + 31)}"], 9) == [31]
    put(blocks, *["再来一件"] * 9, start=201)
    blocks.tidy()
    assert large <= set(Block.objects.values_list("pk", flat=True))


@both_stores
def test_a_reader_finds_everything_while_blocks_are_put_together(blocks, monkeypatch):
    for n in range(8):
        put(blocks, f"{n}只有这件说的是紫檀算盘", start=n + 1)
    real, calls = blocks._places, []

    def places(sought):
        found = real(sought)
        if not calls:
            blocks.tidy()
        calls.append(sought)
        return found

    monkeypatch.setattr(blocks, "_places", places)
    assert blocks.holders(["紫檀算盘"], 99) == list(range(1, 9))
    assert len(calls) == 2
    # Somebody who is always a step ahead: the list is read instead.
    monkeypatch.setattr(blocks, "_documents", lambda places: None)
    assert blocks.holders(["紫檀算盘"], 99) is None


@both_stores
@pytest.mark.parametrize("meanwhile", ["rewrite", "put", "forget"])
def test_what_others_do_while_blocks_are_put_together_is_kept(blocks, monkeypatch, meanwhile):
    for n in range(8):
        put(blocks, f"{n}只有这件说的是紫檀算盘", start=n + 1)
    ids, real, done = list(Block.objects.order_by("pk").values_list("pk", flat=True)), blocks.read, []

    def read(*row):
        if not done:
            done.append(row)
            if meanwhile == "rewrite":
                assert blocks._rewrite(ids)
            elif meanwhile == "put":
                put(blocks, "换成了另一段话", start=3)
            else:
                blocks.forget([3])
        return real(*row)

    monkeypatch.setattr(blocks, "read", read)
    assert blocks._rewrite(ids) is (meanwhile != "rewrite")
    texts = {n + 1: f"{n}只有这件说的是紫檀算盘" for n in range(8)}
    if meanwhile != "rewrite":
        del texts[3]
    if meanwhile == "put":
        texts[3] = "换成了另一段话"
        assert blocks.holders(["另一段话"], 9) == [3]
    assert set(Indexed.objects.values_list("document", flat=True)) == set(texts)
    blocks.scrub()
    assert stored() == expected(texts)


@both_stores
def test_nothing_of_a_text_that_is_gone_stays_once_it_was_scrubbed(desk, blocks):
    put(blocks, "低保没批", "老楼加梯", "路灯坏了")
    put(blocks, "公交改线", start=4)
    before = set(Block.objects.values_list("pk", flat=True))
    blocks.forget([2, 4])
    assert {2, 4} <= {n for n, _ in stored()}
    blocks.scrub()
    assert stored() == expected({1: "低保没批", 3: "路灯坏了"})
    assert before.isdisjoint(Block.objects.values_list("pk", flat=True))
    whole = list(Block.objects.values_list("pk", flat=True))
    blocks.scrub()
    assert list(Block.objects.values_list("pk", flat=True)) == whole


@both_stores
def test_blocks_end_where_texts_get_many_or_long(blocks, monkeypatch):
    def sizes():
        found = list(Block.objects.order_by("pk").values_list("size", flat=True))
        Block.objects.all().delete()
        return found

    put(blocks)
    assert sizes() == []
    put(blocks, "")
    assert sizes() == [1]
    blocks.put([(1, "h", "K1", "", "旧"), (2, "h", "K2", "", "二"), (1, "h", "K1", "", "新")])
    assert sizes() == [2]
    monkeypatch.setattr(blocks, "_TEXTS", 3)
    put(blocks, *"一二三四五六七八")
    assert sizes() == [3, 3, 2]
    monkeypatch.setattr(blocks, "_CHARACTERS", 10)
    put(blocks, "长" * 11, "一二三", "长" * 8, "二", "三", "长" * 11)
    assert sizes() == [1, 1, 3, 1]


@both_stores
def test_other_pairs_of_a_long_word_are_asked_when_the_first_are_everywhere(blocks, monkeypatch):
    put(blocks, *["甲乙丙丁戊己庚"] * 6, "甲乙丙丁戊己庚辛")
    monkeypatch.setattr(blocks, "_PAIRS", 1)
    monkeypatch.setattr(blocks, "_GROUPS", 7)
    assert blocks.holders(["甲乙丙丁戊己庚辛"], 3) == [7]
    monkeypatch.setattr(blocks, "_GROUPS", 0)
    assert blocks.holders(["甲乙丙丁戊己庚辛"], 3) is None
