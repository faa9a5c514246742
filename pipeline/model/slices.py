"""Parts of a set of texts that are looked at apart: registers and lengths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pipeline.corpus.gold import Gold
from pipeline.ndarrays import Bools

__all__ = ["KINDS", "parts_of"]

#: What texts are parted by, and how people call it.
KINDS = {"register": "语域", "length": "长度"}

#: Upper ends of the length bands, in characters.
BANDS = (80, 300, 1000)


def parts_of(gold: Sequence[Gold]) -> Iterator[tuple[str, str, Bools]]:
    """Yield kind (register or length), name and which texts (texts,) belong; no empty parts."""
    registers = np.array([g.register or "（未填）" for g in gold])
    edges = (0, *BANDS)
    names = [f"{low}–{high} 字" for low, high in zip(edges, BANDS, strict=False)] + [f"{BANDS[-1]} 字以上"]
    lengths = np.array(names)[np.searchsorted(BANDS, [len(g.text) for g in gold])]
    for kind, values, order in (("register", registers, sorted(set(registers))), ("length", lengths, names)):
        for name in order:
            mine = values == name
            if mine.any():
                yield kind, str(name), mine
