"""Splits that keep groups whole and spread every label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.ndarrays import Bools, Ints

__all__ = ["group_folds"]


def group_folds(groups: Sequence[str], y: Bools, folds: int, seed: int) -> Ints:
    """Return the fold of each text, shape (texts,): groups stay whole, labels of ``y`` are spread.

    No library stratifies multi-label data and keeps groups: the groups are stratified on the union of their
    labels (Sechidis, Tsoumakas & Vlahavas 2011, as in *iterative-stratification*), then expanded to texts.
    """
    from iterstrat.ml_stratifiers import MultilabelStratifiedKFold

    names, index = np.unique(np.asarray(groups), return_inverse=True)
    if len(names) < folds:
        raise ValueError(f"{len(names)} groups for {folds} folds")
    union = np.zeros((len(names), y.shape[1] + 1), np.int64)
    np.maximum.at(union[:, :-1], index, y.astype(np.int64))
    union[:, -1] = ~union[:, :-1].any(1)
    fold_of = np.empty(len(names), np.int64)
    splitter = MultilabelStratifiedKFold(n_splits=folds, shuffle=True, random_state=seed)
    for fold, (_, held_out) in enumerate(splitter.split(np.zeros((len(names), 1)), union)):
        fold_of[held_out] = fold
    return fold_of[index]
