import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from pipeline.model.calibrate import (
    NEVER,
    TRUSTED,
    best_f_threshold,
    expected_calibration_error,
    expected_f1_threshold,
    fit_sigmoid,
    lean_thresholds,
    promised_thresholds,
    stand_in_threshold,
)


def test_a_sigmoid_is_found_again():
    rng = np.random.default_rng(0)
    margins = rng.normal(size=20_000)
    truth = rng.random(20_000) < expit(2.5 * margins - 1)
    slope, shift = fit_sigmoid(margins, truth)
    assert slope == pytest.approx(2.5, rel=0.1)
    assert shift == pytest.approx(-1, rel=0.1)
    assert expected_calibration_error(expit(slope * margins + shift), truth) < 0.015


@given(st.lists(st.tuples(st.floats(-5, 5), st.booleans()), min_size=1, max_size=40))
def test_scores_never_fall_when_margins_rise(pairs):
    slope, shift = fit_sigmoid(np.array([m for m, _ in pairs]), np.array([t for _, t in pairs]))
    assert slope >= 0
    assert np.isfinite([slope, shift]).all()


def test_the_threshold_lies_between_two_clear_crowds():
    probabilities = np.concatenate([np.full(80, 0.25), np.full(20, 0.75)])
    truth = np.arange(100) >= 80
    assert 0.25 < best_f_threshold(probabilities, truth) <= 0.75


def test_the_less_recall_counts_the_higher_the_threshold():
    dice = np.random.default_rng(0)
    probabilities = dice.random(4000)
    truth = dice.random(4000) < probabilities
    thresholds = [best_f_threshold(probabilities, truth, beta) for beta in (2, 1, 0.5)]
    assert thresholds == sorted(thresholds)
    # Of calibrated scores the best F-beta lies where p is F / (1 + beta²); for F1 that is half of it.
    above = [np.mean(truth[probabilities >= t]) for t in thresholds]
    assert above[0] < above[1] < above[2]


def test_the_error_is_the_gap_of_each_tenth_by_its_share():
    scores = np.array([0.02, 0.08, 0.31, 0.39, 0.35, 1.0])
    truth = np.array([False, True, False, False, True, True])
    # 2 of 6: 0.05 against a half; 3 of 6: 0.35 against a third; the last is right.
    assert expected_calibration_error(scores, truth) == pytest.approx((2 * 0.45 + 3 * (0.35 - 1 / 3)) / 6)


def test_certain_and_wrong_scores_have_the_full_error():
    assert expected_calibration_error(np.array([1.0, 0.0]), np.array([False, True])) == pytest.approx(1)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_expected_f1_threshold_calls_the_best_number_of_texts(values):
    p = np.sort(np.array(values))[::-1]
    worth = [2 * p[:k].sum() / (k + p.sum()) for k in range(1, len(p) + 1)]
    called = p >= expected_f1_threshold(p)
    assert 2 * p[called].sum() / (called.sum() + p.sum()) == pytest.approx(max(worth))


def test_a_promise_is_kept_or_the_label_is_never_decided():
    rng = np.random.default_rng(0)
    scores = rng.random((4000, 2))
    truth = np.column_stack([rng.random(4000) < scores[:, 0], rng.random(4000) < 0.3])
    kept, never = promised_thresholds(scores, truth, 0.9)
    assert truth[scores[:, 0] >= kept, 0].mean() > 0.9
    assert kept < 0.95
    assert never == NEVER


def test_a_promise_that_nothing_keeps_is_hardly_ever_made():
    """Precision is just below the promise at every threshold: whatever is promised is a mistake."""
    rng = np.random.default_rng(0)
    for labels in (1, 4):
        shape = (1000, labels)
        runs = [promised_thresholds(rng.random(shape), rng.random(shape) < 0.899, 0.9) for _ in range(300)]
        assert np.isfinite(runs).any(1).mean() <= 0.05


def test_few_texts_promise_nothing_and_equal_scores_stand_together():
    every = np.ones((20, 1), bool)
    assert promised_thresholds(np.linspace(0, 1, 20)[:, None], every, 0.9) == [NEVER]
    # Of the texts with the one score half are right, whichever come first.
    assert promised_thresholds(np.full((400, 1), 0.7), (np.arange(400) < 200)[:, None], 0.9) == [NEVER]
    assert promised_thresholds(np.full((400, 1), 0.7), np.ones((400, 1), bool), 0.9) == [0.7]


def test_where_one_always_stands_in_the_threshold_asks_only_for_more():
    # The best label is right in every text; second ones are right from 0.6 on.
    probabilities = np.array([[0.3, 0.1], [0.9, 0.7], [0.6, 0.9], [0.8, 0.4], [0.2, 0.5]])
    truth = np.array([[1, 0], [1, 1], [1, 1], [1, 0], [0, 1]], bool)
    threshold = stand_in_threshold(probabilities, truth)
    assert 0.4 < threshold < 0.6
    best = probabilities.argmax(1)[:, None] == np.arange(2)
    assert (((probabilities >= threshold) | best) == truth).all()
    # Each alone would have to go as low as the weakest text it is right in.
    assert best_f_threshold(probabilities[:, 0], truth[:, 0]) <= 0.3


def test_what_never_has_a_second_label_gets_none():
    probabilities = np.array([[0.9, 0.6], [0.4, 0.8]])
    truth = np.array([[1, 0], [0, 1]], bool)
    assert stand_in_threshold(probabilities, truth) > 0.6


def test_a_label_with_few_positives_leans_on_the_others():
    leaned = lean_thresholds(np.array([0.8, 0.8, 0.8]), 0.2, np.array([0, TRUSTED, 10**6]))
    assert leaned == pytest.approx([0.2, 0.5, 0.8], abs=1e-3)
