"""Promises of precision: what a model promised, and whether texts it did not see bear it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.model.paired import holm
from pipeline.ndarrays import Bools

__all__ = ["CONFIDENCE", "Kept", "check_promise", "clopper_pearson", "promise_of"]

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Kept:
    """Of one label: texts decided, how many rightly, precision with its Clopper–Pearson interval.

    ``state`` is kept (the lower bound reaches the promise), open (too few to tell) or broken (significantly below,
    after Holm's correction over the labels).
    """

    label: str
    called: int
    hits: int
    low: float
    high: float
    state: str

    @property
    def precision(self) -> float:
        """Share of decisions that are right; 1 where nothing was decided."""
        return self.hits / self.called if self.called else 1.0


def promise_of(manifest: Mapping[str, Any]) -> float:
    """Return the precision a model promises, 0 for none; what adapt promised replaces what train did."""
    adapted = manifest.get("adapted")
    return float(adapted["promise"] if adapted else manifest["settings"].get("promise", 0.0))


def check_promise(labels: list[str], truth: Bools, called: Bools, promise: float) -> list[Kept]:
    """Return the state of the promise for each of ``labels``, the columns of ``truth`` and ``called``."""
    # Imported here: what was promised is asked wherever texts are scored.
    from scipy.stats import binom

    said, hits = called.sum(0), (truth & called).sum(0)
    adjusted = holm(binom.cdf(hits, said, promise).tolist())
    found = []
    for label, n, k, p in zip(labels, said.tolist(), hits.tolist(), adjusted, strict=True):
        low, high = clopper_pearson(k, n)
        state = "broken" if p <= 1 - CONFIDENCE else "kept" if low >= promise else "open"
        found.append(Kept(label, n, k, low, high, state))
    return found


def clopper_pearson(hits: float, of: float) -> tuple[float, float]:
    """Return the 95 % interval of a share that ``hits`` among ``of`` were seen of (Clopper & Pearson 1934).

    Neither need be whole: of a weighted sample they are its effective ones.
    """
    from scipy.stats import beta

    tail = (1 - CONFIDENCE) / 2
    low = float(beta.ppf(tail, hits, of - hits + 1)) if hits > 0 else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, of - hits)) if hits < of else 1.0
    return low, high
