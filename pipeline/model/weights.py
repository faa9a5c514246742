"""The linear heads of a bundle and the gates before them, in 8 bits: memory is what scoring waits for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.model.pool import NOISE
from pipeline.model.rows import Rows
from pipeline.ndarrays import Floats, Grains, Ints, Signs, Singles

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["Weights"]

Reals = Floats | Singles
_MOST = 127
#: Rows whose largest number is below 127 of these powers of two are nearly nothing, and stand in as many of these.
_LEAST_EXPONENT = -60


@dataclass(frozen=True)
class Weights:
    """The linear heads of passages and of sentences, and the gate that says which expert's heads read a passage.

    Coefficients (experts, columns, heads), biases (experts, heads); the gate has (columns, experts - 1) and
    (experts - 1,): the first expert reads what no other one's gate opens for. One gate more opens for nobody: it says
    how much a text is told like those that count fully in training (`model.wording`). Each row of heads, and of gates,
    is in whole numbers of a power of two of its own, ``exponent`` and ``sentence_exponent`` (experts, columns) and
    ``gate_exponent`` (columns,): the finest that holds the row, and products stay exact. ``dense_coef`` (experts,
    dimensions, heads) and ``dense_gate`` (dimensions, gates) are those of an encoder's dimensions, which stand behind
    the other columns of passages.
    """

    coef: Grains
    exponent: Signs
    bias: Singles
    sentence_coef: Grains
    sentence_exponent: Signs
    sentence_bias: Singles
    gate: Grains
    gate_exponent: Signs
    gate_bias: Singles
    dense_coef: Singles
    dense_gate: Singles

    @classmethod
    def rounded(
        cls, coef: Reals, bias: Reals, sentence_coef: Reals, sentence_bias: Reals, gate: Reals, gate_bias: Reals
    ) -> Weights:
        """Return weights from real numbers.

        The columns that passages have and sentences have not are an encoder's dimensions.
        """
        columns = sentence_coef.shape[1]
        dense, dense_gate = coef[:, columns:].astype(np.float32), gate[columns:].astype(np.float32)
        coef, gate = coef[:, :columns], gate[:columns]
        return cls(
            *_rounded(coef), bias.astype(np.float32), *_rounded(sentence_coef), sentence_bias.astype(np.float32),
            *_rounded(gate), gate_bias.astype(np.float32), dense, dense_gate,
        )  # fmt: skip

    @property
    def real_coef(self) -> Floats:
        """Coefficients of passages in real numbers, (experts, columns + dimensions, heads)."""
        return np.concatenate([_real(self.coef, self.exponent), self.dense_coef], 1)

    @property
    def real_sentence_coef(self) -> Floats:
        """Coefficients of sentences in real numbers, (experts, columns, heads)."""
        return _real(self.sentence_coef, self.sentence_exponent)

    @property
    def real_gate(self) -> Floats:
        """The gates in real numbers, (columns + dimensions, gates)."""
        return np.concatenate([_real(self.gate, self.gate_exponent), self.dense_gate])

    def rows(self, expert: int, columns: Ints, *, sentences: bool = False) -> Floats:
        """Return the coefficients of some ``columns`` in real numbers, (columns, heads)."""
        coef, exponent = (self.sentence_coef, self.sentence_exponent) if sentences else (self.coef, self.exponent)
        return _real(coef[expert, columns], exponent[expert, columns])

    def choose(self, x: Rows | sparse.csr_matrix) -> tuple[Ints, Floats]:
        """Return which expert reads each row of ``x`` (rows, columns + dimensions), and how much each is told like
        texts that count fully, 0 where no gate says it; both (rows,).
        """
        none = np.zeros((x.shape[0], 1))
        opened = none[:, :0]
        if len(self.gate_bias):
            opened = _product(x, self.gate, self.gate_exponent, self.dense_gate) + self.gate_bias
        own, told = np.split(opened, [len(self.bias) - 1], 1)
        return np.rint(np.hstack([none, own]) / NOISE).argmax(1), np.hstack([told, none])[:, 0]

    def read(self, x: Rows | sparse.csr_matrix, expert: Ints, *, sentences: bool = False) -> Floats:
        """Return the margins (rows, heads) of ``x`` (rows, columns), each row read by its ``expert`` (rows,).

        Passages may have the dimensions behind their columns.
        """
        coef, exponent, bias = (
            (self.sentence_coef, self.sentence_exponent, self.sentence_bias)
            if sentences
            else (self.coef, self.exponent, self.bias)
        )
        margins = np.zeros((x.shape[0], bias.shape[1]))
        for e in np.flatnonzero(np.bincount(expert)).tolist():
            rows = expert == e
            margins[rows] = _product(x[rows], coef[e], exponent[e], self.dense_coef[e]) + bias[e]
        return margins


def _rounded(real: Reals) -> tuple[Grains, Signs]:
    """Return the rows of ``real`` (..., rows, numbers) in 8 bits, and of each the power of two it is in."""
    most = np.maximum(real.max(-1, initial=0), -real.min(-1, initial=0)).astype(np.float64)
    part, exponent = np.frexp(most / _MOST)
    exponent -= part == 0.5
    exponent = np.where(most > 0, np.maximum(exponent, _LEAST_EXPONENT), 0)
    return np.rint(np.ldexp(real, -exponent[..., None])).astype(np.int8), exponent.astype(np.int8)


def _real(grains: Grains, exponent: Signs) -> Floats:
    return np.ldexp(grains.astype(np.float64), exponent[..., None].astype(np.int32))


def _product(x: Rows | sparse.csr_matrix, coef: Grains, exponent: Signs, dense: Singles) -> Floats:
    # Of few texts most columns are empty: those rows of ``coef`` are not touched.
    columns, at = np.unique(x.indices, return_inverse=True)
    matrix: Any = type(x)
    few = matrix((x.data, at, x.indptr), (x.shape[0], len(columns)))
    sparse_end = np.searchsorted(columns, len(coef))
    those = _real(coef[columns[:sparse_end]], exponent[columns[:sparse_end]])
    if sparse_end < len(columns):
        those = np.concatenate([those, dense[columns[sparse_end:] - len(coef)]])
    return np.asarray(few @ those)
