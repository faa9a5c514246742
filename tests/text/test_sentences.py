import functools
import itertools
import sys
import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.text.sentences import ENDS, split_sentences, tables

PROSE = st.text("上访三年没人管。！？；…”“）（，a1", max_size=200)


def test_all_punctuation_of_unicode_is_known():
    known = tables()[0]
    wrong = [c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c)[0] == "P" and not known[ord(c)]]
    assert not wrong
    assert known.sum() < 1000


def spans(text):
    found = split_sentences([text])
    return list(zip(found.start.tolist(), found.end.tolist(), strict=True))


@functools.cache
def sentencizer():
    import spacy

    nlp = spacy.blank("zh", config={"nlp": {"tokenizer": {"segmenter": "char"}}})
    nlp.add_pipe("sentencizer", config={"punct_chars": ENDS})
    return nlp


def test_sentences_end_where_chinese_sentences_end():
    text = "路坏了！找过街道；街道说“不归我们管。”怎么办？"
    assert split_sentences([text]).of([text]) == ["路坏了！", "找过街道；", "街道说“不归我们管。”", "怎么办？"]


@given(PROSE)
@example("。。”")
@example("，。a")
def test_they_are_spacys(text):
    # White space is given to the sentence before it.
    starts = [s.start_char for s in sentencizer()(text).sents]
    bounds = [0, *starts[1:], len(text)]
    assert spans(text) == [(a, b) for a, b in itertools.pairwise(bounds) if a < b]


@given(st.lists(st.text("没人管。！@ \n😀a", max_size=30), max_size=5))
@example(["。", "@0"])
def test_a_batch_is_its_texts_one_by_one(texts):
    together = split_sentences(texts)
    assert together.of(texts) == [s for t in texts for s in split_sentences([t]).of([t])]
    for row, text in enumerate(texts):
        assert "".join(s for r, s in zip(together.row, together.of(texts), strict=True) if r == row) == text


def test_a_new_line_ends_a_sentence():
    text = "一、路灯不亮\n二、没人来修"
    assert split_sentences([text]).of([text]) == ["一、路灯不亮\n", "二、没人来修"]
