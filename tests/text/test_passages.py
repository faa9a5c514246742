import itertools

from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.passages import split_passages

PROSE = st.text("上访三年没人管。！？；，a 1", max_size=200)


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
