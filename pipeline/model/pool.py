"""From sentences to texts: the strongest one speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline.ndarrays import Floats, Ints

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["NOISE", "long_share", "maximum_over", "read_long", "strongest_sentence"]

#: Sums that differ by less are equal: their parts were added in another order.
NOISE = 1e-9
#: Of so many sentences a text begins to be read as a long one, from so many on it is one altogether.
SHORT, LONG = 20, 30
#: Share of a long text in wholly strange wording that is read as a whole all the same. What is made up of many texts is
#: told in the words of an office; a long letter by somebody else is one story.
ONE_STORY = 0.8


def strongest_sentence(margins: npt.NDArray[np.floating], row: Ints, bias: npt.NDArray[np.floating]) -> Floats:
    """Return each text's highest sentence margin per head, (rows, heads); its ``bias`` where there is no sentence.

    ``row`` (sentences,) ascends and numbers the text of each sentence.
    """
    strongest = np.array(bias, float)
    if len(row):
        first = np.flatnonzero(np.append(True, row[1:] != row[:-1]))
        strongest[row[first]] = np.maximum.reduceat(margins, first)
    return strongest


def long_share(row: Ints, sentences: Ints, strange: Floats) -> Floats:
    """Return how far the text of each passage is read as a long one, 0 to 1, (passages,).

    ``row`` (passages,) numbers the texts, ``sentences`` (passages,) are in each passage, ``strange`` (passages,) is for
    how strange its wording is taken.
    """
    long = np.clip((_in_text(row, sentences) - SHORT) / (LONG - SHORT), 0.0, 1.0)
    return np.asarray(long * (1 - ONE_STORY * strange))


def read_long(
    log_odds: Floats, strongest: Floats, row: Ints, sentences: Ints, share: Floats, edge: Floats, long: Floats
) -> Floats:
    """Return what becomes of the ``log_odds`` of passages by the length of their texts, all (passages, heads).

    ``strongest`` (passages, heads) are the margins of their strongest sentences; ``row`` and ``sentences`` as in
    `long_share`, whose ``share`` (passages,) is. ``edge`` (heads,) are log-odds of thresholds, ``long`` (3, heads) the
    slopes of the strongest sentence and of the logarithm of their number, and the intercept: `Head.long_sentence` and
    so on.
    """
    if not share.any():
        return log_odds
    share = share[:, None]
    sentence, of_size, intercept = long
    size = np.log(np.maximum(_in_text(row, sentences), 1))[:, None]
    return np.asarray(log_odds * (1 - share) + (edge + strongest * sentence + size * of_size + intercept) * share)


def _in_text(row: Ints, sentences: Ints) -> Floats:
    """Return how many sentences the text of each passage has, (passages,), of those of the passages."""
    return np.asarray(np.bincount(row, sentences)[row], float)


def maximum_over(values: Floats, members: sparse.csr_matrix) -> Floats:
    """Return the maximum of ``values`` (texts, heads) over the texts of each padded one, (padded, heads)."""
    if not members.shape[0]:
        return np.zeros((0, values.shape[1]))
    return np.asarray(np.maximum.reduceat(values[members.indices], members.indptr[:-1]))
