import dataclasses

import numpy as np
import pytest
from scipy import sparse

from pipeline.model.bundle import load_bundle
from pipeline.model.explain import character_weights
from pipeline.model.lead import NONE, add_lead, first_sentences
from pipeline.model.score import Scorer


def test_texts_without_a_sentence_have_no_first_one():
    assert first_sentences(np.array([1, 1, 3]), 4).tolist() == [NONE, 0, NONE, 2]


def test_the_first_sentence_counts_again():
    x, single = sparse.csr_matrix([[1.0, 2], [3, 0]]), sparse.csr_matrix([[1.0, 0], [0, 1]])
    assert add_lead(x, single, np.array([1, NONE]), 0.5).toarray().tolist() == [[1, 2.5], [3, 0]]
    assert add_lead(x, single, np.array([1, NONE]), 0.0) is x


@pytest.fixture(scope="module")
def both(bundle, words):
    """One that counts the first sentence again and one that does not; the first expert reads all."""
    shut = bundle.weights.gate_bias.copy()
    shut[0] = -99
    bundle = dataclasses.replace(bundle, weights=dataclasses.replace(bundle.weights, gate_bias=shut))
    leading = dataclasses.replace(bundle, features=dataclasses.replace(bundle.features, lead=2.0))
    return Scorer(leading, words), Scorer(bundle, words)


def test_a_passage_is_read_with_the_first_sentence_of_its_document(both):
    leading, scorer = both
    title, body = "路灯坏了三个月没人管。", "今天天气很好，我们去公园走了走。" * 80
    reading, plain = (s._plain.read([title + body]) for s in both)
    assert len(reading.row) > 1
    again = leading._plain.read([title]).whole - scorer._plain.read([title]).whole
    # Of one sentence alone, word pairs across its border apart, the same is added everywhere.
    np.testing.assert_allclose(reading.whole - plain.whole, np.repeat(again, len(reading.row), 0), atol=1e-6)


def test_what_the_first_sentence_adds_is_shown_where_it_stands(both):
    leading, scorer = both
    text = "路灯坏了三个月没人管。打电话也没有用。"

    def weights(of, **how):
        return character_weights(text, of.bundle, of.segmenter, expert=0, **how)

    gap = weights(leading) - weights(scorer)
    assert abs(gap[:11]).max() > 1e-4
    assert abs(gap[11:]).max() < 1e-12
    with_it, without = (s._plain.read([text]) for s in both)
    assert with_it.expert[0] == without.expert[0] == 0
    added = with_it.whole[0] - without.whole[0]
    slope = np.array([h.whole for h in leading.bundle.heads])
    np.testing.assert_allclose(gap.sum(0), added * slope, atol=1e-6)
    np.testing.assert_array_equal(weights(leading, leads=False), weights(scorer))


def test_a_model_keeps_its_lead_and_learner(some_gold, learn, words):
    bundle = load_bundle(learn(gold=some_gold[::2], experts=(), lead=0.7, learner="ridge", c=1.0))
    assert bundle.features.lead == 0.7
    assert bundle.manifest["settings"]["learner"] == "ridge"
    # Least squares learn what the texts say: labels told apart on what was learned from.
    found = Scorer(bundle, words).probabilities([g.text for g in some_gold[::2]])[:, -1]
    positive = np.array([g.positive for g in some_gold[::2]])
    assert found[positive].mean() > found[~positive].mean() + 0.3
