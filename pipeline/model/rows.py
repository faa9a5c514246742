"""A few sparse rows with numpy alone: importing scipy's matrices takes longer than scoring a short text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline.ndarrays import Floats, Ints

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["FEW", "Rows", "as_csr"]

#: From so many characters at once on scipy's matrices are worth their import.
FEW = 20_000


@dataclass(frozen=True, slots=True)
class Rows:
    """What scoring asks of a `scipy.sparse.csr_matrix`, by the same names; columns ascend in each row."""

    parts: tuple[Floats, Ints, Ints]
    shape: tuple[int, int]

    @classmethod
    def counted(cls, row: Ints, column: Ints, shape: tuple[int, int]) -> Rows:
        """Return how often each ``row`` and ``column`` stand side by side."""
        key, count = np.unique(row * shape[1] + column, return_counts=True)
        return cls._laid(key, count.astype(float), shape)

    @classmethod
    def _laid(cls, key: Ints, data: Floats, shape: tuple[int, int]) -> Rows:
        row, column = np.divmod(key, shape[1])
        return cls((data, column, np.searchsorted(row, np.arange(shape[0] + 1))), shape)

    @property
    def data(self) -> Floats:
        """The values, row by row."""
        return self.parts[0]

    @property
    def indices(self) -> Ints:
        """Their columns."""
        return self.parts[1]

    @property
    def indptr(self) -> Ints:
        """Where each row begins, and where the last one ends."""
        return self.parts[2]

    def __getitem__(self, wanted: npt.NDArray[Any]) -> Rows:
        """Return the rows of these numbers, or those that are marked."""
        number = np.arange(self.shape[0])[wanted]
        length = np.diff(self.indptr)[number]
        begin = np.append(0, np.cumsum(length))
        at = np.repeat(self.indptr[number] - begin[:-1], length) + np.arange(begin[-1])
        return Rows((self.data[at], self.indices[at], begin), (len(number), self.shape[1]))

    def __matmul__(self, dense: Floats) -> Floats:
        """Return the product with ``dense`` (columns, any), added up in the order of the columns."""
        product = np.zeros((self.shape[0], dense.shape[1]))
        np.add.at(product, self._row(), self.data[:, None] * dense[self.indices])
        return product

    def plus(self, others: Rows, to: Ints, weight: float) -> Rows:
        """Return these rows, with ``weight`` times each row of ``others`` added to the one of that number in ``to``."""
        columns = self.shape[1]
        mine, theirs = self._row() * columns + self.indices, to[others._row()] * columns + others.indices
        key, at = np.unique(np.concatenate([mine, theirs]), return_inverse=True)
        data = np.bincount(at, np.concatenate([self.data, weight * others.data]), len(key))
        return self._laid(key, np.asarray(data, float), self.shape)

    def _row(self) -> Ints:
        return np.repeat(np.arange(self.shape[0]), np.diff(self.indptr))


def as_csr(x: Rows | sparse.csr_matrix) -> sparse.csr_matrix:
    """Return scipy's matrix of ``x``."""
    if not isinstance(x, Rows):
        return x
    from scipy import sparse

    return sparse.csr_matrix(x.parts, x.shape)
