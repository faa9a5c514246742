"""An adapted model against the live one on the texts it was adapted to, each decided by one that did not see it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.corpus.gold import Gold
from pipeline.errors import CorpusError
from pipeline.model.adapt import FEWEST, Expectation
from pipeline.model.bundle import Bundle
from pipeline.model.compare import Comparison, Side, ask_for_same_labels, rows_of
from pipeline.model.familiar import familiar
from pipeline.model.paired import ROUNDS
from pipeline.model.promise import check_promise, promise_of
from pipeline.model.score import Scorer

__all__ = ["compare_expected"]


def compare_expected(
    live: Scorer, adapted: Bundle, reviewed: Sequence[Gold], expected: Expectation, *, rounds: int = ROUNDS
) -> Comparison:
    """Return what `promote` asks of a comparison, from the cross-validated decisions of ``expected``.

    The corpus's test part would not do: a model at home in an office may well be worse there. Texts that the live
    model was itself adapted to are left out: there it is better than it will be tonight. Raises BundleError when the
    labels differ, CorpusError when fewer than FEWEST texts are left.
    """
    ask_for_same_labels(live.bundle, adapted)
    taxonomy = live.bundle.taxonomy
    fresh = ~familiar(reviewed, live.bundle.manifest)
    if fresh.sum() < FEWEST:
        raise CorpusError(
            "ZF-ADAPT-SEEN",
            f"{len(reviewed)} 条里只有 {fresh.sum()} 条，在用模型 {live.bundle.id} 没有用来重设过，不足以比较",
            f"新模型 {adapted.id} 已写好：多复核一些再重设；或用 zuofeng promote，加 --gold 指定两个都没有用过的，"
            "或加 --force --reason “理由”。",
        )
    reviewed = [g for g, new in zip(reviewed, fresh.tolist(), strict=True) if new]
    expected = expected.take(fresh)
    likely = live.probabilities([g.text for g in reviewed])
    before = live.decide(likely)
    clusters = np.unique([g.group for g in reviewed], return_inverse=True)[1]
    labels = [label for _, label in taxonomy.columns]
    sides, kept = [], []
    for bundle, called in ((live.bundle, before & live.reached(likely)), (adapted, expected.reached)):
        promise = promise_of(bundle.manifest)
        sides.append(Side(bundle.id, promise, 0, 0.0, 0.0, 0.0))
        kept.append(tuple(check_promise(labels, expected.truth, called, promise)) if promise else ())
    return Comparison(
        taxonomy,
        sides[0],
        sides[1],
        len(reviewed),
        int(clusters.max()) + 1,
        rows_of(expected.truth, before, expected.after, clusters, taxonomy, rounds, 0),
        (),
        (),
        kept[0],
        kept[1],
    )
