import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.clean import clean
from pipeline.text.normalise import normalise, offsets

TEXTS = st.text(
    st.one_of(st.characters(), st.sampled_from("　 \t\n\u200b\u200f\ufeff①㈱ﬁ漢字Ａ１あ😀👨‍👩‍👧é")), max_size=60
)


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("ＡＢＣ１２３，漢字", "ABC123,汉字"),
        ("不  作\n为\u3000问题", "不作为问题"),
        ("call  the  12345\n 热线", "call the 12345热线"),
        ("第\u200b一\ufeff条\x00", "第一条"),
        ("", ""),
        ("①㈱", "1(株)"),
    ],
)
def test_normalising_folds_width_script_and_white_space(given_text, expected):
    assert normalise(given_text) == expected


@given(TEXTS)
def test_every_normalised_character_comes_from_its_place(text):
    start, end = offsets(text)
    normal = normalise(text)
    assert len(start) == len(end) == len(normal)
    assert all(0 <= a < b <= len(text) for a, b in zip(start, end, strict=True))
    assert all(start[i] <= start[i + 1] for i in range(len(start) - 1))
    for i, char in enumerate(normal):
        source = text[start[i] : end[i]]
        folded = unicodedata.normalize("NFKC", source)
        assert char in normalise(source) or char in folded or char == " "


@given(TEXTS, st.data())
def test_spans_lead_back_to_the_text_as_given(text, data):
    c = clean(text)
    a = data.draw(st.integers(0, len(c.text)))
    b = data.draw(st.integers(a, len(c.text)))
    start, end = c.to_given(a, b)
    assert 0 <= start <= end <= len(text)
    if a < b and not c.personal:
        assert c.text[a] in normalise(text[start:end]) or c.text[a] == " "
