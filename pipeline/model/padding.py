"""Long documents to learn from: a short text among others that show nothing.

People write about one thing for a page and say the conduct in one sentence; texts written for a corpus come to the
point. A padded text keeps its labels and is as long as a real message. Only its matrix row is ever built; an encoder's
vector of it is the mean of its members' (`pipeline.model.encoder`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from scipy import sparse

from pipeline.corpus.gold import Gold
from pipeline.ndarrays import Ints

__all__ = ["pad"]

#: Lengths of real messages are about log-normal: median and spread, in characters.
MEDIAN = 330
SPREAD = 0.6
#: Of the texts that are too short, this share is padded: half teaches as much as all, in half the time.
SHARE = 0.5
#: A text this near to the length drawn for it stays as it is.
NEAR = 0.8


def pad(gold: Sequence[Gold], fold: Ints, seed: int, unpadded: Collection[str] = ()) -> tuple[Ints, sparse.csr_matrix]:
    """Return which text each padded one is about, (padded,), and which texts stand in it, (padded, texts).

    The others carry no label, are of the same register and in the same fold, so that what is held out stays so. Texts
    of the files ``unpadded`` are as long as real ones.
    """
    rng = np.random.default_rng(seed)
    size = np.array([len(g.text) for g in gold])
    wanted = rng.lognormal(np.log(MEDIAN), SPREAD, len(gold))
    chosen = rng.random(len(gold)) < SHARE
    neutral: dict[tuple[str, int], list[int]] = {}
    for i, g in enumerate(gold):
        if not g.positive and g.register:
            neutral.setdefault((g.register, int(fold[i])), []).append(i)
    for texts in neutral.values():
        rng.shuffle(texts)
    about: list[int] = []
    together: list[list[int]] = []
    for i, g in enumerate(gold):
        others = neutral.get((g.register, int(fold[i])), [])
        room = wanted[i] - size[i]
        if not chosen[i] or g.file in unpadded or size[i] >= NEAR * wanted[i] or others in ([], [i]):
            continue
        first = int(rng.integers(len(others)))
        beside: list[int] = []
        # Around the ring of the others until there is enough, from a place of one's own.
        for step in range(len(others)):
            o = others[(first + step) % len(others)]
            if o != i:
                beside.append(o)
                room -= size[o]
            if room <= 0:
                break
        about.append(i)
        together.append([i, *beside])
    row = np.repeat(np.arange(len(together)), [len(t) for t in together])
    column = np.array([i for t in together for i in t], np.int64)
    members = sparse.csr_matrix((np.ones(len(row)), (row, column)), (len(together), len(gold)))
    return np.array(about, np.int64), members
