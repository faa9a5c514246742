import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from pipeline.documents import Document
from pipeline.model import swift
from pipeline.model.bundle import load_bundle
from pipeline.model.reading import PlainReader
from pipeline.model.score import Scorer
from pipeline.model.swift import SwiftReader
from pipeline.model.weights import Weights
from pipeline.text.clean import clean
from pipeline.text.plain import LITTLE
from pipeline.text.segment import RjiebaSegmenter
from pipeline.text.sentences import split_sentences

WORDS = [
    *("，。！；…”\n\t abc019😀é繁體\ud800\u200f"),
    *("", "没人管", "推诿扯皮", "打了12次电话", "石沉大海", "多次反映", "态度恶劣", "路灯", "谢谢", "一直没有答复"),
    *("c++", "13812345678", "AT&T", "没人管，没人管。" * 9),
]
TEXTS = st.lists(
    st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=3)), max_size=40).map("".join), min_size=1, max_size=4
)


@pytest.fixture(scope="module")
def both(bundle, words):
    return Scorer(bundle, words, little=0), Scorer(bundle, words, little=10**12)


@pytest.fixture(scope="module")
def both_with_lead(bundle, words):
    leading = dataclasses.replace(bundle, features=dataclasses.replace(bundle.features, lead=1.5))
    return Scorer(leading, words, little=0), Scorer(leading, words, little=10**12)


@pytest.fixture(scope="module")
def both_with_encoder(dense_bundle, words, encoder):
    return tuple(Scorer(dense_bundle, words, little=little, encoder=encoder) for little in (0, 10**12))


def same(both, texts):
    documents = [Document(str(n), t) for n, t in enumerate(texts)]
    fast, plain = (s.score(documents) for s in both)
    for mine, reference in zip(fast, plain, strict=True):
        for scheme, labels in reference.scores.items():
            assert mine.scores[scheme] == pytest.approx(labels, abs=1e-6)
        assert (mine.is_problem, mine.review) == (reference.is_problem, reference.review)
        for scheme, called in reference.decided.items():
            assert [label for label, _ in mine.decided[scheme]] == [label for label, _ in called]
        assert [(e.label, e.start, e.end, e.quote) for e in mine.evidence] == [
            (e.label, e.start, e.end, e.quote) for e in reference.evidence
        ]
        assert [e.weight for e in mine.evidence] == pytest.approx([e.weight for e in reference.evidence], abs=1e-6)
    return fast


@settings(max_examples=60)
@given(TEXTS)
def test_both_readers_say_the_same(both, both_with_lead, both_with_encoder, texts):
    for pair in (both, both_with_lead, both_with_encoder):
        same(pair, texts)


@pytest.mark.parametrize("pair", ["both", "both_with_lead", "both_with_encoder"])
def test_both_readers_say_the_same_of_real_lengths(pair, draw, request):
    both = request.getfixturevalue(pair)
    texts = [g.text for g in draw(240)]
    texts += ["".join(texts[:n]) for n in (3, 4, 5, 20)]
    texts += ["路" * 2500, "。" * 2500 + "没人管", "没人管，没人管。" * 400]
    assert any(p.evidence for p in same(both, texts))


def test_what_is_looked_at_is_what_is_read(both, some_gold):
    fast, plain = both
    texts = [g.text for g in some_gold[:60]] + ["路。" * 900 + "没人管。"]
    seen = fast.look(texts)
    np.testing.assert_allclose(expit(seen.log_odds), fast.probabilities(texts), atol=1e-6)
    short = [i for i, t in enumerate(texts) if len(t) < 500]
    np.testing.assert_allclose(seen.margins[short], plain._plain.read([texts[i] for i in short]).whole, atol=1e-6)
    assert seen.x.shape == (len(texts), plain.bundle.features.columns)
    for s in both:
        assert s.probabilities([]).shape == (0, len(s.bundle.heads))


def test_places_are_the_occurrences_of_the_features(both, some_gold):
    fast, plain = both
    texts = [g.text for g in some_gold if len(g.text) < 900][:50]  # one passage each
    fast.score([Document("1", "路")])
    reading = fast._swift.read(texts)
    vocabulary = fast._swift._vocabulary
    passages = [clean(t).text for t in texts]
    reference = plain.bundle.features.occurrences(passages, plain.segmenter, split_sentences(passages))
    first = reading.places.group[reading.sentence_of + np.arange(len(texts) + 1)]
    row = np.repeat(np.arange(len(texts)), np.diff(first))
    begin = reading.start[row]
    mine = (row, vocabulary.order[reading.places.column // 4], reading.places.start - begin, reading.places.end - begin)
    theirs = (reference.row, reference.column, reference.start, reference.end)
    assert sorted(zip(*map(np.ndarray.tolist, mine), strict=True)) == sorted(
        zip(*map(np.ndarray.tolist, theirs), strict=True)
    )


def test_another_engine_cuts_for_the_compiled_reader_too(bundle, words, both, some_gold, monkeypatch):
    monkeypatch.setattr(swift, "fits", lambda: False)
    same((Scorer(bundle, words, little=0), both[1]), [g.text for g in some_gold[:30]] + ["", "路。" * 900])


def test_what_a_little_text_does_not_load_a_little_more_does(bundle, words):
    scorer = Scorer(bundle, words)
    scorer.probabilities(["路。" * (LITTLE // 2)])
    assert scorer._swift is None
    scorer.probabilities(["路"])
    assert scorer._swift is not None


@pytest.mark.parametrize(("word_n", "char_n"), [(0, (2, 3)), (1, (1, 4))])
def test_other_features_are_read_alike(word_n, char_n, learn, some_gold, words):
    grams = {"word_n": word_n, "char_shortest": char_n[0], "char_longest": char_n[1]}
    other = load_bundle(learn(gold=some_gold[::2], experts=(), passage_chars=100, lead=1.0, **grams))
    texts = [g.text for g in some_gold[::6]]
    same((Scorer(other, words, little=0), Scorer(other, words, little=10**12)), texts)


@pytest.mark.parametrize("heads", [1, 8, 23, 65])
def test_any_number_of_heads_is_read_alike(heads, bundle, words, some_gold):
    """Rows of a line of the cache and of several, with and without room behind the heads."""
    dice = np.random.default_rng(heads)
    experts, columns = len(bundle.weights.bias), bundle.features.columns
    coef, single = dice.normal(size=(2, experts, columns, heads))
    bias, single_bias = dice.normal(size=(2, experts, heads))
    gate = dice.normal(size=(columns, experts))
    weights = Weights.rounded(coef, bias, single, single_bias, gate, np.zeros(experts))
    other = dataclasses.replace(bundle, weights=weights, heads=bundle.heads[:1] * heads)
    segmenter = RjiebaSegmenter(words)
    texts = [g.text for g in some_gold[:40]] + ["", "路。" * 900]
    plain = PlainReader(other, segmenter, None).read(texts)
    fast = SwiftReader(other, segmenter, words, None).read(texts)
    assert set(plain.expert.tolist()) == set(range(experts))
    for name in ("whole", "strongest", "strange", "expert"):
        np.testing.assert_allclose(getattr(fast, name), getattr(plain, name), atol=1e-9)
