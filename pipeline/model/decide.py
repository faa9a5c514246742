"""From probabilities to labels, the same wherever labels are decided."""

from __future__ import annotations

import numpy as np

from pipeline.ndarrays import Bools, Floats
from pipeline.taxonomy import Taxonomy

__all__ = ["decide"]


def decide(taxonomy: Taxonomy, probabilities: Floats, thresholds: Floats) -> Bools:
    """Return which labels are decided, shape (texts, labels); ``thresholds`` (heads,) or (texts, heads).

    What only speaks of conduct has none: where a scheme may stay empty, a label also needs the problem head, the last.
    """
    passed = probabilities >= thresholds
    labels: Bools = passed[:, :-1].copy()
    for scheme, block in taxonomy.blocks:
        if scheme.kind == "multi":
            labels[:, block] &= passed[:, -1:]
            continue
        # The most probable stands in where a scheme must not stay empty; `Scorer.unsure` asks people when it must.
        best = probabilities[:, block].argmax(1)[:, None] == np.arange(len(scheme.labels))
        alone = scheme.kind == "exclusive" or ~labels[:, block].any(1, keepdims=True)
        labels[:, block] = np.where(alone, best, labels[:, block])
    return labels
