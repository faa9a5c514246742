"""Strange wording: what it is, and that it is allowed for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from pipeline.errors import BundleError
from pipeline.model import train as training
from pipeline.model.bundle import build_bundle, load_bundle
from pipeline.model.features import Features
from pipeline.model.files import read_files
from pipeline.model.recipe import Expert
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
    wording = learn_wording(features, look(HOME), ["a", "b", "c", "d"], [1.0])

    def known(texts):
        found = look(texts)
        return found.of_words(len(features.word_keys), len(texts)), found.tokens

    texts = [HOME[0] * 3, "渡口舢板捞起鲟鳇，晒盐翁煨芋" * 3, ""]
    usual, unknown, empty = wording.strangeness(*known(texts), np.zeros(3, int), np.zeros(3))
    assert usual < empty < unknown
    assert unknown > 0.9


def test_an_expert_allows_its_share_also_of_one_level_for_all(learned):
    features, look = learned
    wording = learn_wording(features, look(HOME), ["a", "b", "c", "d"], [1.0, 0.5])
    texts = np.array([3, 3, 0, 0]), np.array([40, 40, 0, 0]), np.array([0, 1, 0, 1]), np.zeros(4)
    usual = wording.strangeness(*texts)
    assert usual[0] > usual[2] > 0
    assert usual[1::2] == pytest.approx(usual[::2] / 2)
    assert replace(wording, level=0.8).strangeness(*texts) == pytest.approx([0.8, 0.4, 0.8, 0.4])


def test_both_signs_of_strangeness_add_up(learned):
    """What is told like texts of others is strange in known words; either sign alone must be the stronger."""
    features, look = learned
    wording = learn_wording(features, look(HOME), ["a", "b", "c", "d"], [1.0], told=True)
    known, tokens = np.array([40, 40, 0, 0]), np.full(4, 40)
    plain, told, unknown, both = wording.strangeness(known, tokens, np.zeros(4, int), np.array([0.0, 3.0, 0.0, 3.0]))
    assert plain < min(told, unknown)
    assert both > max(told, unknown)


def test_a_model_without_the_second_sign_reads_as_before(learn):
    files = read_files(learn(weights=()))
    bundle = build_bundle(files)
    assert len(bundle.weights.gate_bias) == len(bundle.weights.bias) - 1
    for name in ("middle", "width"):
        del files.manifest["wording"][name]
    assert build_bundle(files).wording == bundle.wording
    files.manifest["wording"]["width"] = 0
    with pytest.raises(BundleError, match="ZF-MODEL-BROKEN"):
        build_bundle(files)


def test_what_an_expert_allows_is_read_from_the_settings_and_the_bundle(learn):
    """The small corpus holds texts of both; in an older bundle every expert allows for all of it."""
    experts = (Expert(("message_board",)), Expert(("case_bulletin",), others=0.3, strange=0.5))
    files = read_files(learn(strange=2.4, experts=experts))
    assert build_bundle(files).wording.allowed == (1.0, 0.5)
    del files.manifest["wording"]["allowed"]
    assert build_bundle(files).wording.allowed == (1.0, 1.0)
    files.manifest["wording"]["allowed"] = [1.0]
    with pytest.raises(BundleError, match="ZF-MODEL-BROKEN"):
        build_bundle(files)


def test_what_only_one_group_says_is_strange_to_it(learned):
    features, look = learned
    together = learn_wording(features, look(HOME), ["a", "a", "a", "b"], [1.0])
    apart = learn_wording(features, look(HOME), ["a", "b", "c", "d"], [1.0])
    assert together.mean < apart.mean


@pytest.fixture
def open_texts(bundle, words, some_gold):
    """Short texts none of whose scores is nearly 0 or 1, where log-odds are rounded."""
    texts = [g.text for g in some_gold if len(g.text) < 300]
    scores = Scorer(bundle, words).probabilities(texts)
    return [t for t, p in zip(texts, scores, strict=True) if p.min() > 1e-6 and p.max() < 1 - 1e-6][:60]


def test_strangeness_adds_its_log_odds_and_no_more(bundle, words, open_texts):
    texts = [*open_texts, "渡口舢板捞起鲟鳇，晒盐翁煨芋，箬笠斜挂桅杆。" * 3]
    everyone = replace(bundle.wording, allowed=(1.0,) * len(bundle.wording.allowed))
    plain, allowing = (
        replace(bundle, wording=everyone, heads=tuple(replace(h, strange=s, backing=0.0) for h in bundle.heads))
        for s in (0.0, 2.0)
    )
    before, after = (Scorer(b, words).probabilities(texts) for b in (plain, allowing))
    added = logit(after) - logit(before)
    assert np.ptp(added, axis=1).max() < 1e-5
    assert (added >= 0).all()
    assert (added <= 2).all()
    assert added[-1].min() > 1.9
    assert np.allclose(after, expit(logit(before) + added))


def test_in_strange_wording_the_strongest_label_backs_the_problem_head(bundle, words, open_texts):
    texts = [*open_texts, open_texts[0] + "渡口舢板捞起鲟鳇，晒盐翁煨芋，箬笠斜挂桅杆。" * 9]
    alone = replace(bundle, heads=(*bundle.heads[:-1], replace(bundle.heads[-1], backing=0.0)))
    deaf = replace(alone, heads=tuple(replace(h, strange=0.0) for h in alone.heads))
    before, after, unmoved = (logit(Scorer(b, words).probabilities(texts)) for b in (alone, bundle, deaf))
    strange = (before - unmoved)[:, 0] / bundle.heads[0].strange
    beyond = np.maximum((before - logit([h.ask for h in bundle.heads]))[:, :-1].max(1), 0)
    assert (strange * beyond).max() > 0.1
    assert (beyond == 0).any()
    assert np.allclose(after[:, -1], before[:, -1] + strange * beyond, atol=1e-5)
    assert (after[:, :-1] == before[:, :-1]).all()


def test_thresholds_are_of_texts_in_usual_wording(learn, some_gold, monkeypatch):
    """What others told first is allowed for as strange wording is, so it lowers no threshold."""
    read, fit = [], training.fit_head
    monkeypatch.setattr(training, "fit_head", lambda m, truth, *rest: read.append(len(truth)) or fit(m, truth, *rest))
    learn()
    usual = read.pop()
    learn(weights=())
    retold = sum(g.file == "messages-retold" for g in some_gold)
    # Of the padded texts some are made of retold ones.
    assert retold <= read.pop() - usual < 2 * retold


def test_the_problem_head_alone_may_mind_false_alarms_more(learn, bundle):
    careful = load_bundle(learn(beta=0.3)).heads
    assert careful[-1].threshold > bundle.heads[-1].threshold
    assert [h.threshold for h in careful[:-1]] == [h.threshold for h in bundle.heads[:-1]]


def test_only_the_problem_head_is_backed_and_not_where_a_promise_is_made(learn):
    bundle, promised = (load_bundle(learn(**settings)) for settings in ({"backing": 0.5}, {"promise": 0.9}))
    assert [h.backing for h in bundle.heads] == [0.0] * (len(bundle.heads) - 1) + [0.5]
    assert not any(h.backing or h.strange for h in promised.heads)
