import itertools

from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.passages import SLICE, split_passages, split_sentences

PROSE = st.text("上访三年没人管。！？；，a 1", max_size=200)


def test_sentences_end_where_chinese_sentences_end():
    text = "路坏了！找过街道；街道说不归他们管。怎么办？"
    assert [text[a:b] for a, b in split_sentences(text)] == ["路坏了！", "找过街道；", "街道说不归他们管。", "怎么办？"]


@given(PROSE)
def test_sentences_cover_the_text_without_gaps(text):
    assert "".join(text[a:b] for a, b in split_sentences(text)) == text


@given(PROSE, st.integers(5, 60))
def test_passages_cover_the_text_and_keep_their_size(text, size):
    spans = split_passages(text, size)
    covered = set().union(*(range(a, b) for a, b in spans))
    assert covered == set(range(len(text)))
    assert all(b - a <= size for a, b in spans)
    assert all(x[0] < y[0] and x[1] < y[1] for x, y in itertools.pairwise(spans))


def test_neighbours_share_a_sentence():
    text = "一二三四五。" * 6
    spans = split_passages(text, 18)
    assert spans[0][1] > spans[1][0]


def test_a_text_longer_than_a_slice_is_split_whole():
    text = "没有回音。" * (SLICE // 5 + 20)
    spans = split_sentences(text)
    assert spans[-1][1] == len(text)
    assert len(spans) >= SLICE // 5 + 20
