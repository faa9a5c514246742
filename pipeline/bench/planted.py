"""Planted label errors: how many of them an audit finds, against how much is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np

from pipeline.analyst.held_out import held_out_probabilities
from pipeline.analyst.label_errors import label_quality
from pipeline.corpus.gold import Gold, label_matrix
from pipeline.model.score import Scorer
from pipeline.ndarrays import Bools, Ints
from pipeline.reports.page import FAINT, INK, svg
from pipeline.taxonomy import Taxonomy

__all__ = ["Recovery", "draw_recovery", "plant", "recover"]


@dataclass(frozen=True)
class Recovery:
    """``rank`` (planted cells,) is where each planted error stands in the order of reading, from 1.

    ``flagged`` cells are called errors, ``hits`` of them were planted; there are ``cells`` in all.
    """

    texts: int
    cells: int
    rank: Ints
    flagged: int
    hits: int

    def found(self, read: int) -> float:
        """Return the share of planted errors among the first ``read`` cells."""
        return float((self.rank <= read).mean())


def plant(truth: Bools, taxonomy: Taxonomy, share: float) -> Bools:
    """Return which cells of ``truth`` to turn over: in a share of the texts one label is lost, added or mistaken."""
    rng = np.random.default_rng(0)
    turned = np.zeros(truth.shape, bool)
    scheme = np.array([s for s, _ in taxonomy.columns])
    for row in rng.permutation(len(truth))[: round(len(truth) * share)].tolist():
        has = np.flatnonzero(truth[row])
        kind = rng.integers(3) if len(has) else 1
        lost = int(rng.choice(has)) if kind != 1 else -1
        if lost >= 0:
            turned[row, lost] = True
        if kind:
            wanted = ~truth[row] if lost < 0 else ~truth[row] & (scheme == scheme[lost])
            turned[row, int(rng.choice(np.flatnonzero(wanted)))] = True
    return turned


def recover(scorer: Scorer, gold: Sequence[Gold], *, share: float, jobs: int = 2) -> Recovery:
    """Plant errors, audit the spoilt data as anybody would, and see where the errors come to light."""
    taxonomy = scorer.bundle.taxonomy
    truth = label_matrix(gold, taxonomy)
    turned = plant(truth, taxonomy, share)
    spoilt = truth ^ turned
    labels = [{s.id: tuple(compress(s.label_ids, row[block])) for s, block in taxonomy.blocks} for row in spoilt]
    texts = [replace(g, labels=own, evidence=()) for g, own in zip(gold, labels, strict=True)]
    quality, wrong = label_quality(spoilt, held_out_probabilities(scorer, texts, jobs=jobs))
    # What is called an error is read first, the worst first; then the rest.
    order = np.lexsort((quality.ravel(), ~wrong.ravel()))
    place = np.empty(order.size, np.int64)
    place[order] = np.arange(1, order.size + 1)
    return Recovery(len(gold), truth.size, place[turned.ravel()], int(wrong.sum()), int((wrong & turned).sum()))


def draw_recovery(found: Recovery) -> str:
    """Return the curve as SVG: share of planted errors found against labels read."""
    import altair as alt
    import pandas as pd

    planted = len(found.rank)
    steps = np.unique(np.linspace(0, 8 * planted, 60).astype(int))
    rows = [{"看过的标签": int(n), "找到": found.found(int(n)), "次序": "按可疑程度"} for n in steps]
    rows += [{"看过的标签": int(n), "找到": n / found.cells, "次序": "随机"} for n in steps]
    chart = (
        alt.Chart(pd.DataFrame(rows))
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("看过的标签:Q", axis=alt.Axis(grid=False)),
            y=alt.Y(
                "找到:Q", title="找到的错误占全部所埋的", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])
            ),
            color=alt.Color(
                "次序:N",
                sort=None,
                legend=alt.Legend(orient="bottom", title=None),
                scale=alt.Scale(domain=["按可疑程度", "随机"], range=[INK, FAINT]),
            ),
        )
        .properties(width=460, height=260)
    )
    return svg(chart)
