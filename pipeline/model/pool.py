"""From sentences to texts: the strongest one speaks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

__all__ = ["NOISE", "maximum_over", "strongest_sentence"]

Floats = npt.NDArray[np.float64]

#: Sums that differ by less are equal: their parts were added in another order.
NOISE = 1e-9


def strongest_sentence(
    margins: npt.NDArray[np.floating], row: npt.NDArray[np.int64], bias: npt.NDArray[np.floating]
) -> Floats:
    """Return each text's highest sentence margin per head, (rows, heads); its ``bias`` where there is no sentence.

    ``row`` (sentences,) ascends and numbers the text of each sentence.
    """
    strongest = np.array(bias, float)
    if len(row):
        first = np.flatnonzero(np.append(True, row[1:] != row[:-1]))
        strongest[row[first]] = np.maximum.reduceat(margins, first)
    return strongest


def maximum_over(values: Floats, members: sparse.csr_matrix) -> Floats:
    """Return the maximum of ``values`` (texts, heads) over the texts of each padded one, (padded, heads)."""
    if not members.shape[0]:
        return np.zeros((0, values.shape[1]))
    return np.asarray(np.maximum.reduceat(values[members.indices], members.indptr[:-1]))
