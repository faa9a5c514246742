"""Which texts are reviewed and which are measured: cross-validation that learns from any number of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["draws"]

AT_LEAST = 10

Rows = npt.NDArray[np.intp]


def draws(texts: int, size: int) -> Iterator[tuple[Rows, Rows]]:
    """Yield ``size`` rows to learn from and all the others, ten times or more.

    A window that wraps around moves over a shuffled order, each time past what it held (or past what it left, if that
    is less): where that divides ``texts``, one way round learns from and measures every text equally often. With rare
    labels, draws that are independent measure some of the few positives twice and others never. Each further way round
    is of another order.
    """
    step = min(size, texts - size)
    starts = range(0, texts, step)
    for seed in range(-(-AT_LEAST // len(starts))):
        order = np.random.default_rng(seed).permutation(texts)
        for start in starts:
            turned = np.roll(order, -start)
            yield turned[:size], turned[size:]
