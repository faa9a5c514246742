"""Words ∪ characters as one sparse matrix; one extraction for training, scoring and evidence.

Everything works on whole batches: texts become one array of character ids and one list of tokens, n-grams
become integer keys, keys become columns by a sorted lookup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import sparse

from pipeline.text.segment import Segmenter

__all__ = ["Features", "Occurrences", "fold"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_FOLD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ123456789", "abcdefghijklmnopqrstuvwxyz000000000")
_CHAR_BITS = 15  # four characters fit one int64 key
_POINTS = 0x110000


def fold(text: str) -> str:
    """Lower-case ASCII and read every digit as 0, at equal length."""
    return text.translate(_FOLD)


@dataclass(frozen=True, slots=True)
class Occurrences:
    """Where features stand: four arrays of shape (occurrences,)."""

    row: Ints
    column: Ints
    start: Ints
    end: Ints


@dataclass
class Features:
    """Vocabulary and weights of both blocks.

    ``tokens`` and ``alphabet`` are sorted; ``word_keys`` and ``char_keys`` are the sorted integer keys of the
    kept n-grams; ``idf`` (columns,) covers words, then characters. Word n-grams up to ``word_n`` ≤ 2,
    character n-grams of ``char_n`` = (shortest, longest) ≤ 4.
    """

    word_n: int = 2
    char_n: tuple[int, int] = (1, 3)
    min_texts: int = 2
    block_weights: tuple[float, float] = (1.0, 1.0)
    tokens: tuple[str, ...] = ()
    alphabet: str = ""
    word_keys: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    char_keys: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    idf: Floats = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        self._token_id = {t: i for i, t in enumerate(self.tokens, 1)}
        self._char_id = np.zeros(_POINTS, np.int64)
        if self.alphabet:
            points = np.frombuffer(self.alphabet.encode("utf-32-le"), np.uint32)
            self._char_id[points] = np.arange(1, len(points) + 1)

    @property
    def columns(self) -> int:
        """Number of columns."""
        return len(self.word_keys) + len(self.char_keys)

    def fit(self, texts: Sequence[str], segmenter: Segmenter) -> Features:
        """Return features learned from clean ``texts``: n-grams of at least ``min_texts`` texts."""
        folded = [fold(t) for t in texts]
        cut = segmenter.cut(folded)
        tokens = _frequent((t for words in cut for t in set(words)), self.min_texts)
        letters = _frequent((c for t in folded for c in set(t)), self.min_texts)[: 2**_CHAR_BITS - 1]
        new = Features(self.word_n, self.char_n, self.min_texts, self.block_weights, tuple(tokens), "".join(letters))
        idf = []
        for name, (row, key, _start, _end) in (("word_keys", new._words(cut)), ("char_keys", new._chars(folded))):
            # A text counts once for each key, however often it says it.
            order = np.lexsort((row, key))
            key, row = key[order], row[order]
            first = np.ones(len(key), bool)
            first[1:] = (key[1:] != key[:-1]) | (row[1:] != row[:-1])
            keys, texts_with = np.unique(key[first], return_counts=True)
            kept = texts_with >= self.min_texts
            setattr(new, name, keys[kept])
            idf.append(np.log((1 + len(texts)) / (1 + texts_with[kept])) + 1)
        new.idf = np.concatenate(idf)
        return new

    def occurrences(self, texts: Sequence[str], segmenter: Segmenter) -> Occurrences:
        """Return every place of clean ``texts`` where a known feature stands."""
        folded = [fold(t) for t in texts]
        word = _look_up(self.word_keys, *self._words(segmenter.cut(folded)))
        char = _look_up(self.char_keys, *self._chars(folded))
        both = [np.concatenate(pair) for pair in zip(word, char, strict=True)]
        both[1][len(word[1]) :] += len(self.word_keys)
        return Occurrences(*both)

    def matrix(self, found: Occurrences, rows: int) -> sparse.csr_matrix:
        """Return TF-IDF, sublinear, each block of unit length, as (rows, columns)."""
        shape = (rows, self.columns)
        counts = sparse.csr_matrix((np.ones(len(found.row)), (found.row, found.column)), shape)
        values = (1 + np.log(counts.data)) * self.idf[counts.indices]
        is_char = (counts.indices >= len(self.word_keys)).astype(np.int64)
        block = 2 * np.repeat(np.arange(rows), np.diff(counts.indptr)) + is_char
        length = np.sqrt(np.bincount(block, values * values, 2 * rows))
        length[length == 0] = 1
        counts.data = values / length[block] * np.asarray(self.block_weights)[is_char]
        return counts

    def transform(self, texts: Sequence[str], segmenter: Segmenter) -> sparse.csr_matrix:
        """Return the matrix of clean ``texts``."""
        return self.matrix(self.occurrences(texts, segmenter), len(texts))

    def _words(self, cut: list[list[str]]) -> tuple[Ints, Ints, Ints, Ints]:
        flat = [t for words in cut for t in words]
        row = np.repeat(np.arange(len(cut)), np.fromiter(map(len, cut), np.int64, len(cut)))
        ids = np.fromiter((self._token_id.get(t, 0) for t in flat), np.int64, len(flat))
        start, end = _places(np.fromiter(map(len, flat), np.int64, len(flat)), row, len(cut))
        parts = [(ids > 0, ids, end)]
        if self.word_n == 2 and len(ids) > 1:
            pair = np.zeros(len(ids), np.int64)
            pair[:-1] = (ids[:-1] << 32) | ids[1:]
            known = np.zeros(len(ids), bool)
            known[:-1] = (ids[:-1] > 0) & (ids[1:] > 0) & (row[:-1] == row[1:])
            parts.append((known, pair, np.append(end[1:], 0)))
        return _stack(parts, row, start)

    def _chars(self, texts: Sequence[str]) -> tuple[Ints, Ints, Ints, Ints]:
        points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
        ids = self._char_id[points]
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        row = np.repeat(np.arange(len(texts)), lengths)
        start = np.arange(len(ids)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        shortest, longest = self.char_n
        parts = []
        key = ids.copy()
        known = ids > 0
        for n in range(1, longest + 1):
            if n > 1:
                step = n - 1
                key = (key[: len(ids) - step] << _CHAR_BITS) | ids[step:]
                known = known[: len(ids) - step] & (ids[step:] > 0) & (row[: len(ids) - step] == row[step:])
            if n >= shortest and len(key):
                parts.append((known, key, start[: len(key)] + n))
        return _stack(parts, row, start)


def _frequent(items: object, least: int) -> list[str]:
    from collections import Counter

    counts = Counter(items)  # type: ignore[call-overload]
    return sorted(t for t, n in counts.items() if n >= least)


def _places(lengths: Ints, row: Ints, rows: int) -> tuple[Ints, Ints]:
    """Return start and end of each token inside its own text."""
    end = np.cumsum(lengths)
    first = np.searchsorted(row, np.arange(rows))
    before = np.concatenate([[0], end])[first]
    return end - lengths - before[row], end - before[row]


def _stack(
    parts: list[tuple[npt.NDArray[np.bool_], Ints, Ints]], row: Ints, start: Ints
) -> tuple[Ints, Ints, Ints, Ints]:
    """Join the parts ``(known, key, end)``, each aligned to the beginning of ``row`` and ``start``."""
    if not parts:
        empty = np.zeros(0, np.int64)
        return empty, empty, empty, empty
    return (
        np.concatenate([row[: len(k)][k] for k, _key, _end in parts]),
        np.concatenate([key[k] for k, key, _end in parts]),
        np.concatenate([start[: len(k)][k] for k, _key, _end in parts]),
        np.concatenate([end[k] for k, _key, end in parts]),
    )


def _look_up(keys: Ints, row: Ints, key: Ints, start: Ints, end: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Keep the occurrences whose key is in sorted ``keys``, with its position there as column."""
    if not len(keys):
        return row[:0], key[:0], start[:0], end[:0]
    at = np.searchsorted(keys, key)
    at[at == len(keys)] = 0
    known = keys[at] == key
    return row[known], at[known], start[known], end[known]
