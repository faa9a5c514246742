"""Where a model's features stand in whole batches: `Features.occurrences` over code points and token numbers.

Columns have numbers of their own here, the most frequent feature first: what is read often lies together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from pipeline.model.features import CHAR_BITS, CONCEPTS, Features, folded_points
from pipeline.ndarrays import Columns, Flags, Ints, Keys, Points, Shorts
from pipeline.text.compiled import compiled, wide
from pipeline.text.prefetch import prefetch

__all__ = ["BLOCKS", "Places", "Vocabulary"]

#: A column is its number times this, plus its block: words, characters, concepts.
BLOCKS = 4
_WORDS, _CHARS = 0, 1
_HASH = 0x9E3779B97F4A7C15
#: Of a key: all bits, those before its sort (how many characters there are behind the first, 0 for tokens), of a token.
_KEY_BITS, _SORT, _TOKEN_BITS = 62, 60, 30
_KEY, _HALF = np.uint64(2**_KEY_BITS - 1), np.uint64(_KEY_BITS // 2)
#: So many ways to mix keys are tried; nearly always the first will do.
_TRIES = 64


@dataclass(frozen=True, slots=True)
class Places:
    """Features in the order of their groups: each passage's sentences, then what crosses their borders.

    ``group`` (sentences + passages + 1,) has the first place of each group; ``column``, ``start`` and ``end``
    (places,), the latter two in the batch's points; ``words`` (passages,), how many places of each are word n-grams.
    """

    group: Ints
    column: Columns
    start: Shorts
    end: Shorts
    words: Ints


class Vocabulary:
    """The n-grams of ``features`` as hash tables.

    ``order`` (columns,) has the column of `Features` of each number, ``scale`` (columns,) its factor.
    """

    def __init__(self, features: Features) -> None:
        words, ngrams = len(features.word_keys), features.ngrams
        concepts = np.full(features.columns - ngrams, features.concept_value, np.float32)
        self.scale = np.concatenate([features.idf, concepts])
        # Rare means a high idf; concepts are few and looked up by number.
        self.order = np.argsort(np.concatenate([features.idf, np.zeros_like(concepts)]), kind="stable")
        self.scale = self.scale[self.order]
        number = np.empty(features.columns, np.int64)
        number[self.order] = np.arange(features.columns)
        block = np.repeat([_WORDS, _CHARS, CONCEPTS], [words, ngrams - words, len(concepts)])
        self._column = (number * BLOCKS + block).astype(np.int32)
        self.concept = self._column[ngrams:]
        self._table = _table(*_of_several(features, self._column), features.columns)
        self._words = _alone(features.word_keys, self._column[:words], len(features.tokens) + 1)
        self._chars = _alone(features.char_keys, self._column[words:ngrams], len(features.alphabet) + 1)
        self._letters = folded_points(features.char_ids).astype(np.int32)
        self._word_n = features.word_n
        self._char_n = features.char_n

    def find(
        self,
        points: Points,
        passages: tuple[Ints, Ints],
        sentences: tuple[Ints, Ints],
        tokens: tuple[Ints, Shorts, Shorts],
        hits: tuple[Ints, Ints, Ints, Ints],
    ) -> Places:
        """Return all places of known features.

        ``passages`` are starts and ends in ``points``; ``sentences`` and ``tokens`` as `cut_sentences` and
        `Lattice.cut` give them; ``hits`` are sentence, concept, start and end, by sentence.
        """
        token_of, token_end, token = tokens
        room = int((passages[1] - passages[0]).sum())
        # One more than there can be: what is not known is written as well, and then written over.
        room = room * (self._word_n + self._char_n[1] - self._char_n[0] + 1) + len(hits[0]) + 1
        column = np.empty(room, np.int32)
        start = np.empty(room, np.int32)
        end = np.empty(room, np.int32)
        group = np.empty(len(sentences[1]) + len(passages[0]) + 1, np.int64)
        words = np.zeros(len(passages[0]), np.int64)
        _find(
            points, *passages, *sentences, token_of, token_end, token, *hits, self.concept, self._letters, self._words,
            self._chars, self._table, self._word_n, *self._char_n, group, column, start, end, words,
        )  # fmt: skip
        n = group[-1]
        return Places(group, column[:n].view(np.uint32), start[:n], end[:n], words)


def _of_several(features: Features, column: Shorts) -> tuple[Ints, Shorts]:
    """Return keys and columns of the n-grams of more than one token or character."""
    words, chars = features.word_keys, features.char_keys
    first, second = words >> 32, words & 0xFFFFFFFF
    pair = (first > 0) & (first < 1 << _TOKEN_BITS) & (second < 1 << _TOKEN_BITS)
    more = sum((chars >> CHAR_BITS * n > 0).astype(np.int64) for n in (1, 2, 3))
    several = np.concatenate([pair, (more > 0) & (chars < 1 << _SORT)])
    keys = np.concatenate([first << _TOKEN_BITS | second, chars | more << _SORT])
    return keys[several], column[: len(several)][several]


class _Table(NamedTuple):
    """Columns by key, each found at the first look: no two keys share a place.

    The last bits of a mixed key are its place, moved by what ``moved`` says of its first bits. There, ``slots`` have
    the others of its bits and, in their own last ``bits``, its column + 1.
    """

    slots: Keys
    moved: Flags
    factor: np.uint64
    size: np.uint64
    first: np.uint64
    bits: np.uint64


def _table(keys: Ints, column: Shorts, columns: int) -> _Table:
    """Return the table of different ``keys`` with their ``column``, one of so many ``columns``."""
    # With more places than columns, what a slot has to hold fits.
    size = max(4, (columns + columns // 2).bit_length())
    first = size - 3
    for odd in range(1, 2 * _TRIES, 2):
        table = _Table(
            np.full(1 << size, 0, np.uint64),
            np.zeros(1 << first, np.uint8),
            np.uint64(_HASH * odd % 2**64),
            np.uint64(size),
            np.uint64(_KEY_BITS - first),
            np.uint64((BLOCKS * columns).bit_length()),
        )
        if _fill(keys.view(np.uint64), column.astype(np.uint64), table):
            return table
    raise ValueError("no room for all keys")


def _alone(keys: Ints, column: Shorts, count: int) -> Shorts:
    """Return the column of each single token or character, -1 if it has none."""
    found = np.full(count, -1, np.int32)
    single = keys < count
    found[keys[single]] = column[single]
    return found


@compiled
def _mixed(key: Any, factor: np.uint64) -> np.uint64:
    """Return ``key`` mixed in its own bits: no two become the same."""
    product = (np.uint64(key) * factor) & _KEY
    return product ^ (product >> _HALF)


@compiled
def _fill(keys: Keys, column: Keys, table: _Table) -> bool:
    """Give each key a place of its own; return whether all have one."""
    first = np.zeros(len(table.moved) + 1, np.int64)
    for k in range(len(keys)):
        first[(_mixed(keys[k], table.factor) >> table.first) + np.uint64(1)] += 1
    many = first[1:].copy()
    first = np.cumsum(first)
    mixed, columns, free = np.empty_like(keys), np.empty_like(column), first[:-1].copy()
    for k in range(len(keys)):
        key = _mixed(keys[k], table.factor)
        g = key >> table.first
        mixed[free[g]], columns[free[g]] = key, column[k]
        free[g] += 1
    # Those that move with many others first: they need the most room.
    most = 0
    for together in many:
        most = max(most, together)
    for together in range(most, 0, -1):
        for moving in range(len(many)):
            if many[moving] != together:
                continue
            a, b = first[moving], first[moving + 1]
            step = 0
            while not _settle(mixed[a:b], columns[a:b], np.uint64(step), table):
                step += 1
                if step > 255:
                    return False
            table.moved[moving] = step
    return True


@compiled
def _settle(mixed: Keys, column: Keys, step: np.uint64, table: _Table) -> bool:
    """Put keys that move by the same ``step`` where they belong; return whether all places were free."""
    for k in range(len(mixed)):
        at = (mixed[k] + step) & np.uint64(len(table.slots) - 1)
        if table.slots[at]:
            for before in range(k):
                table.slots[(mixed[before] + step) & np.uint64(len(table.slots) - 1)] = 0
            return False
        table.slots[at] = mixed[k] >> table.size << table.bits | (column[k] + np.uint64(1))
    return True


@compiled
def _ask(key: Any, table: _Table) -> Any:
    """Return ``key`` mixed, and have its place fetched."""
    mixed = _mixed(key, table.factor)
    prefetch(table.slots, (mixed + table.moved[mixed >> table.first]) & np.uint64(len(table.slots) - 1))
    return mixed


@compiled
def _answer(mixed: np.uint64, table: _Table) -> int:
    """Return the column of a mixed key, -1 if it has none; without branches, for what is known nobody foresees."""
    slot = table.slots[(mixed + table.moved[mixed >> table.first]) & np.uint64(len(table.slots) - 1)]
    known = slot >> table.bits == mixed >> table.size
    return wide(known * (slot & ((np.uint64(1) << table.bits) - np.uint64(1)))) - 1


@compiled
def _find(
    points: Points,
    passage: Ints,
    passage_end: Ints,
    sentence_of: Ints,
    sentence: Ints,
    token_of: Ints,
    token_end: Shorts,
    token: Shorts,
    hit_sentence: Ints,
    hit: Ints,
    hit_start: Ints,
    hit_end: Ints,
    concept: Shorts,
    letters: Shorts,
    words: Shorts,
    chars: Shorts,
    table: _Table,
    word_n: int,
    shortest: int,
    longest: int,
    group: Ints,
    column: Shorts,
    start: Shorts,
    end: Shorts,
    of_words: Ints,
) -> None:
    most = 1
    for p in range(len(passage)):
        most = max(most, passage_end[p] - passage[p])
    letter = np.zeros(most + longest, np.int64)
    gram = np.empty(most, np.int64)
    asked = np.empty(most * (longest - shortest + 1), np.uint64)
    pair = np.empty(most, np.uint64)
    crossing = np.empty((most * (word_n + longest - shortest + 1) + 1, 3), np.int32)
    # Of each token that alone and with the next, of each character its n-grams: -1 where none is known.
    of_token = np.full((2, most), -1, np.int32)
    of_char = np.empty((longest - shortest + 1, most), np.int32)
    n = h = 0
    for p in range(len(passage)):
        a, b = passage[p], passage_end[p]
        size = b - a
        for i in range(size):
            letter[i] = letters[points[a + i]]
        # Nothing known has a 0 among its characters or tokens.
        letter[size : size + longest] = 0
        for i in range(size):
            gram[i] = letter[i]
            if shortest == 1:
                of_char[0, i] = chars[gram[i]]
        for m in range(2, longest + 1):
            for i in range(size):
                gram[i] = gram[i] << CHAR_BITS | letter[i + m - 1]
                if m >= shortest:
                    asked[(m - shortest) * size + i] = _ask(gram[i] | (m - 1) << _SORT, table)
        first, last = token_of[p], token_of[p + 1]
        for t in range(first, last):
            of_token[0, t - first] = words[token[t]]
        if word_n > 1 and last > first:
            for t in range(first, last - 1):
                pair[t - first] = _ask(wide(token[t]) << _TOKEN_BITS | wide(token[t + 1]), table)
            for t in range(first, last - 1):
                of_token[1, t - first] = _answer(pair[t - first], table)
            of_token[1, last - 1 - first] = -1
        for m in range(max(2, shortest), longest + 1):
            for i in range(size):
                of_char[m - shortest, i] = _answer(asked[(m - shortest) * size + i], table)
        # What is not known is written as well, and then written over.
        t, place, across, known = first, a, 0, wide(0)
        for s in range(sentence_of[p], sentence_of[p + 1]):
            group[s + p] = n
            begin = sentence[s]
            stop = sentence[s + 1] if s + 1 < sentence_of[p + 1] else b
            while t < last and place < stop:
                until = wide(token_end[t])
                for m in range(2):
                    c = of_token[m, t - first]
                    till = wide(token_end[min(t + m, last - 1)])
                    column[n], start[n], end[n] = c, place, till
                    n += (c >= 0) & (till <= stop)
                    known += c >= 0
                    # Rare, unlike the others.
                    if till > stop:
                        crossing[across, 0], crossing[across, 1], crossing[across, 2] = c, place, till
                        across += c >= 0
                place = until
                t += 1
            for m in range(shortest, longest + 1):
                inside = max(begin, stop - m + 1)
                for i in range(begin, inside):
                    c = of_char[m - shortest, i - a]
                    column[n], start[n], end[n] = c, i, i + m
                    n += c >= 0
                for i in range(inside, stop):
                    c = of_char[m - shortest, i - a]
                    crossing[across, 0], crossing[across, 1], crossing[across, 2] = c, i, i + m
                    across += c >= 0
            while h < len(hit) and hit_sentence[h] == s:
                column[n], start[n], end[n] = concept[hit[h]], hit_start[h], hit_end[h]
                n += 1
                h += 1
        of_words[p] = known
        group[sentence_of[p + 1] + p] = n
        for k in range(across):
            column[n], start[n], end[n] = crossing[k, 0], crossing[k, 1], crossing[k, 2]
            n += 1
    group[len(group) - 1] = n
