"""Per-label precision, recall and F1 with bootstrap intervals, beside the plain baseline."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from pipeline.corpus.gold import Gold, label_matrix
from pipeline.errors import CorpusError
from pipeline.model.calibrate import expected_calibration_error
from pipeline.model.paired import contrasts, count
from pipeline.model.score import Scorer
from pipeline.ndarrays import Bools, Floats, Ints
from pipeline.taxonomy import Taxonomy
from pipeline.text.segment import JiebaSegmenter, RjiebaSegmenter

__all__ = [
    "counted_columns",
    "evaluate",
    "figures_of",
    "macro_f1",
    "measure",
    "micro_f1",
    "paired_difference",
    "plain_baseline",
    "plain_decisions",
    "problem_f1",
    "resamples",
]

#: Labels with fewer positives say little; macro averages leave them out and say so.
LEAST = 5
_WORD = re.compile(r"\w+")


def evaluate(scorer: Scorer, gold: Sequence[Gold], *, rounds: int = 1000) -> dict[str, Any]:
    """Score ``gold`` and return the figures as plain data; raises as `figures_of` does."""
    truth = label_matrix(gold, scorer.bundle.taxonomy)
    groups = [g.group for g in gold]
    return figures_of(scorer, scorer.probabilities([g.text for g in gold]), truth, groups, rounds=rounds)


def figures_of(
    scorer: Scorer, probabilities: Floats, truth: Bools, groups: Sequence[str], *, rounds: int
) -> dict[str, Any]:
    """Return the figures of texts already scored: ``probabilities`` (texts, heads), ``truth`` (texts, columns).

    Raises CorpusError without texts.
    """
    if not len(truth):
        raise CorpusError("ZF-EVALUATE-EMPTY", "没有可供测量的文本", "用 --gold 指定带标签的 .jsonl。")
    called = scorer.decide(probabilities)
    figures = measure(truth, called, scorer.bundle.taxonomy, groups=groups, rounds=rounds)
    figures["model"] = scorer.bundle.id
    figures["expected_calibration_error"] = round(
        float(np.mean([expected_calibration_error(probabilities[:, j], truth[:, j]) for j in range(truth.shape[1])])), 4
    )
    return figures


def measure(
    truth: Bools, called: Bools, taxonomy: Taxonomy, *, groups: Sequence[str] = (), rounds: int = 1000
) -> dict[str, Any]:
    """Return counts and intervals for decisions ``called`` against ``truth``, both (texts, columns).

    Whole ``groups`` (texts,) are drawn for the intervals; without any, each text is one.
    """
    weights = resamples(groups or range(len(truth)), rounds, np.random.default_rng(0))
    hits, said, real = (weights @ m.astype(float) for m in (truth & called, called, truth))
    columns = taxonomy.columns
    labels = {}
    for j, (owner, label) in enumerate(columns):
        labels[label] = {
            "scheme": owner,
            "positives": int(truth[:, j].sum()),
            "precision": _interval(hits[:, j] / np.maximum(said[:, j], 1)),
            "recall": _interval(hits[:, j] / np.maximum(real[:, j], 1)),
            "f1": _interval(2 * hits[:, j] / np.maximum(said[:, j] + real[:, j], 1)),
        }
    schemes = {}
    counting = counted_columns(truth, taxonomy)
    for scheme, block in taxonomy.blocks:
        counted = counting[scheme.id]
        f1 = 2 * hits[:, counted] / np.maximum(said[:, counted] + real[:, counted], 1)
        total = said[:, block].sum(1) + real[:, block].sum(1)
        schemes[scheme.id] = {
            "labels_counted": len(counted),
            "macro_f1": _interval(f1.mean(1)) if len(counted) else None,
            "micro_f1": _interval(2 * hits[:, block].sum(1) / np.maximum(total, 1)),
        }
    any_truth, any_called = truth.any(1), called.any(1)
    hit, both = weights @ (any_truth & any_called), weights @ any_truth + weights @ any_called
    innocent = ~any_truth
    return {
        "texts": len(truth),
        "labels": labels,
        "schemes": schemes,
        "problem": {
            "f1": _interval(2 * hit / np.maximum(both, 1)),
            # Of texts that all have labels nobody can say how often one without is given one.
            "false_alarm_rate": _interval(weights @ (innocent & any_called) / np.maximum(weights @ innocent, 1))
            if innocent.any()
            else None,
        },
    }


def resamples(groups: Sequence[Hashable], rounds: int, rng: np.random.Generator) -> Floats:
    """Return how often each text counts, (1 + rounds, texts): once, then as often as its group is drawn.

    What is said of one situation goes right or wrong together: drawn one by one, the texts would look like more than
    they are, and the intervals be too narrow.
    """
    numbers: dict[Hashable, int] = {}
    clusters = np.array([numbers.setdefault(g, len(numbers)) for g in groups])
    drawn = rng.multinomial(len(numbers), np.full(len(numbers), 1 / len(numbers)), rounds)
    return np.vstack([np.ones(len(clusters)), drawn[:, clusters]])


def macro_f1(truth: Bools, called: Bools, taxonomy: Taxonomy, *, whole: Bools | None = None) -> dict[str, float]:
    """Return each scheme's mean F1 over the labels with at least LEAST positives in ``truth`` (texts, columns).

    Not a number where a scheme has no such label. Of parts that are put beside each other give the ``whole`` (texts,
    columns) that they are drawn from: it says which labels count, else the smaller part leaves the rare ones out.
    """
    hits, total = (truth & called).sum(0), truth.sum(0) + called.sum(0)
    f1 = 2 * hits / np.maximum(total, 1)
    counted = counted_columns(truth if whole is None else whole, taxonomy)
    return {scheme: float(f1[mine].mean()) if len(mine) else float("nan") for scheme, mine in counted.items()}


def counted_columns(truth: Bools, taxonomy: Taxonomy) -> dict[str, Ints]:
    """Return the columns that the macro average of each scheme is over, those with LEAST positives or more."""
    enough = truth.sum(0) >= LEAST
    return {s.id: block.start + np.flatnonzero(enough[block]) for s, block in taxonomy.blocks}


def problem_f1(truth: Bools, called: Bools) -> float:
    """Return F1 of having any label at all; both (texts, columns)."""
    return micro_f1(np.asarray(truth.any(1)), np.asarray(called.any(1)))


def micro_f1(truth: Bools, called: Bools) -> float:
    """Return F1 over all cells of two matrices."""
    return float(2 * (truth & called).sum() / max(int(truth.sum() + called.sum()), 1))


def paired_difference(
    truth: Bools, called: Bools, other: Bools, groups: Sequence[str], taxonomy: Taxonomy
) -> dict[str, tuple[float, float, float]]:
    """Return per scheme `macro_f1` of ``called`` minus that of ``other`` on the same texts, with its 95 % interval.

    Whole ``groups`` (texts,) are drawn; a scheme that has no macro-F1 is left out.
    """
    means = {s: mine for s, mine in counted_columns(truth, taxonomy).items() if len(mine)}
    clusters = np.unique(np.asarray(groups), return_inverse=True)[1]
    before, after = (count(truth, c, clusters) for c in (other, called))
    found = contrasts(before, after, means=list(means.values()), flips=1)[truth.shape[1] :]
    return {s: (c.difference, c.low, c.high) for s, c in zip(means, found, strict=True)}


def plain_baseline(
    train: Sequence[Gold], test: Sequence[Gold], taxonomy: Taxonomy, *, rounds: int = 1000, reference: bool = True
) -> dict[str, Any]:
    """Train what most people write and return its figures on the same texts."""
    called = plain_decisions(train, test, taxonomy, reference=reference)
    groups = [g.group for g in test]
    figures = measure(label_matrix(test, taxonomy), called, taxonomy, groups=groups, rounds=rounds)
    figures["model"] = "jieba + TF-IDF + LogisticRegression(OvR), 0.5"
    return figures


def plain_decisions(
    train: Sequence[Gold], test: Sequence[Gold], taxonomy: Taxonomy, *, reference: bool = True
) -> Bools:
    """Return what most people's pipeline decides, (texts, columns).

    jieba words, TF-IDF, LogisticRegression one-vs-rest, threshold 0.5; nothing tuned.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    segmenter = JiebaSegmenter({}) if reference else RjiebaSegmenter({})

    def words(gold: Sequence[Gold]) -> list[list[str]]:
        return [[w for w in cut if _WORD.match(w)] for cut in segmenter.cut([g.text for g in gold])]

    vectoriser = TfidfVectorizer(analyzer=lambda cut: cut)
    x = vectoriser.fit_transform(words(train))
    truth = label_matrix(train, taxonomy)
    called = np.zeros((len(test), truth.shape[1]), bool)
    learnable = truth.any(0) & ~truth.all(0)
    model = OneVsRestClassifier(LogisticRegression(max_iter=1000)).fit(x, truth[:, learnable].astype(int))
    called[:, learnable] = model.predict_proba(vectoriser.transform(words(test))) >= 0.5
    called[:, truth.all(0)] = True
    return called


def _interval(samples: Floats) -> list[float]:
    """Return the first of ``samples`` and the 95 % percentile bootstrap interval of the others, rounded for people."""
    low, high = np.percentile(samples[1:], [2.5, 97.5]) if len(samples) > 1 else (samples[0], samples[0])
    return [round(float(v), 4) for v in (samples[0], low, high)]
