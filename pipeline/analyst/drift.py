"""What has changed in the texts that come in: this window against a reference window, per district and channel.

Compared are the rates of every label, of labels that go together, of problems and of phrases (Fisher's exact test),
the scores and the share of words the model does not know (Kolmogorov–Smirnov). Figures and phrases are two families,
each under Holm's correction at half the level, so that a quiet month stays quiet in nineteen cases of twenty. A text
that was sent many times counts once in a window: the caller leaves repeats out.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import fisher_exact, ks_2samp

from pipeline.model.paired import holm
from pipeline.ndarrays import Bools, Floats

__all__ = ["KINDS", "Finding", "Window", "find_drift"]

KINDS = {
    "rate": "标签比例", "pair": "同现", "problem": "有问题的比例", "score": "分数分布",
    "unknown": "生词比例", "phrase": "新说法",
}  # fmt: skip
LEVEL = 0.05
#: Groups, labels and pairs with fewer texts say too little, and every test costs the others power.
LEAST_TEXTS = 30
LEAST_PAIR = 5
LEAST_PHRASE = 5
SHOWN = 20


@dataclass(frozen=True)
class Window:
    """Texts of one period, row by row.

    ``groups`` names the district and channel of each text, ``decided`` (texts, labels), ``score`` (texts,) P(problem),
    ``unknown`` (texts,) share of unknown words, ``phrases`` the distinct phrases of each text.
    """

    ids: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    decided: Bools
    score: Floats
    unknown: Floats
    phrases: tuple[frozenset[str], ...]

    def take(self, rows: Sequence[int]) -> Window:
        """Return the window of some of the texts, in the order of ``rows``."""
        at = np.asarray(rows, np.int64)
        ids, groups, phrases = (tuple(v[i] for i in at.tolist()) for v in (self.ids, self.groups, self.phrases))
        return Window(ids, groups, self.decided[at], self.score[at], self.unknown[at], phrases)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Finding:
    """One comparison: figures before and now, corrected p-value, and texts that are behind it, the newest first.

    ``group`` is empty for all texts together.
    """

    kind: str
    group: str
    name: str
    before: float
    now: float
    texts: int
    p: float
    adjusted: float
    documents: tuple[str, ...]

    @property
    def sure(self) -> bool:
        """Whether it stands after correction."""
        return self.adjusted <= LEVEL


def find_drift(reference: Window, current: Window, labels: Sequence[str]) -> list[Finding]:
    """Return every comparison, the surest first; `Finding.sure` tells which ones stand."""
    found: list[Finding] = []
    names = sorted({g for groups in (*reference.groups, *current.groups) for g in groups})
    for group in ("", *names):
        rows = [np.array([not group or group in g for g in w.groups], bool) for w in (reference, current)]
        if min(r.sum() for r in rows) >= LEAST_TEXTS:
            found += _group(group, reference, current, rows[0], rows[1], labels)
    # Of phrases only the overall comparison: there are many of them.
    families = [found, _phrases(reference, current)]
    corrected = [
        replace(f, adjusted=min(1.0, len(families) * p))
        for family in families
        for f, p in zip(family, holm([f.p for f in family]), strict=True)
    ]
    return sorted(corrected, key=lambda f: (f.adjusted, f.p))


def _group(
    group: str, reference: Window, current: Window, before: Bools, now: Bools, labels: Sequence[str]
) -> list[Finding]:
    ids = np.array(current.ids)[now]

    def rate(kind: str, name: str, was: Bools, has: Bools) -> Finding:
        p = _fisher(int(was.sum()), len(was), int(has.sum()), len(has))
        more = has.mean() >= was.mean()
        shown = ids[has if more else ~has][::-1][:SHOWN]
        return Finding(kind, group, name, float(was.mean()), float(has.mean()), len(has), p, p, tuple(shown.tolist()))

    old, new = reference.decided[before], current.decided[now]
    found = [rate("problem", "", np.asarray(old.any(1)), np.asarray(new.any(1)))]
    for j, label in enumerate(labels):
        if old[:, j].sum() + new[:, j].sum() >= LEAST_PAIR:
            found.append(rate("rate", label, old[:, j], new[:, j]))
    if not group:
        for a, b in itertools.combinations(range(len(labels)), 2):
            was, has = old[:, a] & old[:, b], new[:, a] & new[:, b]
            if was.sum() + has.sum() >= 2 * LEAST_PAIR:
                found.append(rate("pair", f"{labels[a]} + {labels[b]}", was, has))
    for kind in ("score", "unknown"):
        x, y = getattr(reference, kind)[before], getattr(current, kind)[now]
        p = float(ks_2samp(x, y).pvalue)
        # What is behind a shift are the texts at its end.
        order = np.argsort(-y if y.mean() >= x.mean() else y, kind="stable")[:SHOWN]
        found.append(
            Finding(kind, group, "", float(x.mean()), float(y.mean()), len(y), p, p, tuple(ids[order].tolist()))
        )
    return found


def _phrases(reference: Window, current: Window) -> list[Finding]:
    before = Counter(itertools.chain.from_iterable(reference.phrases))
    now: dict[str, list[str]] = {}
    for key, phrases in zip(current.ids, current.phrases, strict=True):
        for phrase in phrases:
            now.setdefault(phrase, []).append(key)
    many = len(reference.ids), len(current.ids)
    found = []
    for phrase in sorted(before.keys() | now):
        was, said = before[phrase], now.get(phrase, [])
        # A phrase can only be new by being said; the filter looks at both windows together, so it favours neither.
        if was + len(said) < LEAST_PHRASE:
            continue
        p = _fisher(was, many[0], len(said), many[1])
        newest = tuple(said[::-1][:SHOWN])
        found.append(Finding("phrase", "", phrase, was / many[0], len(said) / many[1], many[1], p, p, newest))
    return found


@functools.lru_cache(maxsize=100_000)
def _fisher(was: int, before: int, has: int, now: int) -> float:
    return float(fisher_exact(np.array([[was, before - was], [has, now - has]])).pvalue)
