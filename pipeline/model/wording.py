"""How strange a text is to those who wrote the corpus, and what is allowed for it.

A linear model scores what it has never read near its prior. Texts by other people than those who wrote the corpus
therefore score low, the more of their words are unknown the lower, while those in the corpus's own words do not.
Two signs tell whose a text is: how many of its words are known, and how much it is told like the texts that count fully
in training, which others told first. Each errs where the other does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.model.features import Features, Occurrences
from pipeline.model.odds import expit
from pipeline.ndarrays import Floats, Ints

__all__ = ["Wording", "learn_wording"]

#: Tokens of usual wording that every text is read with, so that a handful of words says little.
PRIOR_TOKENS = 20
#: Where a text is half strange, and how fast it gets there, in standard deviations: by its words alone, by both signs.
BY_WORDS, BY_BOTH = (3.2, 0.2), (4.5, 0.6)


@dataclass(frozen=True, slots=True)
class Wording:
    """Known word n-grams per token over the corpus's texts, each seen from all others: mean and deviation.

    ``allowed`` (experts,) is which share of its strangeness a text of each expert is allowed for; at ``middle``
    deviations a text is half strange, ``width`` says how fast it gets there. In an office all wording may be taken for
    strange to one ``level``, 0 to 1: there the differences say little of who wrote it.
    """

    mean: float
    spread: float
    allowed: tuple[float, ...]
    level: float | None = None
    middle: float = BY_WORDS[0]
    width: float = BY_WORDS[1]

    def strangeness(self, known: Ints, tokens: Ints, expert: Ints, told: Floats) -> Floats:
        """Return for how strange the wording of each text is taken, 0 to 1, (texts,).

        ``known`` (texts,) counts its places of known word n-grams, ``tokens`` (texts,) all its tokens; ``expert``
        (texts,) reads it; ``told`` (texts,) is how much it is told like texts that others told first, in standard
        deviations.
        """
        allowed = np.array(self.allowed)[expert]
        if self.level is not None:
            return np.asarray(allowed * self.level)
        unknown = (self.mean - _share(known, tokens, self.mean)) / self.spread
        return np.asarray(allowed * expit((unknown + told - self.middle) / self.width))


def learn_wording(
    features: Features, found: Occurrences, groups: Sequence[str], allowed: Sequence[float], *, told: bool = False
) -> Wording:
    """Return the wording of the texts ``features`` were learned from; what only one group says is strange to it.

    ``found`` are the features' places in these texts, ``allowed`` as in Wording. A gate may say how texts are ``told``.
    """
    word = found.column < len(features.word_keys)
    row, column = found.row[word], found.column[word]
    group = np.unique(groups, return_inverse=True)[1][row]
    first, last = np.full(features.columns, len(groups)), np.full(features.columns, -1)
    np.minimum.at(first, column, group)
    np.maximum.at(last, column, group)
    elsewhere = first < last
    known = np.bincount(row[elsewhere[column]], minlength=len(found.tokens))
    mean = float(known.sum() / max(1, found.tokens.sum()))
    spread = float(_share(known, found.tokens, mean).std())
    middle, width = BY_BOTH if told else BY_WORDS
    return Wording(round(mean, 6), max(round(spread, 6), 0.01), tuple(allowed), middle=middle, width=width)


def _share(known: Ints, tokens: Ints, mean: float) -> Floats:
    return np.asarray((known + PRIOR_TOKENS * mean) / (tokens + PRIOR_TOKENS))
