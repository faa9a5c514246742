import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from pipeline.model.features import Features, fold
from pipeline.text.clean import clean
from pipeline.text.concepts import Concept, Lexicon
from pipeline.text.segment import RjiebaSegmenter
from pipeline.text.sentences import split_sentences

SEGMENTER = RjiebaSegmenter({})


@pytest.fixture(scope="module")
def texts(some_gold):
    return [clean(g.text).text for g in some_gold[:150]]


@pytest.mark.parametrize("block", ["words", "chars"])
def test_the_matrix_equals_scikit_learns(texts, block):
    features = Features(char_n=(1, 3), min_texts=2).fit(texts, SEGMENTER)
    mine = features.transform(texts, SEGMENTER)
    words = len(features.word_keys)
    if block == "chars":
        reference = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True)
        theirs, mine = reference.fit_transform([fold(t) for t in texts]), mine[:, words:]
    else:
        reference = TfidfVectorizer(analyzer=_words, min_df=2, sublinear_tf=True)
        theirs, mine = reference.fit_transform([fold(t) for t in texts]), mine[:, :words]
    # Columns stand in another order; each text's sorted values and all products between texts must agree.
    # Mine are of single precision.
    np.testing.assert_allclose((mine @ mine.T).toarray(), (theirs @ theirs.T).toarray(), atol=1e-6)


def _words(text):
    cut = SEGMENTER.cut([text])[0]
    return [*cut, *(a + "\0" + b for a, b in itertools.pairwise(cut))]


def test_occurrences_stand_where_their_feature_stands(texts):
    features = Features().fit(texts, SEGMENTER)
    found = features.occurrences(texts[:20], SEGMENTER, split_sentences(texts[:20]))
    words = len(features.word_keys)
    where: dict[int, set[str]] = {}
    for row, column, start, end in zip(found.row, found.column, found.start, found.end, strict=True):
        where.setdefault(int(column), set()).add(fold(texts[row])[start:end])
    assert all(len(strings) == 1 for column, strings in where.items() if column >= words)
    assert {len(next(iter(s))) for c, s in where.items() if c >= words} == {1, 2, 3}


@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_any_batch_equals_its_texts_one_by_one(batch):
    features = Features(min_texts=1).fit(["多次反映没人管 abc 123", "等了三个月没有答复😀", "办结了吗"], SEGMENTER)
    batch = [clean(t).text for t in batch] + ["", "没人管，没人管"]
    together = features.transform(batch, SEGMENTER).toarray()
    alone = np.vstack([features.transform([t], SEGMENTER).toarray() for t in batch])
    np.testing.assert_allclose(together, alone)


def test_digits_and_case_are_read_alike():
    features = Features(min_texts=1).fit(["打了12次ABC"], SEGMENTER)
    a, b = features.transform(["打了98次abc", "打了34次Abc"], SEGMENTER).toarray()
    np.testing.assert_array_equal(a, b)
    assert a.any()


LEXICON = Lexicon(
    [Concept("unanswered", "没有回音", ("没人管", "石沉大海")), Concept("calls", "打了几次", ("打了#次",))]
)


def test_a_concept_counts_once_whatever_its_form():
    features = Features(min_texts=1, lexicon=LEXICON, concept_weight=0.2).fit(["没人管"], SEGMENTER)
    x = features.transform(["没人管，石沉大海，还是没人管", "石沉大海", "有人管"], SEGMENTER).toarray()
    np.testing.assert_allclose(x[:, -2:], [[0.2, 0], [0.2, 0], [0, 0]])


def test_sentences_are_rows_of_their_own():
    features = Features(min_texts=1, lexicon=LEXICON).fit(["打了三次电话没人管", "谢谢"], SEGMENTER)
    texts = ["", "打了三次电话。没人管！谢谢", "打了三次电话没人管"]
    sentences = split_sentences(texts)
    found = features.occurrences(texts, SEGMENTER, sentences).by_sentence(sentences, len(texts))
    alone = features.transform(sentences.of(texts), SEGMENTER)
    np.testing.assert_allclose(features.matrix(found, len(sentences.row)).toarray(), alone.toarray())
