"""Labels saved: choosing what to label against labelling at random, replayed on the gold corpus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from pipeline.analyst.held_out import FOLDS, C, fit_scale, held_out_margins, text_matrix
from pipeline.analyst.suggest import choose, interest
from pipeline.corpus.gold import Gold, label_matrix
from pipeline.model.calibrate import expected_f1_threshold
from pipeline.model.evaluate import macro_f1
from pipeline.model.experts import fit_heads
from pipeline.model.folds import group_folds
from pipeline.model.score import Scorer
from pipeline.ndarrays import Bools, Floats
from pipeline.reports.page import FAINT, INK, svg

__all__ = ["Point", "draw_saved", "replay", "saved"]

WAYS = {"suggest": "按建议标", "random": "随机标"}


@dataclass(frozen=True, slots=True)
class Point:
    """Macro-F1 on the test texts, the mean over both schemes, after so many labelled texts, chosen one ``way``."""

    way: str
    seed: int
    labelled: int
    f1: float


def replay(
    scorer: Scorer,
    pool: Sequence[Gold],
    test: Sequence[Gold],
    *,
    start: int = 150,
    batch: int = 100,
    rounds: int = 12,
    seeds: Sequence[int] = (0, 1, 2),
    progress: Callable[[str], None] = lambda step: None,
) -> list[Point]:
    """Label ``pool`` in batches both ways, from the same random start, and measure after each batch.

    The vocabulary and its weights are the bundle's; the heads are fitted anew on the labelled texts alone.
    """
    taxonomy = scorer.bundle.taxonomy
    x, unseen = text_matrix(scorer, [g.text for g in pool]), text_matrix(scorer, [g.text for g in test])
    truth, real = label_matrix(pool, taxonomy), label_matrix(test, taxonomy)
    concepts = slice(scorer.bundle.features.ngrams, scorer.bundle.features.columns)
    points = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(pool))
        for way in WAYS:
            labelled = order[:start].tolist()
            for number in range(rounds + 1):
                progress(f"{WAYS[way]}，第 {seed + 1} 遍，{len(labelled)} 条")
                coef, thresholds, read = _fit(x[labelled], truth[labelled], [pool[i].group for i in labelled])
                called = read(unseen) >= thresholds
                f1 = float(np.nanmean(list(macro_f1(real, called, taxonomy).values())))
                points.append(Point(way, seed, len(labelled), f1))
                if number == rounds:
                    break
                if way == "random":
                    labelled = order[: len(labelled) + batch].tolist()
                    continue
                rated = interest(read(x), concepts=np.asarray(x[:, concepts] @ coef[concepts]))
                labelled += [c.row for c in choose(rated, x, batch, seen=labelled)]
    return points


def _fit(
    x: sparse.csr_matrix, truth: Bools, groups: Sequence[str]
) -> tuple[Floats, Floats, Callable[[sparse.csr_matrix], Floats]]:
    """Return coefficients, thresholds of the highest expected F1, and what gives the probabilities of texts."""
    margins = held_out_margins(x, truth, group_folds(groups, truth, FOLDS, 0))
    calibrate = fit_scale(margins, truth)
    thresholds = np.array([expected_f1_threshold(p) for p in calibrate(margins).T])
    coef, bias = fit_heads(x, truth, C)
    return coef, thresholds, lambda some: calibrate(np.asarray(some @ coef + bias))


def saved(points: Sequence[Point]) -> list[tuple[float, float, float]]:
    """Return (F1, labels at random, labels as suggested) at each F1 that random reaches for the first time.

    Means over the seeds, interpolated; only where the suggested curve gets there.
    """
    curves = {}
    for way in WAYS:
        sizes = sorted({p.labelled for p in points if p.way == way})
        means = [float(np.mean([p.f1 for p in points if p.way == way and p.labelled == n])) for n in sizes]
        curves[way] = (sizes, np.maximum.accumulate(means))
    sizes, f1 = curves["suggest"]
    found = []
    best = f1[0]
    for n, value in zip(*curves["random"], strict=True):
        # A batch that brought random nothing is no batch that it needed.
        if best < value <= f1[-1]:
            best = value
            # The first time the curve gets there: it may be flat afterwards.
            i = int(np.searchsorted(f1, value))
            share = (value - f1[i - 1]) / (f1[i] - f1[i - 1])
            found.append((float(value), float(n), float(sizes[i - 1] + share * (sizes[i] - sizes[i - 1]))))
    return found


def draw_saved(points: Sequence[Point]) -> str:
    """Return both curves as SVG: mean and range over the seeds."""
    import altair as alt
    import pandas as pd

    data = pd.DataFrame([{"标注的文本": p.labelled, "宏 F1": p.f1, "怎么选": WAYS[p.way]} for p in points])
    colour = alt.Color(
        "怎么选:N",
        legend=alt.Legend(orient="bottom", title=None),
        scale=alt.Scale(domain=list(WAYS.values()), range=[INK, FAINT]),
    )
    base = alt.Chart(data).encode(x=alt.X("标注的文本:Q", axis=alt.Axis(grid=False)), color=colour)
    line = base.mark_line(strokeWidth=2).encode(y=alt.Y("mean(宏 F1):Q", title="宏 F1", scale=alt.Scale(zero=False)))
    band = base.mark_area(opacity=0.18).encode(y=alt.Y("min(宏 F1):Q", title="宏 F1"), y2="max(宏 F1):Q")
    return svg(alt.layer(band, line).properties(width=460, height=260))
