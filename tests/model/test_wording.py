"""Strange wording: what it is, and that it is allowed for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from pipeline.model.bundle import load_bundle
from pipeline.model.features import Features
from pipeline.model.score import Scorer
from pipeline.model.wording import learn_wording
from pipeline.text.segment import RjiebaSegmenter
from pipeline.text.sentences import split_sentences

HOME = [
    "办事窗口多次推诿，材料交了没有下文",
    "材料交到办事窗口，多次推诿",
    "窗口说材料不齐，推诿多次",
    "村里的路修好了",
]


@pytest.fixture(scope="module")
def learned():
    segmenter = RjiebaSegmenter({})
    features = Features(char_n=(1, 2), min_texts=1).fit(HOME, segmenter)

    def look(texts):
        return features.occurrences(texts, segmenter, split_sentences(texts))

    return features, look


def test_unknown_words_are_stranger_than_known_ones(learned):
    features, look = learned
    wording = learn_wording(features, look(HOME), ["a", "b", "c", "d"])

    def known(texts):
        found = look(texts)
        return found.of_words(len(features.word_keys), len(texts)), found.tokens

    texts = [HOME[0] * 3, "渡口舢板捞起鲟鳇，晒盐翁煨芋" * 3, ""]
    usual, unknown, empty = wording.strangeness(*known(texts))
    assert usual < empty < unknown
    assert unknown > 0.9


def test_what_only_one_group_says_is_strange_to_it(learned):
    features, look = learned
    together = learn_wording(features, look(HOME), ["a", "a", "a", "b"])
    apart = learn_wording(features, look(HOME), ["a", "b", "c", "d"])
    assert together.mean < apart.mean


def test_strangeness_adds_its_log_odds_and_no_more(bundle, words, some_gold):
    texts = [g.text for g in some_gold[:20]] + ["渡口舢板捞起鲟鳇，晒盐翁煨芋，箬笠斜挂桅杆。"]
    plain = replace(bundle, heads=tuple(replace(h, strange=0.0, backing=0.0) for h in bundle.heads))
    allowing = replace(bundle, heads=tuple(replace(h, strange=2.0, backing=0.0) for h in bundle.heads))
    before, after = (Scorer(b, words).probabilities(texts) for b in (plain, allowing))
    added = logit(after) - logit(before)
    assert np.ptp(added, axis=1).max() < 1e-6
    assert (added >= 0).all()
    assert (added <= 2).all()
    assert added[-1].min() > 1.9
    assert np.allclose(after, expit(logit(before) + added))


def test_in_strange_wording_the_strongest_label_backs_the_problem_head(bundle, words, some_gold):
    texts = [g.text for g in some_gold[:20]] + [some_gold[0].text + "渡口舢板捞起鲟鳇，晒盐翁煨芋，箬笠斜挂桅杆。" * 9]
    alone = replace(bundle, heads=(*bundle.heads[:-1], replace(bundle.heads[-1], backing=0.0)))
    deaf = replace(alone, heads=tuple(replace(h, strange=0.0) for h in alone.heads))
    before, after, unmoved = (logit(Scorer(b, words).probabilities(texts)) for b in (alone, bundle, deaf))
    strange = (before - unmoved)[:, 0] / bundle.heads[0].strange
    beyond = np.maximum((before - logit([h.ask for h in bundle.heads]))[:, :-1].max(1), 0)
    assert (strange * beyond).max() > 0.1
    assert (beyond == 0).any()
    assert np.allclose(after[:, -1], before[:, -1] + strange * beyond, atol=1e-5)
    assert (after[:, :-1] == before[:, :-1]).all()


def test_only_the_problem_head_is_backed_and_not_where_a_promise_is_made(learn):
    bundle, promised = (load_bundle(learn(**settings)) for settings in ({"backing": 0.5}, {"promise": 0.9}))
    assert [h.backing for h in bundle.heads] == [0.0] * (len(bundle.heads) - 1) + [0.5]
    assert not any(h.backing or h.strange for h in promised.heads)
