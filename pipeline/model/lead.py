"""The first sentence of a text, read once more with the whole: titles and openings say what a text is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import numpy as np

from pipeline.model.rows import Rows
from pipeline.ndarrays import Ints

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["NONE", "add_lead", "first_sentences"]

#: Number of the first sentence where a text has none.
NONE = -1


def first_sentences(row: Ints, rows: int) -> Ints:
    """Return the number of each text's first sentence, (rows,), NONE where it has none.

    ``row`` (sentences,) ascends and numbers the text of each sentence.
    """
    first = np.searchsorted(row, np.arange(rows))
    return np.where(np.bincount(row, minlength=rows) > 0, first, NONE)


@overload
def add_lead(x: sparse.csr_matrix, x_sentence: sparse.csr_matrix, lead: Ints, weight: float) -> sparse.csr_matrix: ...
@overload
def add_lead(x: Rows, x_sentence: Rows, lead: Ints, weight: float) -> Rows: ...
def add_lead(x: Any, x_sentence: Any, lead: Ints, weight: float) -> Any:
    """Return rows of texts ``x`` plus ``weight`` times the row of each one's ``lead`` (texts,) in ``x_sentence``."""
    if not weight:
        return x
    some = np.flatnonzero(lead != NONE)
    if isinstance(x, Rows):
        return x.plus(x_sentence[lead[some]], some, weight)
    from scipy import sparse

    pick = sparse.csr_matrix((np.full(len(some), weight), (some, lead[some])), (x.shape[0], x_sentence.shape[0]))
    return sparse.csr_matrix(x + pick @ x_sentence)
