"""What a corpus gives away without being read: openings, length, register and punctuation should tell little."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from pipeline.corpus.gold import Gold, label_matrix
from pipeline.corpus.tables import Table
from pipeline.ndarrays import Bools, Ints
from pipeline.taxonomy import Taxonomy

__all__ = ["leak_table"]

_MARKS = "，。！？；：、“”《》（）…,.!?0123456789 \n"
FOLDS = 5
LEAST = 10
MESSAGES = ("message_board", "hotline_ticket", "petition_letter")


def leak_table(gold: Sequence[Gold], taxonomy: Taxonomy) -> Table:
    """Return cross-validated AUCs of classifiers that see only the first ten characters, or only the form.

    0.5 is chance. "Problem" is having any label; "labels" the mean over labels with at least ten positives, among
    the texts that have one. The last column asks for the problem among the messages of citizens alone, where a
    register cannot help. A dash stands where there are too few texts. Folds keep groups whole.
    """
    rows: Table = [("看得见的", "有无问题 AUC", "各标签平均 AUC", "留言、工单、来信中的有无问题 AUC")]
    positive = np.array([g.positive for g in gold])
    message = np.array([g.register in MESSAGES for g in gold])
    labels = label_matrix(gold, taxonomy)
    groups = np.unique([g.group for g in gold], return_inverse=True)[1]
    for name, x in (("前十个字", _openings(gold)), ("长度、标点", _form(gold)), ("只有语域", _registers(gold))):
        values = (
            _auc(x, positive[:, None], groups),
            _auc(x[positive], labels[positive], groups[positive]),
            _auc(x[message], positive[message, None], groups[message]),
        )
        rows.append((name, *("–" if np.isnan(v) else f"{v:.3f}" for v in values)))
    return rows


def _openings(gold: Sequence[Gold]) -> sparse.csr_matrix:
    from sklearn.feature_extraction.text import HashingVectorizer

    first = [g.text[:10] for g in gold]
    hashed = HashingVectorizer(analyzer="char", ngram_range=(1, 2), n_features=2**15).transform(first)
    return sparse.csr_matrix(hashed)


def _form(gold: Sequence[Gold]) -> sparse.csr_matrix:
    counts = np.array([[g.text.count(c) for c in _MARKS] for g in gold], float)
    size = np.array([[len(g.text)] for g in gold], float)
    x = np.hstack([np.log1p(size), np.log1p(counts), counts / size * 10])
    return sparse.csr_matrix(x / x.std(0).clip(1e-9))


def _registers(gold: Sequence[Gold]) -> sparse.csr_matrix:
    names = np.unique([g.register for g in gold], return_inverse=True)[1]
    return sparse.csr_matrix(np.eye(names.max() + 1)[names])


def _auc(x: sparse.csr_matrix, y: Bools, groups: Ints) -> float:
    """Return the mean AUC over the columns of ``y`` (texts, labels) of one ridge regression for all of them."""
    from sklearn.linear_model import Ridge
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold, cross_val_predict

    y = y[:, np.minimum(y.sum(0), (~y).sum(0)) >= LEAST]
    if not y.size or len(np.unique(groups)) < FOLDS:
        return float("nan")
    model = Ridge(solver="lsqr", tol=1e-3)
    scores = cross_val_predict(model, x, y.astype(float), groups=groups, cv=GroupKFold(FOLDS))
    return float(roc_auc_score(y, scores.reshape(y.shape)))
