"""A model on texts it has not seen: how good per label, what it takes for what, where, and its worst mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np
from scipy.special import logit

from pipeline.corpus.gold import Gold, label_matrix
from pipeline.model.calibrate import BINS
from pipeline.model.evaluate import figures_of, resamples
from pipeline.model.score import Scorer
from pipeline.model.slices import parts_of
from pipeline.ndarrays import Bools, Floats
from pipeline.taxonomy import Taxonomy
from pipeline.text.clean import clean

__all__ = ["Bin", "Diagnosis", "Mistake", "Part", "Point", "Swap", "diagnose"]

#: Thresholds a curve is drawn over.
GRID = np.round(np.arange(0.05, 0.96, 0.05), 2)
#: Mistakes shown, of one label and side and in all.
EACH, MOST = 4, 60
_SMALL = 1e-6


@dataclass(frozen=True, slots=True)
class Swap:
    """So many texts have label ``truth``, were not given it, and were wrongly given ``called`` of the same scheme."""

    scheme: str
    truth: str
    called: str
    texts: int


@dataclass(frozen=True, slots=True)
class Bin:
    """Scores of a scheme's labels (or of problem-or-not, "") in one tenth: mean, share that holds."""

    scheme: str
    scores: int
    score: float
    rate: float


@dataclass(frozen=True, slots=True)
class Point:
    """What a label would reach were ``threshold`` its threshold."""

    label: str
    threshold: float
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Part:
    """Micro-F1 [value, low, high] among the texts of a register or length; None where no label is in play.

    ``innocent`` texts have no label; ``alarms`` of them are given one.
    """

    kind: str
    name: str
    texts: int
    f1: list[float] | None
    innocent: int
    alarms: int


@dataclass(frozen=True, slots=True)
class Mistake:
    """A label wrongly given, or not given though it holds (``truth``); ``quote`` speaks most for it.

    ``far`` is how far the score lies on the wrong side of the threshold, in log-odds. The quote is masked.
    """

    id: str
    label: str
    truth: bool
    score: float
    far: float
    quote: str


@dataclass(frozen=True)
class Diagnosis:
    """Everything `diagnose` found; ``thresholds`` are the model's, by label."""

    taxonomy: Taxonomy
    figures: Mapping[str, Any]
    swaps: tuple[Swap, ...]
    bins: tuple[Bin, ...]
    points: tuple[Point, ...]
    thresholds: Mapping[str, float]
    parts: tuple[Part, ...]
    mistakes: tuple[Mistake, ...]


def diagnose(scorer: Scorer, gold: Sequence[Gold], *, rounds: int = 1000) -> Diagnosis:
    """Look at ``scorer`` on ``gold`` from all sides; raises CorpusError without texts."""
    taxonomy = scorer.bundle.taxonomy
    probabilities = scorer.probabilities([g.text for g in gold])
    called = scorer.decide(probabilities)
    truth = label_matrix(gold, taxonomy)
    groups = [g.group for g in gold]
    heads = scorer.bundle.heads[:-1]
    thresholds = {label: h.threshold for (_, label), h in zip(taxonomy.columns, heads, strict=True)}
    rng = np.random.default_rng(0)
    return Diagnosis(
        taxonomy=taxonomy,
        figures=figures_of(scorer, probabilities, truth, groups, rounds=rounds),
        swaps=tuple(sorted(_swaps(taxonomy, truth, called), key=lambda s: (-s.texts, s.truth, s.called))),
        bins=tuple(_bins(taxonomy, truth, probabilities)),
        points=tuple(_points(taxonomy, truth, probabilities)),
        thresholds=thresholds,
        parts=tuple(
            _part(k, n, truth[m], called[m], resamples(list(compress(groups, m)), rounds, rng))
            for k, n, m in parts_of(gold)
        ),
        mistakes=tuple(_mistakes(scorer, gold, truth, called, probabilities, list(thresholds.values()))),
    )


def _swaps(taxonomy: Taxonomy, truth: Bools, called: Bools) -> Iterator[Swap]:
    for scheme, block in taxonomy.blocks:
        both = (truth & ~called)[:, block].T.astype(int) @ (called & ~truth)[:, block]
        for a, b in zip(*np.nonzero(both), strict=True):
            yield Swap(scheme.id, scheme.label_ids[a], scheme.label_ids[b], int(both[a, b]))


def _bins(taxonomy: Taxonomy, truth: Bools, probabilities: Floats) -> Iterator[Bin]:
    whole = np.hstack([truth, truth.any(1, keepdims=True)])
    for scheme, block in [*((s.id, block) for s, block in taxonomy.blocks), ("", slice(truth.shape[1], None))]:
        score, holds = probabilities[:, block].ravel(), whole[:, block].ravel()
        index = np.minimum((score * BINS).astype(int), BINS - 1)
        for b in np.unique(index).tolist():
            inside = index == b
            yield Bin(scheme, int(inside.sum()), float(score[inside].mean()), float(holds[inside].mean()))


def _points(taxonomy: Taxonomy, truth: Bools, probabilities: Floats) -> Iterator[Point]:
    for j, (_, label) in enumerate(taxonomy.columns):
        passed = probabilities[:, j, None] >= GRID
        hits, said, real = (passed & truth[:, j, None]).sum(0), passed.sum(0), int(truth[:, j].sum())
        for t, h, s in zip(GRID.tolist(), hits.tolist(), said.tolist(), strict=True):
            yield Point(label, t, h / s if s else 1.0, h / real if real else 1.0, 2 * h / max(s + real, 1))


def _part(kind: str, name: str, truth: Bools, called: Bools, weights: Floats) -> Part:
    hits, total = weights @ (truth & called).sum(1), weights @ (truth.sum(1) + called.sum(1))
    f1 = 2 * hits / np.maximum(total, 1)
    innocent = ~truth.any(1)
    spread = [float(f1[0]), *np.percentile(f1[1:], [2.5, 97.5]).tolist()] if total[0] else None
    return Part(kind, name, len(truth), spread, int(innocent.sum()), int(called[innocent].any(1).sum()))


def _mistakes(
    scorer: Scorer, gold: Sequence[Gold], truth: Bools, called: Bools, probabilities: Floats, thresholds: list[float]
) -> list[Mistake]:
    """Return the worst first: those whose score is farthest from where it should be."""
    edge = logit(np.clip(thresholds, _SMALL, 1 - _SMALL))
    far = logit(np.clip(probabilities[:, :-1], _SMALL, 1 - _SMALL)) - edge
    rows, columns = np.nonzero(truth != called)
    order = np.argsort(-abs(far[rows, columns]), kind="stable")
    seen: dict[tuple[int, bool], int] = {}
    found = []
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        side = (column, bool(truth[row, column]))
        seen[side] = seen.get(side, 0) + 1
        if seen[side] > EACH:
            continue
        g, label = gold[row], scorer.columns[column][1]
        shown = clean(g.text).masked_given()
        words = scorer.strongest_words(g.text, label)
        quote = "…".join(shown[e.start : e.end] for e in words)
        found.append(Mistake(g.id, label, side[1], float(probabilities[row, column]), float(far[row, column]), quote))
        if len(found) == MOST:
            break
    return found
