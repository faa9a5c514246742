import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.passages import split_passages
from pipeline.text.pieces import cut_passages, cut_sentences
from pipeline.text.sentences import split_sentences

TEXTS = st.lists(st.text(st.sampled_from('路灯a，。！；…”"\n'), max_size=60), max_size=5)


@given(TEXTS, st.integers(1, 20))
def test_passages_and_their_sentences_are_those_of_strings(texts, size):
    points = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32)
    first = np.cumsum([0, *map(len, texts)])
    row, start, end = cut_passages(points, first, size)
    spans = [(i, a, b) for i, t in enumerate(texts) for a, b in split_passages(t, size)]
    assert list(zip(row.tolist(), (start - first[row]).tolist(), (end - first[row]).tolist(), strict=True)) == spans
    sentence_of, sentence = cut_sentences(points, start, end)
    reference = split_sentences([texts[i][a:b] for i, a, b in spans])
    np.testing.assert_array_equal(np.repeat(np.arange(len(spans)), np.diff(sentence_of)), reference.row)
    np.testing.assert_array_equal(sentence - start[reference.row], reference.start)
