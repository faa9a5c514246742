"""Words ∪ characters ∪ concepts as one sparse matrix; one extraction for training, scoring and evidence.

Everything works on whole batches: texts become one array of character ids and one list of tokens, n-grams
become integer keys, keys become columns by a sorted lookup. The same occurrences give the matrix of whole texts
and that of their sentences.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np
import numpy.typing as npt

from pipeline.model.rows import Rows
from pipeline.ndarrays import Bools, Floats, Ints, Singles
from pipeline.text.concepts import Lexicon
from pipeline.text.normalise import code_points
from pipeline.text.segment import Segmenter
from pipeline.text.sentences import Sentences, split_sentences

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["CHAR_BITS", "CONCEPTS", "Features", "Occurrences", "fold", "folded_points"]

#: Of occurrences: row, key or column, start, end, each (occurrences,).
Places = tuple[Ints, Ints, Ints, Ints]
T = TypeVar("T", bound=np.integer)

_FOLD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ123456789", "abcdefghijklmnopqrstuvwxyz000000000")
#: Of a character in a key: four fit.
CHAR_BITS = 15
_POINTS = 0x110000
#: Number of the concepts' block, behind words and characters.
CONCEPTS = 2


def fold(text: str) -> str:
    """Lower-case ASCII and read every digit as 0, at equal length."""
    return text.translate(_FOLD)


def folded_points(table: npt.NDArray[T]) -> npt.NDArray[T]:
    """Return a ``table`` (code points, …) in which every character has what the folded one has in the given one."""
    new = table.copy()
    for given, read in _FOLD.items():
        new[given] = table[read]
    return new


@dataclass(frozen=True, slots=True)
class Occurrences:
    """Where features stand: four arrays of shape (occurrences,); ``tokens`` (rows,) is how many words each row has."""

    row: Ints
    column: Ints
    start: Ints
    end: Ints
    tokens: Ints = field(default_factory=lambda: np.zeros(0, np.int64))

    def of_words(self, words: int, rows: int) -> Ints:
        """Return how many places each row has in the first ``words`` columns, those of word n-grams, (rows,)."""
        return np.bincount(self.row[self.column < words], minlength=rows)

    def by_sentence(self, sentences: Sentences, rows: int) -> Occurrences:
        """Return the same places counted by sentence, without tokens; what crosses the border of two is in neither."""
        # Texts laid end to end, so that one sorted lookup finds the sentence of any place.
        lengths = np.zeros(rows, np.int64)
        np.maximum.at(lengths, sentences.row, sentences.end)
        first = np.cumsum(lengths) - lengths
        begins = first[sentences.row] + sentences.start
        at = np.searchsorted(begins, first[self.row] + self.start, "right") - 1
        inside = at == np.searchsorted(begins, first[self.row] + self.end - 1, "right") - 1
        return Occurrences(at[inside], self.column[inside], self.start[inside], self.end[inside])


@dataclass
class Features:
    """Vocabulary and weights of both blocks.

    ``tokens`` and ``alphabet`` are sorted; ``word_keys`` and ``char_keys`` are the sorted integer keys of the
    kept n-grams; ``idf`` (n-grams,) covers words, then characters; the lexicon's concepts are the last columns.
    Word n-grams up to ``word_n`` ≤ 2, none with 0; character n-grams of ``char_n`` = (shortest, longest) ≤ 4. A text's
    first sentence counts ``lead`` times more.
    """

    word_n: int = 2
    char_n: tuple[int, int] = (1, 3)
    min_texts: int = 2
    lexicon: Lexicon | None = None
    concept_weight: float = 0.15
    lead: float = 0.0
    tokens: tuple[str, ...] = ()
    alphabet: str = ""
    word_keys: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    char_keys: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    idf: Singles = field(default_factory=lambda: np.zeros(0, np.float32))

    def __post_init__(self) -> None:
        self._token_id = dict(zip(self.tokens, range(1, len(self.tokens) + 1), strict=True))
        self.char_ids = np.zeros(_POINTS, np.int64)
        if self.alphabet:
            self.char_ids[code_points(self.alphabet)] = np.arange(1, len(self.alphabet) + 1)

    @property
    def columns(self) -> int:
        """Number of columns."""
        return self.ngrams + (len(self.lexicon.concepts) if self.lexicon else 0)

    @property
    def ngrams(self) -> int:
        """Number of columns before the concepts."""
        return len(self.word_keys) + len(self.char_keys)

    @property
    def concept_value(self) -> float:
        """What a concept is worth wherever it stands: ``concept_weight`` in single precision, as ``idf`` is."""
        return float(np.float32(self.concept_weight))

    def fit(self, texts: Sequence[str], segmenter: Segmenter) -> Features:
        """Return features learned from clean ``texts``: n-grams of at least ``min_texts`` texts."""
        return self.learn(texts, segmenter, split_sentences(texts))[0]

    def learn(
        self, texts: Sequence[str], segmenter: Segmenter, sentences: Sentences, jobs: int = 1
    ) -> tuple[Features, Occurrences]:
        """Return the features `fit` learns from ``texts``, and their `occurrences` there, in half the time of both.

        ``jobs`` threads share the work.
        """
        from joblib import Parallel, delayed

        folded = [fold(t) for t in texts]
        learned = Parallel(jobs, prefer="threads")([
            delayed(self._learn_words)(folded, segmenter),
            delayed(self._learn_chars)(folded),
            delayed(self._hits)(texts, sentences),
        ])  # fmt: skip
        (tokens, word_keys, word_idf, words, count), (alphabet, char_keys, char_idf, chars), concepts = learned
        new = replace(
            self, tokens=tokens, alphabet=alphabet, word_keys=word_keys, char_keys=char_keys,
            idf=np.concatenate([word_idf, char_idf]).astype(np.float32),
        )  # fmt: skip
        chars[1][:] += len(word_keys)
        concepts[1][:] += new.ngrams
        row, column, start, end = (np.concatenate(of) for of in zip(words, chars, concepts, strict=True))
        return new, Occurrences(row, column, start, end, count)

    def occurrences(self, texts: Sequence[str], segmenter: Segmenter, sentences: Sentences) -> Occurrences:
        """Return every place of clean ``texts`` where a known feature stands; ``sentences`` are those of the texts."""
        folded = [fold(t) for t in texts]
        cut = self._cut(folded, segmenter)
        word = _look_up(self.word_keys, *self._words(cut))
        char = _look_up(self.char_keys, *self._chars(folded))
        concepts = self._hits(texts, sentences)
        char[1][:] += len(self.word_keys)
        concepts[1][:] += self.ngrams
        parts = zip(word, char, concepts, strict=True)
        row, column, start, end = (np.concatenate(of) for of in parts)
        return Occurrences(row, column, start, end, _count(cut))

    def matrix(self, found: Occurrences, rows: int) -> sparse.csr_matrix:
        """Return the weighted matrix of ``found``, (rows, columns)."""
        return self.weigh(self.counts(found, rows))

    def counts(self, found: Occurrences, rows: int) -> sparse.csr_matrix:
        """Return how often each feature stands in each row, (rows, columns)."""
        from scipy import sparse

        return sparse.csr_matrix((np.ones(len(found.row)), (found.row, found.column)), (rows, self.columns))

    def few(self, found: Occurrences, rows: int) -> Rows:
        """Return what `counts` does, without scipy: for texts of less than FEW characters."""
        return Rows.counted(found.row, found.column, (rows, self.columns))

    @overload
    def weigh(self, counts: sparse.csr_matrix) -> sparse.csr_matrix: ...
    @overload
    def weigh(self, counts: Rows) -> Rows: ...
    def weigh(self, counts: Any) -> Any:
        """Return TF-IDF, sublinear, words and characters each of unit length; a concept counts its weight once."""
        rows = counts.shape[0]
        concept = counts.indices >= self.ngrams
        block = np.repeat(2 * np.arange(rows), np.diff(counts.indptr))
        block += counts.indices >= len(self.word_keys)
        values = np.log(counts.data)
        values += 1
        # Concepts add nothing to the length of the characters beside them.
        values *= np.append(self.idf, np.zeros(self.columns - self.ngrams))[counts.indices]
        length = np.sqrt(np.bincount(block, values * values, 2 * rows))
        length[length == 0] = 1
        values /= length[block]
        values[concept] = self.concept_value
        return type(counts)((values, counts.indices, counts.indptr), counts.shape)

    def transform(self, texts: Sequence[str], segmenter: Segmenter) -> sparse.csr_matrix:
        """Return the matrix of clean ``texts``."""
        return self.matrix(self.occurrences(texts, segmenter, split_sentences(texts)), len(texts))

    def _cut(self, folded: Sequence[str], segmenter: Segmenter) -> list[list[str]]:
        return segmenter.cut(folded) if self.word_n else [[] for _ in folded]

    def _hits(self, texts: Sequence[str], sentences: Sentences) -> Places:
        if not self.lexicon:
            return _stack([], sentences.row, sentences.start)
        hits = self.lexicon.find(sentences.of(texts))
        before = sentences.start[hits.sentence]
        return sentences.row[hits.sentence], hits.concept.astype(np.int64), hits.start + before, hits.end + before

    def _learn_words(
        self, folded: Sequence[str], segmenter: Segmenter
    ) -> tuple[tuple[str, ...], Ints, Floats, Places, Ints]:
        """Return the tokens, what `_keep` returns of their n-grams, and how many tokens each text has, (texts,)."""
        cut = self._cut(folded, segmenter)
        tokens = _frequent((t for words in cut for t in set(words)), self.min_texts)
        return tokens, *_keep(replace(self, tokens=tokens)._words(cut), len(cut), self.min_texts), _count(cut)

    def _learn_chars(self, folded: Sequence[str]) -> tuple[str, Ints, Floats, Places]:
        """Return the alphabet, and what `_keep` returns of its n-grams."""
        letters = _frequent((c for t in folded for c in set(t)), self.min_texts)[: 2**CHAR_BITS - 1]
        alphabet = "".join(letters)
        return alphabet, *_keep(replace(self, alphabet=alphabet)._chars(folded), len(folded), self.min_texts)

    def _words(self, cut: list[list[str]]) -> Places:
        flat = [t for words in cut for t in words]
        row = np.repeat(np.arange(len(cut)), _count(cut))
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

    def _chars(self, texts: Sequence[str]) -> Places:
        points = code_points("".join(texts))
        ids = self.char_ids[points]
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
                key = (key[: len(ids) - step] << CHAR_BITS) | ids[step:]
                known = known[: len(ids) - step] & (ids[step:] > 0) & (row[: len(ids) - step] == row[step:])
            if n >= shortest and len(key):
                parts.append((known, key, start[: len(key)] + n))
        return _stack(parts, row, start)


def _keep(places: Places, texts: int, least: int) -> tuple[Ints, Floats, Places]:
    """Return the keys that stand in at least so many texts, their idf, and where they stand, numbered among them."""
    import pandas as pd
    from scipy import sparse

    row, key, start, end = places
    # As np.unique, sorting only the few that differ.
    column, keys = pd.factorize(key, sort=True)
    # A text counts once for each key, however often it says it.
    once = sparse.csr_matrix((np.ones(len(row), np.int8), (row, column)), (texts, len(keys)))
    texts_with = np.bincount(once.indices, minlength=len(keys))
    kept = texts_with >= least
    inside = kept[column]
    number = np.cumsum(kept) - 1
    idf = np.log((1 + texts) / (1 + texts_with[kept])) + 1
    return keys[kept], idf, (row[inside], number[column[inside]], start[inside], end[inside])


def _frequent(items: Iterable[str], least: int) -> tuple[str, ...]:
    from collections import Counter

    return tuple(sorted(t for t, n in Counter(items).items() if n >= least))


def _count(cut: Sequence[Sequence[str]]) -> Ints:
    return np.fromiter(map(len, cut), np.int64, len(cut))


def _places(lengths: Ints, row: Ints, rows: int) -> tuple[Ints, Ints]:
    """Return start and end of each token inside its own text."""
    end = np.cumsum(lengths)
    first = np.searchsorted(row, np.arange(rows))
    before = np.concatenate([[0], end])[first]
    return end - lengths - before[row], end - before[row]


def _stack(parts: list[tuple[Bools, Ints, Ints]], row: Ints, start: Ints) -> Places:
    """Join the parts ``(known, key, end)``, each aligned to the beginning of ``row`` and ``start``."""
    if not parts:
        empty = np.zeros(0, np.int64)
        return empty, empty, empty, empty
    known = ((row[: len(k)][k], key[k], start[: len(k)][k], end[k]) for k, key, end in parts)
    row, keys, start, ends = (np.concatenate(of) for of in zip(*known, strict=True))
    return row, keys, start, ends


def _look_up(keys: Ints, row: Ints, key: Ints, start: Ints, end: Ints) -> Places:
    """Keep the occurrences whose key is in sorted ``keys``, with its position there as column."""
    if not len(keys):
        return row[:0], key[:0], start[:0], end[:0]
    at = np.searchsorted(keys, key)
    at[at == len(keys)] = 0
    known = keys[at] == key
    return row[known], at[known], start[known], end[known]
