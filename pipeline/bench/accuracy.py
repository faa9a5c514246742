"""The live model on the corpus's test part and on labelled real messages, beside the plain baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.bench.draws import draws
from pipeline.corpus.gold import Gold, label_matrix
from pipeline.documents import Document
from pipeline.model.adapt import fit_adaptation, settle
from pipeline.model.evaluate import macro_f1, micro_f1, problem_f1
from pipeline.model.score import Scorer
from pipeline.model.slices import parts_of
from pipeline.ndarrays import Bools
from pipeline.taxonomy import Taxonomy

__all__ = ["Local", "by_length", "draw_local", "false_alarms", "figures", "on_messages", "span_f1"]


@dataclass(frozen=True, slots=True)
class Local:
    """Figures on real messages after adapting to ``reviewed`` of them (0: as trained).

    ``macro_f1`` is over the labels that count among all messages, ``macro_left`` over those that count in what a draw
    leaves to be measured: it looks better the less that is. ``rates`` are precision and recall of having any label, and
    the share of texts without one that got one.
    """

    reviewed: int
    macro_f1: dict[str, float]
    macro_left: dict[str, float]
    micro_f1: dict[str, float]
    problem_f1: float
    rates: tuple[float, float, float]


def on_messages(scorer: Scorer, messages: Sequence[Gold], reviewed: Sequence[int] = (100, 300, 1000)) -> list[Local]:
    """Score labelled messages; adapted to some of them, measured on the others (see ``draws``).

    Figures are means over the draws, but ``macro_f1`` is of all their decisions together: in what is left of one draw
    the rare labels have too few positives.
    """
    taxonomy = scorer.bundle.taxonomy
    texts = [g.text for g in messages]
    seen = settle(scorer).look(texts)
    labels = label_matrix(messages, taxonomy)
    truth = np.hstack([labels, labels.any(1, keepdims=True)])
    found = [figures(0, labels, scorer.decide(scorer.probabilities(texts)), taxonomy)]
    for size in reviewed:
        drawn, parts = [], []
        for local, rest in draws(len(labels), size):
            home = fit_adaptation(seen[local], truth[local])
            parts.append((labels[rest], scorer.decide(home.apply(seen[rest]), home.threshold)))
            drawn.append(figures(size, *parts[-1], taxonomy))
        real, called = (np.vstack(of) for of in zip(*parts, strict=True))
        found.append(
            Local(
                size,
                macro_f1(real, called, taxonomy, whole=labels),
                {s.id: float(np.mean([d.macro_left[s.id] for d in drawn])) for s in taxonomy.schemes},
                {s.id: float(np.mean([d.micro_f1[s.id] for d in drawn])) for s in taxonomy.schemes},
                float(np.mean([d.problem_f1 for d in drawn])),
                _rates(real, called),
            )
        )
    return found


def by_length(gold: Sequence[Gold], called: Bools, taxonomy: Taxonomy) -> list[tuple[str, int, float, Local]]:
    """Return of the texts of each length how it is called, how many there are, the share that has any label, and the
    figures of what is ``called``, (texts, columns).
    """
    truth = label_matrix(gold, taxonomy)
    return [
        (name, int(mine.sum()), float(truth[mine].any(1).mean()), figures(0, truth[mine], called[mine], taxonomy))
        for kind, name, mine in parts_of(gold)
        if kind == "length"
    ]


def figures(reviewed: int, truth: Bools, called: Bools, taxonomy: Taxonomy) -> Local:
    """Return the figures of what is ``called`` where ``truth`` is right, both (texts, columns)."""
    micro = {s.id: micro_f1(truth[:, block], called[:, block]) for s, block in taxonomy.blocks}
    macro = macro_f1(truth, called, taxonomy)
    return Local(reviewed, macro, macro, micro, problem_f1(truth, called), _rates(truth, called))


def _rates(truth: Bools, called: Bools) -> tuple[float, float, float]:
    real, said = np.asarray(truth.any(1)), np.asarray(called.any(1))
    hits = float((real & said).sum())
    return hits / max(said.sum(), 1), hits / max(real.sum(), 1), float((said & ~real).sum()) / max((~real).sum(), 1)


def draw_local(found: Sequence[Local], taxonomy: Taxonomy, path: Path) -> None:
    """Save what reviews of one's own buy as SVG: F1 against reviewed documents."""
    import altair as alt
    import pandas as pd

    problem = "有无问题 F1"
    rows = [
        {"复核": str(f.reviewed), "F1": value, "指标": name}
        for f in found
        for name, value in ((problem, f.problem_f1), *((f"{s.name} 宏 F1", f.macro_f1[s.id]) for s in taxonomy.schemes))
    ]
    chart = (
        alt.Chart(pd.DataFrame(rows))
        .mark_line(point=True)
        .encode(
            x=alt.X("复核:N", sort=None, title="本地复核过的条数", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("F1:Q", scale=alt.Scale(domain=[0.3, 0.9])),
            color=alt.Color("指标:N", sort=[problem], title=None, legend=alt.Legend(orient="bottom")),
        )
        .properties(width=360, height=240)
    )
    chart.save(path)


def false_alarms(gold: Sequence[Gold], called: Bools, registers: Sequence[str]) -> tuple[int, float]:
    """Return how many texts of ``registers`` carry no label, and the share of them that got one."""
    innocent = np.array([g.register in registers and not g.positive for g in gold])
    return int(innocent.sum()), float(called[innocent].any(1).mean()) if innocent.any() else 0.0


def span_f1(scorer: Scorer, gold: Sequence[Gold]) -> tuple[float, float]:
    """Return character-level F1 of evidence against the gold spans, and the share of positives with evidence.

    Characters are pooled over texts and over the labels that are both given and decided. The share counts texts
    with a decided label.
    """
    hit = said = real = shown = positives = 0
    for g, p in zip(gold, scorer.score([Document(g.id, g.text) for g in gold]), strict=True):
        decided = set(p.labels)
        positives += bool(decided)
        shown += bool(decided) and decided <= {e.label for e in p.evidence}
        for label in decided & {e.label for e in g.evidence}:
            mine = {c for e in p.evidence if e.label == label for c in range(e.start, e.end)}
            theirs = {c for e in g.evidence if e.label == label for c in range(e.start, e.end)}
            hit, said, real = hit + len(mine & theirs), said + len(mine), real + len(theirs)
    return 2 * hit / max(said + real, 1), shown / max(positives, 1)
