"""What a corpus gives away without being read: openings, length, register and punctuation should tell little."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from pipeline.corpus.gold import Gold, label_matrix
from pipeline.corpus.tables import Table
from pipeline.taxonomy import Taxonomy

__all__ = ["leak_table"]

_MARKS = "，。！？；：、“”《》（）…,.!?0123456789 \n"
FOLDS = 5


def leak_table(gold: Sequence[Gold], taxonomy: Taxonomy) -> Table:
    """Return cross-validated AUCs of classifiers that see only the first ten characters, or only the form.

    0.5 is chance. "Problem" is having any label; "labels" the mean over labels with at least ten positives, among
    the texts that have one. Folds keep groups whole.
    """
    rows: Table = [("看得见的", "有无问题 AUC", "各标签平均 AUC")]
    positive = np.array([g.positive for g in gold])
    labels = label_matrix(gold, taxonomy)
    for name, x in (("前十个字", _openings(gold)), ("长度、标点", _form(gold)), ("只有语域", _registers(gold))):
        inside = [_auc(x[positive], labels[positive, j], _groups(gold, positive)) for j in range(labels.shape[1])]
        rows.append(
            (
                name,
                f"{_auc(x, positive, _groups(gold, np.ones(len(gold), bool))):.3f}",
                f"{np.mean([a for a in inside if not np.isnan(a)]):.3f}",
            )
        )
    return rows


def _groups(gold: Sequence[Gold], kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    return np.unique([g.group for g, k in zip(gold, kept, strict=True) if k], return_inverse=True)[1]


def _openings(gold: Sequence[Gold]) -> sparse.csr_matrix:
    from sklearn.feature_extraction.text import HashingVectorizer

    hashed = HashingVectorizer(analyzer="char", ngram_range=(1, 2)).transform([g.text[:10] for g in gold])
    return sparse.csr_matrix(hashed)


def _form(gold: Sequence[Gold]) -> sparse.csr_matrix:
    counts = np.array([[g.text.count(c) for c in _MARKS] for g in gold], float)
    size = np.array([[len(g.text)] for g in gold], float)
    x = np.hstack([np.log1p(size), np.log1p(counts), counts / size * 10])
    return sparse.csr_matrix(x / x.std(0).clip(1e-9))


def _registers(gold: Sequence[Gold]) -> sparse.csr_matrix:
    names = np.unique([g.register for g in gold], return_inverse=True)[1]
    return sparse.csr_matrix(np.eye(names.max() + 1)[names])


def _auc(x: sparse.csr_matrix, y: npt.NDArray[np.bool_], groups: npt.NDArray[np.int64]) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold, cross_val_predict

    if min(y.sum(), (~y).sum()) < 10 or len(set(groups)) < FOLDS:
        return float("nan")
    model = LogisticRegression(solver="liblinear")
    scores = cross_val_predict(model, x, y, groups=groups, cv=GroupKFold(FOLDS), method="decision_function")
    return float(roc_auc_score(y, scores))
