"""What a trial has shown so far: where the challenger differs from the live model, and what people said of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from pipeline.analyst.live import Estimate, estimate
from pipeline.desk.models import Document, Prediction
from pipeline.desk.reviews import settled_labels
from pipeline.desk.schemes import decided_ids
from pipeline.desk.shadows import running
from pipeline.desk.tables import Shadow, ShadowDraw, ShadowScore

__all__ = ["Flip", "Row", "Trial", "report", "trials_of"]


@dataclass(frozen=True, slots=True)
class Row:
    """One label: who alone decides it how often; of those that people read, who was right how often."""

    label: str
    live_only: int
    challenger_only: int
    live_right: int
    challenger_right: int


@dataclass(frozen=True, slots=True)
class Flip:
    """A document that people read and on which the two differ: what only one of them decides, and what people said."""

    key: str
    live_only: tuple[str, ...]
    challenger_only: tuple[str, ...]
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """``asked`` are shares of texts left to people, live model first; ``better`` the share of flips that people read
    where the challenger is nearer to them, weighted by the draw; ``p`` of the sign test on the same flips.
    """

    model: str
    beside: tuple[str, ...]
    state: str
    nights: tuple[int, int]
    texts: int
    flips: int
    missing: int
    drawn: int
    read: int
    asked: tuple[float, float]
    wins: tuple[int, int]
    better: Estimate
    p: float
    rows: tuple[Row, ...]
    listed: tuple[Flip, ...]


@dataclass(frozen=True, slots=True)
class _Pair:
    document: int
    live: frozenset[str]
    challenger: frozenset[str]


def trials_of(model: str | None = None) -> list[Shadow]:
    """Return the trials, oldest first; with ``model`` only of that one."""
    rows = Shadow.objects.all()
    return list(rows.filter(model=model) if model else rows)


def report(shadow: Shadow, labels: Sequence[str]) -> Trial:
    """Count one trial; ``labels`` in taxonomy order."""
    pairs, beside, asked, missing = _pairs(shadow)
    flips = {p.document: p for p in pairs if p.live != p.challenger}
    drawn = {d.document_id: d for d in ShadowDraw.objects.filter(shadow=shadow, flip=True)}
    truth = {k: v for k, v in settled_labels(sorted(drawn)).items() if k in flips}
    wins = {k: _nearer(flips[k], labels_) for k, labels_ in truth.items()}
    decisive = [k for k, w in wins.items() if w]
    ours = sum(wins[k] > 0 for k in decisive)
    chances = np.array([drawn[k].probability for k in decisive])
    better = np.array([wins[k] > 0 for k in decisive], bool)
    nights = shadow.done.filter(run__state="done").count()
    over = "done" if nights >= shadow.nights else "stopped"
    return Trial(
        model=shadow.model,
        beside=beside,
        state="on" if shadow in running() else over,
        nights=(nights, shadow.nights),
        texts=len(pairs),
        flips=len(flips),
        missing=missing,
        drawn=len(drawn),
        read=len(truth),
        asked=asked,
        wins=(len(decisive) - ours, ours),
        better=estimate(better, np.ones(len(decisive), bool), chances),
        p=float(binomtest(ours, len(decisive)).pvalue) if decisive else math.nan,
        rows=tuple(_row(label, flips, truth) for label in labels),
        listed=_listed(flips, truth, labels),
    )


def _pairs(shadow: Shadow) -> tuple[list[_Pair], tuple[str, ...], tuple[float, float], int]:
    """Return the texts that both scored, beside which models, how many asked for people, how many only one scored."""
    names = ("document_id", "run_id", "beside", "text_hash", "decided", "review")
    said = {row[0]: row for row in ShadowScore.objects.filter(shadow=shadow).values_list(*names)}
    runs = {row[1] for row in said.values()}
    live = Prediction.objects.filter(run__in=runs).values_list("document_id", "model", "text_hash", "decided", "review")
    found, missing, asked = [], 0, [0, 0]
    models = {row[2] for row in said.values()}
    for document, model, digest, decided, review in live.iterator(chunk_size=2000):
        own = said.get(document)
        if own is None or own[3] != digest:
            missing += own is None
        elif own[2] == model:
            found.append(_Pair(document, frozenset(decided_ids(decided)), frozenset(decided_ids(own[4]))))
            asked[0] += review
            asked[1] += own[5]
    share = max(len(found), 1)
    return found, tuple(sorted(models)), (asked[0] / share, asked[1] / share), missing


def _nearer(pair: _Pair, truth: frozenset[str]) -> int:
    """Return on how many more labels the challenger is right than the live model; negative when on fewer."""
    return len(pair.live ^ truth) - len(pair.challenger ^ truth)


def _row(label: str, flips: Mapping[int, _Pair], truth: Mapping[int, frozenset[str]]) -> Row:
    live = [k for k, p in flips.items() if label in p.live - p.challenger]
    ours = [k for k, p in flips.items() if label in p.challenger - p.live]
    read = [(k, label in truth[k]) for k in (*live, *ours) if k in truth]
    by_live = set(live)
    right = sum((k in by_live) == holds for k, holds in read)
    return Row(label, len(live), len(ours), right, len(read) - right)


def _listed(flips: Mapping[int, _Pair], truth: Mapping[int, frozenset[str]], labels: Sequence[str]) -> tuple[Flip, ...]:
    keys = dict(Document.objects.filter(pk__in=list(truth)).values_list("pk", "key"))
    order = {label: i for i, label in enumerate(labels)}

    def some(ids: frozenset[str]) -> tuple[str, ...]:
        return tuple(sorted(ids, key=lambda i: order.get(i, len(order))))

    return tuple(
        Flip(keys[k], some(flips[k].live - flips[k].challenger), some(flips[k].challenger - flips[k].live), some(said))
        for k, said in sorted(truth.items())
    )
