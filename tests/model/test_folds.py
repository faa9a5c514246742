import numpy as np
import pytest

from pipeline.model.folds import group_folds


def test_groups_stay_whole_and_labels_are_spread():
    rng = np.random.default_rng(1)
    groups = [f"g{n // 2}" for n in range(400)]
    y = rng.random((400, 4)) < (0.5, 0.3, 0.1, 0.05)
    fold = group_folds(groups, y, 5, seed=3)
    assert all(fold[n] == fold[n + 1] for n in range(0, 400, 2))
    counts = np.array([[y[fold == f, j].sum() for f in range(5)] for j in range(4)])
    assert (counts.max(1) - counts.min(1) <= np.maximum(4, 0.35 * counts.mean(1))).all()


def test_folds_depend_on_the_seed_alone():
    y = np.eye(30, 3, dtype=bool)
    groups = [str(n) for n in range(30)]
    a, b, c = (group_folds(groups, y, 3, seed) for seed in (1, 1, 2))
    assert (a == b).all()
    assert (a != c).any()


def test_too_few_groups_are_refused():
    with pytest.raises(ValueError, match="2 groups"):
        group_folds(["a", "a", "b"], np.ones((3, 1), bool), 3, 0)
