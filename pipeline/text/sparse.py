"""Sparse tables in one array: row r, column c stands at base[r] + c, among cells of other rows.

As no two rows have the same base, a cell that tells its column tells whether it is that of the row.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.ndarrays import Ints, Shorts
from pipeline.text.compiled import compiled, wide

__all__ = ["lay_rows"]

Bits = npt.NDArray[np.uint64]

_ONE, _WORD = np.uint64(1), np.uint64(64)


@compiled
def lay_rows(begin: Ints, end: Ints, column: Shorts, columns: int) -> tuple[Ints, int]:
    """Return the base of each row, 0 if it has no cells, and the length of the array.

    Row r has the cells ``column[begin[r] : end[r]]``; ``columns`` is more than any of these.
    """
    # Bits of cells that are used, and of bases that are taken; 64 bases are tried at once.
    used = np.zeros(columns // 32 + len(column) // 32 + 64, np.uint64)
    taken = np.zeros_like(used)
    taken[0] = _ONE
    base = np.zeros(len(begin), np.int64)
    # Where the search begins: where the last row of about as many cells was laid.
    hint = np.zeros(64, np.int64)
    top = 0
    for r in range(len(base)):
        cells = end[r] - begin[r]
        if not cells:
            continue
        size = 0
        while cells > 1 << size:
            size += 1
        word = hint[size]
        while True:
            if word + columns // 64 + 2 > len(used):
                used = np.concatenate((used, np.zeros_like(used)))
                taken = np.concatenate((taken, np.zeros_like(taken)))
            free = _free(used, ~taken[word], word, column, begin[r], end[r])
            if free:
                break
            word += 1
        hint[size] = word
        b = 64 * word
        while not free & _ONE:
            free >>= _ONE
            b += 1
        taken[word] |= _ONE << np.uint64(b & 63)
        for x in range(begin[r], end[r]):
            c = b + wide(column[x])
            used[c >> 6] |= _ONE << np.uint64(c & 63)
        base[r] = b
        top = max(top, b)
    return base, top + columns


@compiled
def _free(used: Bits, free: np.uint64, word: int, column: Shorts, low: int, high: int) -> np.uint64:
    """Return those of the bases ``free``, bits from ``64 * word`` on, where all cells of a row have room."""
    for x in range(low, high):
        c = wide(column[x])
        w, shift = word + (c >> 6), np.uint64(c & 63)
        free &= ~(used[w] >> shift)
        if shift:
            free &= ~(used[w + 1] << (_WORD - shift))
        if not free:
            break
    return free
