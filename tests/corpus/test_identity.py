import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.corpus.identity import text_key, text_keys
from pipeline.text.clean import clean

numbers = "13812345678", "138 1234 5678", "1381234", "0631-8812345", "卡号 4111111111111111", "a.b@c.cn", "鲁K·12345"
pieces = st.sampled_from((*numbers, "1", " ", "路灯坏了", "-", "\n"))


@given(st.lists(pieces, max_size=8).map("".join))
def test_a_copy_with_stars_is_the_same_text(text):
    once = clean(text).masked_given()
    assert text_key(text) == text_key(once) == text_key(clean(once).masked_given())


@given(st.lists(st.lists(pieces, max_size=8).map("".join), max_size=6))
def test_many_texts_have_the_keys_they_have_alone(texts):
    assert text_keys(texts) == [text_key(t) for t in texts]


@pytest.mark.parametrize(
    "other", ["路灯 坏了，\n电话13812345678", "路灯坏了，电话***********", "路灯坏了，电话138 1234 5678"]
)
def test_white_space_and_numbers_tell_no_texts_apart(other):
    assert text_key(other) == text_key("路灯坏了，电话13812345678")
    assert text_key(other) != text_key("路灯没坏，电话13812345678")
