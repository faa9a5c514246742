"""From documents to a window: words unknown to the model, phrases, and what the model says."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from pipeline.analyst.drift import Window
from pipeline.corpus.grams import squeeze
from pipeline.documents import Document, text_hash
from pipeline.model.score import Scorer
from pipeline.text.clean import clean

__all__ = ["make_window"]

#: A phrase is two words running, of at least so many characters.
PHRASE_CHARS = 4


def make_window(scorer: Scorer, documents: Sequence[Document]) -> Window:
    """Score ``documents`` and return them as a window; of texts that differ in white space only the first stays."""
    first: dict[str, Document] = {}
    for d in documents:
        first.setdefault(text_hash(squeeze(d.text)), d)
    kept = list(first.values())
    texts = [d.text for d in kept]
    words = scorer.segmenter.cut([clean(t).text for t in texts])
    vocabulary = set(scorer.bundle.features.tokens)
    probabilities = scorer.probabilities(texts)
    unknown = []
    phrases = []
    for cut in words:
        own = {w for w in cut if _is_word(w)}
        unknown.append(len(own - vocabulary) / max(len(own), 1))
        pairs = (a + b for a, b in itertools.pairwise(cut) if _is_word(a) and _is_word(b))
        phrases.append(frozenset(p for p in pairs if len(p) >= PHRASE_CHARS))
    return Window(
        tuple(d.id for d in kept),
        tuple(_groups(d) for d in kept),
        scorer.decide(probabilities),
        probabilities[:, -1],
        np.array(unknown),
        tuple(phrases),
    )


def _is_word(word: str) -> bool:
    return word.isalpha() and not word.isascii()


def _groups(document: Document) -> tuple[str, ...]:
    named = (("区县", "district"), ("渠道", "channel"))
    return tuple(f"{title} {value}" for title, key in named if (value := document.meta.get(key, "")))
