"""Linear support vector machines of all heads at once: dual coordinate descent that reads each row only once.

The problem and the method are liblinear's (L2-regularised squared hinge loss; Hsieh et al., ICML 2008), the bias being
the weight of one more feature that is always 1. Labels share their rows, so what is read for one serves all: about
four times as fast as one label after another.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import sparse

from pipeline.ndarrays import Floats, Ints, Shorts, Signs, Singles
from pipeline.text.compiled import compiled
from pipeline.text.prefetch import prefetch

__all__ = ["NEAR", "descend"]

#: Passes over the rows at most, and how steep a head may be left: by how much its rows miss the optimum, root mean
#: square, where 1 is the margin asked of a row. On texts, margins are then within a few hundredths of their spread.
PASSES = 60
NEAR = 0.05
#: Weights of a feature fill whole lines of the cache.
_LANES = 16
#: Lines are asked for so many features ahead: a whole row at once would push out of the cache what is read first.
_AHEAD = 16


def descend(
    x: sparse.csr_matrix, sign: Signs, cost: Floats, *, scale: Floats | None = None, near: float = NEAR
) -> tuple[Floats, Floats]:
    """Return coefficients (columns, heads) and biases (heads,) of the machines that tell ``sign`` 1 from -1.

    ``x`` (rows, columns); ``sign`` (rows, heads), 0 where a row says nothing to a head; ``cost`` (rows, heads) > 0 is
    what a mistake costs. With ``scale`` (columns, heads) each head reads every column so many times as large; the
    coefficients are those of ``x`` itself. ``near`` is how steep a head may be left. The same arguments give the same
    bits.
    """
    rows, heads = sign.shape
    width = -(-heads // _LANES) * _LANES
    room = np.zeros((x.shape[1] + 1) * width + _LANES, np.float32)
    skip = -room.ctypes.data % 64 // room.itemsize
    weights = room[skip : len(room) - _LANES + skip].reshape(-1, width)
    dice = np.random.default_rng(0)
    alpha = np.zeros((rows, heads))
    # Of the scale only the square is ever needed: weights are kept as the rows see them.
    stretch = np.zeros((0, width), np.float32)
    if scale is not None:
        stretch = np.zeros((x.shape[1], width), np.float32)
        stretch[:, :heads] = np.square(scale)
    squares = sparse.csr_matrix((x.data * x.data, x.indices, x.indptr), x.shape)
    square = np.asarray(squares.sum(1) if scale is None else squares @ stretch[:, :heads].astype(float)) + 1.0
    indptr, indices = x.indptr.astype(np.int64, copy=False), x.indices.astype(np.int32, copy=False)
    data = x.data.astype(np.float32)
    slack = np.where(sign != 0, cost, 1.0)
    np.divide(0.5, slack, out=slack)
    speaking = np.flatnonzero(sign.any(1))
    for _ in range(PASSES):
        left = _pass(dice.permutation(speaking), indptr, indices, data, sign, slack, square, stretch, weights, alpha)
        if left <= near:
            break
    return weights[:-1, :heads].copy(), weights[-1, :heads].copy()


@compiled
def _pass(
    order: Ints,
    indptr: Ints,
    indices: Shorts,
    data: Singles,
    sign: Signs,
    slack: Floats,
    square: Floats,
    stretch: Singles,
    weights: Singles,
    alpha: Floats,
) -> float:
    """Go once over all rows; return how steep it still was: the steepest head's projected gradients, root mean square.

    liblinear asks for the widest gap between any two, which the more rows there are the fewer of them decide.
    """
    heads = sign.shape[1]
    width = np.uint64(weights.shape[1])
    flat = weights.reshape(-1)
    bias = np.uint64(len(weights) - 1) * width
    margin = np.zeros(weights.shape[1], np.float32)
    step = np.zeros(weights.shape[1], np.float32)
    scaled = len(stretch) > 0
    steep = np.zeros(heads)
    read = np.zeros(heads)
    for i in order:
        first, last = indptr[i], indptr[i + 1]
        for k in range(first, min(first + _AHEAD, last)):
            for line in range(0, width, _LANES):
                prefetch(flat, np.uint64(indices[k]) * width + np.uint64(line))
        for h in range(width):
            margin[h] = flat[bias + h]
        for k in range(first, last):
            soon = np.uint64(indices[min(k + _AHEAD, last - 1)]) * width
            for line in range(0, width, _LANES):
                prefetch(flat, soon + np.uint64(line))
            row = np.uint64(indices[k]) * width
            value = data[k]
            for h in range(width):
                margin[h] += value * flat[row + h]
        moved = False
        for h in range(heads):
            step[h] = 0.0
            s = sign[i, h]
            if s == 0:
                continue
            a = alpha[i, h]
            gradient = s * margin[h] - 1 + a * slack[i, h]
            projected = min(gradient, 0.0) if a == 0 else gradient
            steep[h] += projected * projected
            read[h] += 1
            if abs(projected) > 1e-12:
                alpha[i, h] = max(a - gradient / (square[i, h if scaled else 0] + slack[i, h]), 0.0)
                step[h] = (alpha[i, h] - a) * s
                moved = True
        if not moved:
            continue
        for h in range(width):
            flat[bias + h] += step[h]
        for k in range(first, last):
            row = np.uint64(indices[k]) * width
            value = data[k]
            if scaled:
                for h in range(width):
                    flat[row + h] += value * step[h] * stretch[indices[k], h]
            else:
                for h in range(width):
                    flat[row + h] += value * step[h]
    steepest = 0.0
    for h in range(heads):
        steepest = max(steepest, steep[h] / max(read[h], 1.0))
    return math.sqrt(steepest)
