"""From sentences to texts: the strongest one speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["NOISE", "in_text", "long_share", "maximum_over", "strongest_sentence"]

Floats = npt.NDArray[np.float64]

#: Sums that differ by less are equal: their parts were added in another order.
NOISE = 1e-9
#: Of so many sentences a text begins to be read as a long one, from so many on it is one altogether.
SHORT, LONG = 20, 30


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


def long_share(row: npt.NDArray[np.int64], sentences: npt.NDArray[np.int64]) -> Floats:
    """Return how far the text of each passage is a long one, 0 to 1, (passages,).

    ``row`` (passages,) numbers the texts, ``sentences`` (passages,) are in each passage.
    """
    return np.clip((in_text(row, sentences) - SHORT) / (LONG - SHORT), 0.0, 1.0)


def in_text(row: npt.NDArray[np.int64], sentences: npt.NDArray[np.int64]) -> Floats:
    """Return how many sentences the text of each passage has, (passages,), of those of the passages."""
    return np.asarray(np.bincount(row, sentences)[row], float)


def maximum_over(values: Floats, members: sparse.csr_matrix) -> Floats:
    """Return the maximum of ``values`` (texts, heads) over the texts of each padded one, (padded, heads)."""
    if not members.shape[0]:
        return np.zeros((0, values.shape[1]))
    return np.asarray(np.maximum.reduceat(values[members.indices], members.indptr[:-1]))
