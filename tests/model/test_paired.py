import math

import numpy as np
import pytest

from pipeline.model.paired import adjust, contrasts, count, holm
from pipeline.model.promise import check_promise, promise_of


def one_column(truth, a, b, clusters=None):
    where = np.arange(len(truth)) if clusters is None else clusters
    columns = [np.asarray(v, bool)[:, None] for v in (truth, a, b)]
    return count(columns[0], columns[1], where), count(columns[0], columns[2], where)


def test_the_test_agrees_with_counting_every_exchange():
    # 12 positives that only A finds, 4 that only B finds, 40 both; 3 false alarms of A, 5 of B.
    truth = [1] * 56 + [0] * 44
    a = [1] * 12 + [0] * 4 + [1] * 40 + [1] * 3 + [0] * 41
    b = [0] * 12 + [1] * 4 + [1] * 40 + [0] * 3 + [1] * 5 + [0] * 36
    found = contrasts(*one_column(truth, a, b))[0]

    def f1(hits, said):
        return 2 * hits / (said + 56)

    gap = f1(44, 49) - f1(52, 55)
    assert found.difference == pytest.approx(gap)
    exact = 0.0
    for k in range(17):
        for m in range(9):
            moved = f1(40 + 16 - k, 40 + 16 - k + 8 - m) - f1(40 + k, 40 + k + m)
            if abs(moved) >= abs(gap) - 1e-12:
                exact += math.comb(16, k) * math.comb(8, m) / 2**24
    assert found.p == pytest.approx(exact, abs=0.01)
    assert found.low < gap < found.high


def test_equal_models_are_called_different_about_as_often_as_promised():
    rng = np.random.default_rng(5)
    small = 0
    for seed in range(200):
        truth = rng.random(200) < 0.3
        a, b = (truth ^ (rng.random(200) < 0.15) for _ in range(2))
        small += contrasts(*one_column(truth, a, b), rounds=10, flips=400, seed=seed)[0].p <= 0.05
    assert small <= 20


def test_copies_of_a_text_are_one_observation():
    rng = np.random.default_rng(1)
    truth = rng.random(60) < 0.4
    a = truth ^ (rng.random(60) < 0.1)
    b = truth ^ (rng.random(60) < 0.3)
    once = contrasts(*one_column(truth, a, b))[0]
    copied = contrasts(*one_column(*(np.repeat(v, 5) for v in (truth, a, b)), np.repeat(np.arange(60), 5)))[0]
    assert copied.p == once.p
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high))


def test_holm_corrects_in_order():
    assert holm([0.01, 0.04, 0.03, 0.9]) == pytest.approx([0.04, 0.09, 0.09, 0.9])
    truth = np.ones(3, bool)
    family = adjust(contrasts(*one_column(truth, truth, truth)))
    assert family[0].adjusted == 1.0


def test_a_promise_is_kept_open_or_broken():
    truth = np.zeros((400, 3), bool)
    called = np.zeros_like(truth)
    called[:200, 0] = called[:4, 1] = called[:200, 2] = True
    truth[:195, 0] = truth[:3, 1] = truth[:150, 2] = True
    states = [k.state for k in check_promise(["a", "b", "c"], truth, called, 0.9)]
    assert states == ["kept", "open", "broken"]


def test_what_adapt_promised_replaces_what_train_did():
    assert promise_of({"settings": {}}) == 0
    assert promise_of({"settings": {"promise": 0.9}}) == 0.9
    assert promise_of({"settings": {"promise": 0.9}, "adapted": {"promise": 0.0}}) == 0
