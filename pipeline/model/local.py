"""Two models on an office's own texts: what one of them was adapted to, it would only repeat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pipeline.corpus.gold import Gold
from pipeline.errors import BundleError, CorpusError
from pipeline.model.adapt import FEWEST, Expectation, expect
from pipeline.model.compare import Comparison, ask_for_same_labels, compare
from pipeline.model.familiar import familiar, texts_of
from pipeline.model.score import Scorer

__all__ = ["compare_at_home"]


def compare_at_home(
    a: Scorer,
    b: Scorer,
    gold: Sequence[Gold],
    origin: Callable[[str], Scorer],
    *,
    expected: Expectation | None = None,
    **how: Any,
) -> Comparison:
    """Compare ``b`` with ``a`` on ``gold``, none of which either may know already; ``how`` as `compare` takes it.

    Texts that one was adapted to are left out. Where fewer than FEWEST stay, those only ``b`` knows are taken too, each
    decided by an adaptation that did not see it, and where still fewer do, those ``a`` knows as well. ``origin`` opens
    what a model was adapted from; what is to be ``expected`` of ``b`` on all of ``gold`` need not be worked out again.
    Raises BundleError when the labels differ, CorpusError when too few texts are left to be judged so.
    """
    ask_for_same_labels(a.bundle, b.bundle)
    # Near copies of what one learned from are as good as learned.
    group = np.array([g.group for g in gold])
    known = [np.isin(group, group[familiar(gold, s.bundle.manifest)]) for s in (a, b)]
    if not np.any(known):
        return compare(a, b, gold, **how)
    choices = ~(known[0] | known[1]), ~known[0]
    stay = next((rows for rows in choices if rows.sum() >= FEWEST), np.ones(len(gold), bool))
    said = [
        (given or _expected(s, gold, origin)).take(stay) if mine[stay].any() else None
        for s, mine, given in zip((a, b), known, (None, expected), strict=True)
    ]
    some = [g for g, left in zip(gold, stay.tolist(), strict=True) if left]
    return compare(a, b, some, source="reviews" if any(said) else "gold", expected=(said[0], said[1]), **how)


def _expected(scorer: Scorer, gold: Sequence[Gold], origin: Callable[[str], Scorer]) -> Expectation:
    """Return what to expect of a model on ``gold``, all that it was adapted to among it."""
    adapted = scorer.bundle.manifest["adapted"]
    try:
        base = origin(adapted["from"])
    except BundleError as e:
        raise _learned(scorer, gold, f"出处 {adapted['from']} 打不开，没法交叉验证") from e
    if set(adapted["texts"]) - set(texts_of(gold, base.bundle.manifest)):
        raise _learned(scorer, gold, "没有用过的不够，用过的又不全，没法交叉验证")
    if familiar(gold, base.bundle.manifest).any():
        raise _learned(scorer, gold, f"其中有它的出处 {base.bundle.id} 也用过的，没法交叉验证")
    return expect(base, gold, promise=adapted["promise"], learned=familiar(gold, scorer.bundle.manifest))


def _learned(scorer: Scorer, gold: Sequence[Gold], why: str) -> CorpusError:
    number = int(familiar(gold, scorer.bundle.manifest).sum())
    return CorpusError(
        "ZF-ADAPT-SEEN",
        f"{len(gold)} 条里有 {number} 条，模型 {scorer.bundle.id} 已用来重设过，它记得答案；{why}",
        f"给 {FEWEST} 条以上它没有用过的，或把它用过的全部给齐（--gold、--reviewed 可多次）；"
        "都没有，用 zuofeng promote 加 --force --reason “理由”。",
    )
