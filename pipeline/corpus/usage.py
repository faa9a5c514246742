"""How often the forms of the concept lexicon are really said, and in which texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.ndarrays import Bools
from pipeline.text.concepts import Lexicon
from pipeline.text.sentences import split_sentences

__all__ = ["Usage", "concept_usage", "form_texts"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Shares of texts that contain something: among labelled texts, the others, and other people's messages."""

    positive: float
    negative: float
    outside: float

    @property
    def lift(self) -> float:
        """How many times as often it is said where there is a problem; 0.1 % is added to both sides."""
        return (self.positive + 1e-3) / (self.negative + 1e-3)


def form_texts(lexicon: Lexicon, texts: Sequence[str]) -> Bools:
    """Return which clean text contains which form, (texts, forms)."""
    sentences = split_sentences(texts)
    found = np.zeros((len(texts), len(lexicon.forms)), bool)
    hits = lexicon.find(sentences.of(texts), every=True)
    found[sentences.row[hits.sentence], hits.form] = True
    return found


def concept_usage(lexicon: Lexicon, corpus: Bools, positive: Bools, outside: Bools) -> tuple[list[Usage], list[Usage]]:
    """Return the usage of each concept and of each form.

    ``corpus`` and ``outside`` come from `form_texts`; ``positive`` (texts,) says which texts have a label.
    """

    def concepts(forms: Bools) -> Bools:
        return np.column_stack([forms[:, lexicon.owner == c].any(1) for c in range(len(lexicon.concepts))])

    return _usages(concepts(corpus), positive, concepts(outside)), _usages(corpus, positive, outside)


def _usages(corpus: Bools, positive: Bools, outside: Bools) -> list[Usage]:
    shares = (said.sum(0) / max(len(said), 1) for said in (corpus[positive], corpus[~positive], outside))
    return [Usage(*row) for row in np.column_stack(list(shares)).tolist()]
