"""What more corpus buys: the plain baseline on growing shares of the training groups, here and on real messages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.special import expit, logit

from pipeline.bench.draws import draws
from pipeline.bench.peers import words_and_chars
from pipeline.corpus.gold import Gold, label_matrix
from pipeline.model.calibrate import best_f_threshold
from pipeline.model.evaluate import macro_f1
from pipeline.model.folds import group_folds
from pipeline.ndarrays import Bools, Floats
from pipeline.taxonomy import Taxonomy

__all__ = ["Point", "draw_curve", "fit_plain", "learning_curve"]

SHARES = (0.125, 0.25, 0.5, 1.0)
FOLDS = 3
#: Reviewed documents that thresholds are re-set on.
LOCAL = 300
#: Log-odds by which thresholds from training are lowered for messages, whose wording is strange to the corpus.
LOWERED = 1.6


@dataclass(frozen=True, slots=True)
class Point:
    """Macro-F1 per scheme of one training set, on one test set, with one way of setting thresholds."""

    training: str
    texts: int
    test: str
    thresholds: str
    macro_f1: dict[str, float]


def learning_curve(
    train: Sequence[Gold],
    test: Sequence[Gold],
    messages: Sequence[Gold],
    taxonomy: Taxonomy,
    *,
    first: Callable[[Gold], bool],
    local: int = LOCAL,
    progress: Callable[[str], None] = lambda step: None,
) -> list[Point]:
    """Train jieba words ∪ characters, TF-IDF, LogisticRegression on shares of the groups and on ``first`` alone.

    Groups enter in the order of a hash of their names, so that each share holds the smaller ones. Macro-F1 counts
    labels with at least five positives in the test set; with thresholds re-set on ``local`` messages it is of the
    decisions of all draws together, over the labels that count among all messages.
    On messages thresholds from training are lowered by LOWERED.
    """
    order = sorted({g.group for g in train}, key=lambda name: hashlib.sha256(name.encode()).digest())
    sets = [("只用首批", [g for g in train if first(g)])]
    for share in SHARES:
        kept = set(order[: round(len(order) * share)])
        sets.append((f"{share:.1%}", [g for g in train if g.group in kept]))
    points = []
    for name, texts in sets:
        progress(f"{name}：{len(texts)} 条")
        scores, thresholds = fit_plain(texts, [*test, *messages], taxonomy)
        lowered = expit(logit(thresholds) - LOWERED)
        own, real = scores[: len(test)], scores[len(test) :]
        truth, real_truth = label_matrix(test, taxonomy), label_matrix(messages, taxonomy)
        points += [
            Point(name, len(texts), "语料 test", "训练时", macro_f1(truth, own >= thresholds, taxonomy)),
            Point(name, len(texts), "真实留言", "训练时", macro_f1(real_truth, real >= lowered, taxonomy)),
            Point(name, len(texts), "真实留言", f"{local} 条重设", _local(real, real_truth, taxonomy, local)),
        ]
    return points


def _local(scores: Floats, truth: Bools, taxonomy: Taxonomy, size: int) -> dict[str, float]:
    parts = []
    for local, rest in draws(len(truth), size):
        parts.append((truth[rest], scores[rest] >= _thresholds(scores[local], truth[local])))
    real, called = (np.vstack(of) for of in zip(*parts, strict=True))
    return macro_f1(real, called, taxonomy, whole=truth)


def _thresholds(scores: Floats, truth: Bools) -> Floats:
    return np.array([best_f_threshold(scores[:, j], truth[:, j]) for j in range(truth.shape[1])])


def fit_plain(train: Sequence[Gold], test: Sequence[Gold], taxonomy: Taxonomy) -> tuple[Floats, Floats]:
    """Return the plain baseline's scores (test, labels) and its thresholds from the training texts, cross-validated."""
    features = words_and_chars()
    x = sparse.csr_matrix(features.fit_transform([g.text for g in train]))
    truth = label_matrix(train, taxonomy)
    fold = group_folds([g.group for g in train], truth, FOLDS, 0)
    held = np.zeros(truth.shape)
    for number in range(FOLDS):
        inside = fold != number
        held[~inside] = _logistic(x[inside], truth[inside], x[~inside])
    return _logistic(x, truth, features.transform([g.text for g in test])), _thresholds(held, truth)


def _logistic(x: sparse.csr_matrix, truth: Bools, unseen: sparse.csr_matrix) -> Floats:
    from joblib import Parallel, delayed
    from sklearn.linear_model import LogisticRegression

    def one(target: Bools) -> Floats:
        if target.all() or not target.any():
            return np.full(unseen.shape[0], float(target.all()))
        return np.asarray(LogisticRegression(C=3, solver="liblinear").fit(x, target).predict_proba(unseen)[:, 1])

    return np.column_stack(Parallel(n_jobs=-1, max_nbytes=None)(delayed(one)(t) for t in truth.T))


def draw_curve(points: Sequence[Point], taxonomy: Taxonomy, path: Path) -> None:
    """Save the curve as SVG: macro-F1 against training texts, one panel per scheme."""
    import altair as alt
    import pandas as pd

    names = {s.id: s.name for s in taxonomy.schemes}
    rows = [
        {"训练文本": p.texts, "宏 F1": value, "方案": names[scheme], "测在": f"{p.test}，{p.thresholds}阈值"}
        for p in points
        if p.training != "只用首批"
        for scheme, value in p.macro_f1.items()
    ]
    chart = (
        alt.Chart(pd.DataFrame(rows))
        .mark_line(point=True)
        .encode(
            x=alt.X("训练文本:Q", scale=alt.Scale(type="log", base=2), axis=alt.Axis(grid=False)),
            y=alt.Y("宏 F1:Q", scale=alt.Scale(domain=[0, 0.8])),
            color=alt.Color("测在:N", legend=alt.Legend(orient="bottom")),
            column=alt.Column("方案:N", title=None),
        )
        .properties(width=260, height=220)
    )
    chart.save(path)
