"""Whether a night's label rates differ from the usual by more than nights differ anyway."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Night", "jumps"]

#: Probability of a false alarm in a night, over all its labels together.
RISK = 0.01
#: Fewer earlier nights or documents say nothing of what is usual.
NIGHTS, TEXTS = 3, 100
#: A jump is at least this factor, whatever its significance: a large office sees every tenth of a percent.
FACTOR = 1.5


@dataclass(frozen=True)
class Night:
    """Documents scored in a night and how many got each label."""

    scored: int
    labels: Mapping[str, int]


def jumps(tonight: Night, before: Sequence[Night]) -> Iterator[tuple[str, float, float]]:
    """Yield ``(label, rate tonight, usual rate)`` of every label that jumped, up or down.

    Fisher's exact test, so that small counts need no care; all counts are divided by how much more the earlier nights
    differ among themselves than chance would have it (Pearson's dispersion), and the p-values corrected by Holm.
    """
    before = [n for n in before if n.scored]
    total = sum(n.scored for n in before)
    if len(before) < NIGHTS or total < TEXTS or not tonight.scored:
        return
    import numpy as np
    from scipy.stats import fisher_exact

    found = []
    for label in sorted({label for n in (tonight, *before) for label in n.labels}):
        seen = sum(n.labels.get(label, 0) for n in before)
        here = tonight.labels.get(label, 0)
        spread = _dispersion([(n.labels.get(label, 0), n.scored) for n in before], seen / total)
        table = [[round(k / spread), round((n - k) / spread)] for k, n in ((here, tonight.scored), (seen, total))]
        found.append((float(fisher_exact(np.array(table)).pvalue), label, here / tonight.scored, seen / total))
    for rank, (p, label, now, usual) in enumerate(sorted(found)):
        if p * (len(found) - rank) >= RISK:
            return
        if max(now, usual) >= FACTOR * min(now, usual):
            yield label, now, usual


def _dispersion(nights: Sequence[tuple[int, int]], rate: float) -> float:
    """Return Pearson's chi-square per degree of freedom, at least 1."""
    if not 0 < rate < 1:
        return 1.0
    chi = sum((k - n * rate) ** 2 / (n * rate * (1 - rate)) for k, n in nights)
    return max(1.0, chi / (len(nights) - 1))
