import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.batch.once import Once
from pipeline.documents import Document, Rejected

chunks = st.lists(
    st.lists(st.tuples(st.sampled_from("甲乙丙丁戊己庚辛"), st.sampled_from("一二")), max_size=6), max_size=9
)


@given(chunks)
def test_the_first_of_a_number_stands_and_the_others_say_where_it_was(chunks):
    once, seen, line = Once(), {}, 0
    for chunk in chunks:
        records = []
        for key, text in chunk:
            line += 1
            records.append(Document(key, text, place=f"文件:{line}"))
        records.append(Rejected("文件:0", "ZF-REC-EMPTY", "正文是空的。", "甲"))
        sifted = once.sift(records)
        assert sifted[-1] is records[-1]
        for given_, kept in zip(records[:-1], sifted, strict=False):
            first = seen.setdefault(given_.id, given_)
            if first is given_:
                assert kept is given_
            else:
                code = "ZF-REC-DUPLICATE" if first.text == given_.text else "ZF-REC-CONFLICT"
                assert (kept.code, kept.place, kept.id) == (code, given_.place, given_.id)
                assert f"与 {first.place} " in kept.reason


def test_a_place_may_have_any_name():
    once = Once()
    once.sift([Document("甲", "一", place="怪\ud800名:1")])
    (again,) = once.sift([Document("甲", "一", place="b:1")])
    assert again.reason.startswith("与 怪\ud800名:1 ")


@pytest.mark.parametrize("number", ["1.23457E+17", "2E+017", "-2.02611290000012e+17"])
def test_a_number_without_its_last_digits_stands_for_nobody(number):
    records = [Document(number, "一", place="a.csv:2"), Document("乙" + number, "二", place="a.csv:3")]
    rounded, other = Once().sift(records)
    assert (rounded.code, rounded.place, rounded.id, rounded.raw) == ("ZF-REC-DIGITS", "a.csv:2", number, "一")
    assert other is records[1]
