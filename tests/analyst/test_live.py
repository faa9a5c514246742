import numpy as np
import pytest

from pipeline.analyst.live import draw, estimate, measure_live


@pytest.fixture(scope="module")
def population():
    rng = np.random.default_rng(3)
    truth = rng.random(8000) < 0.15
    called = np.where(truth, rng.random(8000) < 0.6, rng.random(8000) < 0.05)
    chances = np.where(called, 0.2, 0.04)
    return truth, called, chances


@pytest.mark.parametrize("people", [1, 2])
def test_estimates_are_centred_and_their_intervals_hold_the_truth(population, people):
    """Of one person who is right, or of two who err: then each is measured against, and averaged."""
    truth, called, chances = population
    rng = np.random.default_rng(5)
    said = [truth] if people == 1 else [truth ^ (rng.random(8000) < 0.08) for _ in range(2)]
    mean = np.mean(said, axis=0)
    real = {"precision": mean[called].mean(), "recall": (mean * called).sum() / mean.sum(), "share": mean.mean()}
    found = {name: [] for name in real}
    for salt in range(150):
        rows = draw([str(n) for n in range(8000)], chances, str(salt))
        (row,) = measure_live(mean[rows, None], called[rows, None], chances[rows], ["x"])
        each = [measure_live(p[rows, None], called[rows, None], chances[rows], ["x"])[0].precision for p in said]
        assert row.precision.value == pytest.approx(np.mean([e.value for e in each]))
        for name in real:
            found[name].append(getattr(row, name))
    for name, value in real.items():
        assert np.mean([e.value for e in found[name]]) == pytest.approx(value, abs=0.02), name
        assert np.mean([e.low <= value <= e.high for e in found[name]]) >= 0.9, name
    # Without weights recall would look far better than it is.
    assert called[rows][truth[rows]].mean() > called[truth].mean() + 0.15


def test_the_same_word_draws_the_same_texts_and_a_higher_rate_only_adds():
    keys = [f"k{n}" for n in range(3000)]
    some = set(draw(keys, np.full(3000, 0.05), "a"))
    assert some == set(draw(keys, np.full(3000, 0.05), "a"))
    assert some < set(draw(keys, np.full(3000, 0.2), "a"))
    assert some != set(draw(keys, np.full(3000, 0.05), "b"))
    assert 90 < len(some) < 215


def test_little_evidence_says_so():
    nothing = estimate(np.zeros(5, bool), np.zeros(5, bool), np.full(5, 0.5))
    assert (nothing.low, nothing.high, nothing.texts) == (0.0, 1.0, 0)
    all_right = estimate(np.ones(4, bool), np.ones(4, bool), np.full(4, 0.1))
    assert all_right.value == 1
    assert all_right.low < 0.5
    everything = estimate(np.array([1, 0, 1, 1], bool), np.ones(4, bool), np.ones(4))
    assert everything.low < 0.75 < everything.high
