"""Where a model's features stand in whole batches: `Features.occurrences` over code points and token numbers.

Columns have numbers of their own here, the most frequent feature first: what is read often lies together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.model.features import CHAR_BITS, CONCEPTS, Features, folded_points
from pipeline.text.compiled import compiled, wide
from pipeline.text.prefetch import prefetch

__all__ = ["BLOCKS", "Places", "Vocabulary"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Points = npt.NDArray[np.uint32]
Shorts = npt.NDArray[np.int32]
Columns = npt.NDArray[np.uint32]

#: A column is its number times this, plus its block: words, characters, concepts.
BLOCKS = 4
_WORDS, _CHARS = 0, 1
_HASH = 0x9E3779B97F4A7C15
#: Tells keys of words from those of characters.
_WORD_KEY = 1 << 62


@dataclass(frozen=True, slots=True)
class Places:
    """Features in the order of their groups: each passage's sentences, then what crosses their borders.

    ``group`` (sentences + passages + 1,) has the first place of each group; ``column``, ``start`` and ``end``
    (places,), the latter two in the batch's points.
    """

    group: Ints
    column: Columns
    start: Shorts
    end: Shorts

    def of_words(self, sentence_of: Ints) -> Ints:
        """Return how many places of word n-grams each passage has, (passages,)."""
        return _count_words(self.column, self.group[sentence_of + np.arange(len(sentence_of))])


class Vocabulary:
    """The n-grams of ``features`` as hash tables.

    ``order`` (columns,) has the column of `Features` of each number, ``scale`` (columns,) its factor.
    """

    def __init__(self, features: Features) -> None:
        words, ngrams = len(features.word_keys), features.ngrams
        concepts = np.full(features.columns - ngrams, features.concept_weight)
        self.scale = np.concatenate([features.idf, concepts])
        # Rare means a high idf; concepts are few and looked up by number.
        self.order = np.argsort(np.concatenate([features.idf, np.zeros(len(concepts))]), kind="stable")
        self.scale = self.scale[self.order]
        number = np.empty(features.columns, np.int64)
        number[self.order] = np.arange(features.columns)
        block = np.repeat([_WORDS, _CHARS, CONCEPTS], [words, ngrams - words, len(concepts)])
        self._column = (number * BLOCKS + block).astype(np.int32)
        self.concept = self._column[ngrams:]
        keys = np.concatenate([features.word_keys | _WORD_KEY, features.char_keys])
        self._slots = np.full(2 << max(4, int(2 * len(keys)).bit_length()), -1, np.int64)
        _fill(keys, self._column, self._slots)
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
        room = room * (self._word_n + self._char_n[1] - self._char_n[0] + 1) + len(hits[0])
        column = np.empty(room, np.int32)
        start = np.empty(room, np.int32)
        end = np.empty(room, np.int32)
        group = np.empty(len(sentences[1]) + len(passages[0]) + 1, np.int64)
        _find(
            points, *passages, *sentences, token_of, token_end, token, *hits, self.concept, self._letters, self._words,
            self._chars, self._slots, self._word_n, *self._char_n, group, column, start, end,
        )  # fmt: skip
        n = group[-1]
        return Places(group, column[:n].view(np.uint32), start[:n], end[:n])


def _alone(keys: Ints, column: Shorts, count: int) -> Shorts:
    """Return the column of each single token or character, -1 if it has none."""
    found = np.full(count, -1, np.int32)
    single = keys < count
    found[keys[single]] = column[single]
    return found


@compiled
def _count_words(column: Columns, border: Ints) -> Ints:
    many = np.zeros(len(border) - 1, np.int64)
    for p in range(len(many)):
        for k in range(border[p], border[p + 1]):
            many[p] += column[k] % BLOCKS == _WORDS
    return many


@compiled
def _home(key: int, slots: Ints) -> int:
    """Return the place of the table where to look for ``key`` first."""
    mixed = np.uint64(key) * np.uint64(_HASH)
    return wide(mixed ^ (mixed >> np.uint64(32))) & (len(slots) // 2 - 1)


@compiled
def _slot(key: int, slots: Ints) -> int:
    """Return the place of ``key`` in the table, or the free one where it belongs."""
    at = _home(key, slots)
    while slots[2 * at] not in (-1, key):
        at = (at + 1) & (len(slots) // 2 - 1)
    return at


@compiled
def _fill(keys: Ints, column: Shorts, slots: Ints) -> None:
    for i in range(len(keys)):
        at = _slot(keys[i], slots)
        slots[2 * at] = keys[i]
        slots[2 * at + 1] = column[i]


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
    slots: Ints,
    word_n: int,
    shortest: int,
    longest: int,
    group: Ints,
    column: Shorts,
    start: Shorts,
    end: Shorts,
) -> None:
    most = 1
    for p in range(len(passage)):
        most = max(most, passage_end[p] - passage[p])
    letter = np.zeros(most + longest, np.int64)
    crossing = np.empty((most * (word_n + longest - shortest + 1), 3), np.int32)
    # Keys of a sentence, where they begin and end: looked up when all are asked for.
    key = np.empty(most * (1 + longest), np.int64)
    span = np.empty((len(key), 2), np.int32)
    n = h = 0
    for p in range(len(passage)):
        across = 0
        a, b = passage[p], passage_end[p]
        for i in range(a, b):
            letter[i - a] = letters[points[i]]
        letter[b - a : b - a + longest] = 0
        t = token_of[p]
        place = a
        for s in range(sentence_of[p], sentence_of[p + 1]):
            group[s + p] = n
            begin = sentence[s]
            stop = sentence[s + 1] if s + 1 < sentence_of[p + 1] else b
            keys = 0
            while t < token_of[p + 1] and place < stop:
                until = wide(token_end[t])
                one = wide(token[t])
                if one:
                    if words[one] >= 0:
                        n, across = _note(words[one], place, until, stop, column, start, end, n, crossing, across)
                    if word_n > 1 and t + 1 < token_of[p + 1] and token[t + 1]:
                        keys = _ask(
                            one << 32 | wide(token[t + 1]) | _WORD_KEY, place, token_end[t + 1], slots, key, span, keys
                        )
                place = until
                t += 1
            for i in range(begin, stop):
                gram = letter[i - a]
                if gram == 0:
                    continue
                if shortest == 1 and chars[gram] >= 0:
                    n, across = _note(chars[gram], i, i + 1, stop, column, start, end, n, crossing, across)
                for m in range(2, longest + 1):
                    more = letter[i - a + m - 1]
                    if more == 0:
                        break
                    gram = gram << CHAR_BITS | more
                    if m >= shortest:
                        keys = _ask(gram, i, i + m, slots, key, span, keys)
            for k in range(keys):
                slot = _slot(key[k], slots)
                if slots[2 * slot] >= 0:
                    n, across = _note(
                        slots[2 * slot + 1], span[k, 0], span[k, 1], stop, column, start, end, n, crossing, across
                    )
            while h < len(hit) and hit_sentence[h] == s:
                column[n], start[n], end[n] = concept[hit[h]], hit_start[h], hit_end[h]
                n += 1
                h += 1
        group[sentence_of[p + 1] + p] = n
        for k in range(across):
            column[n], start[n], end[n] = crossing[k, 0], crossing[k, 1], crossing[k, 2]
            n += 1
    group[len(group) - 1] = n


@compiled
def _ask(wanted: int, a: int, b: int, slots: Ints, key: Ints, span: Shorts, keys: int) -> int:
    """Add a key to look up; return how many there are."""
    prefetch(slots, 2 * _home(wanted, slots))
    key[keys] = wanted
    span[keys, 0], span[keys, 1] = a, b
    return keys + 1


@compiled
def _note(
    c: int,
    a: int,
    b: int,
    stop: int,
    column: Shorts,
    start: Shorts,
    end: Shorts,
    n: int,
    crossing: Shorts,
    across: int,
) -> tuple[int, int]:
    """Write a feature down, beside the others if it reaches over the end of its sentence."""
    if b > stop:
        crossing[across, 0], crossing[across, 1], crossing[across, 2] = c, a, b
        return n, across + 1
    column[n], start[n], end[n] = c, a, b
    return n + 1, across
