"""Evidence: what each character of a passage adds to a label, gathered into clauses a person can read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.model.bundle import Bundle
from pipeline.model.features import Features, Occurrences
from pipeline.text.segment import Segmenter
from pipeline.text.sentences import split_sentences

__all__ = ["Passage", "character_weights", "explain"]

Floats = npt.NDArray[np.float64]

_CLAUSE = re.compile(r"[^，。！？；：、,!?;:…\n“”\"]+")
#: A second clause is shown when it carries at least this share of the first one's weight.
SHARE = 0.6
MOST = 3


@dataclass(frozen=True, slots=True)
class Passage:
    """``row`` numbers the document in its batch, ``start``/``end`` are offsets in its clean text."""

    row: int
    start: int
    end: int


def character_weights(text: str, bundle: Bundle, segmenter: Segmenter) -> Floats:
    """Return what each character adds to each head's log-odds, shape (len(text), heads).

    Both margins are sums over features; a feature's share is split evenly over its occurrences and each
    occurrence's over its characters, so the columns sum to the log-odds without the constant terms. Of the sentences
    only each head's strongest one speaks.
    """
    features, weights = bundle.features, bundle.weights
    sentences = split_sentences([text])
    found = features.occurrences([text], segmenter, sentences)
    edge = np.zeros((len(text) + 1, len(bundle.heads)))
    _spread(edge, found, _shares(features, found, 1)[:, None] * weights.coef[found.column] * _slopes(bundle, "whole"))
    inside = found.by_sentence(sentences, 1)
    share = _shares(features, inside, len(sentences.row))[:, None] * weights.sentence_coef[inside.column]
    margins = np.zeros((len(sentences.row), len(bundle.heads)))
    np.add.at(margins, inside.row, share)
    if len(margins):
        share = share * (inside.row[:, None] == margins.argmax(0))
        _spread(edge, inside, share * _slopes(bundle, "sentence"))
    return np.asarray(edge.cumsum(0)[:-1])


def _slopes(bundle: Bundle, name: str) -> Floats:
    return np.array([getattr(h, name) for h in bundle.heads])


def _shares(features: Features, found: Occurrences, rows: int) -> Floats:
    """Return what each occurrence contributes to its row's value of the matrix, (occurrences,)."""
    counts = features.counts(found, rows)
    x = features.weigh(counts)
    keys = np.repeat(np.arange(rows), np.diff(counts.indptr)) * features.columns + counts.indices
    at = np.searchsorted(keys, found.row * features.columns + found.column)
    return np.asarray(x.data[at] / counts.data[at])


def _spread(edge: Floats, found: Occurrences, share: Floats) -> None:
    """Add each occurrence's share to the characters it covers, as differences at its borders."""
    share = share / (found.end - found.start)[:, None]
    np.add.at(edge, found.start, share)
    np.subtract.at(edge, found.end, share)


def explain(
    text: str, heads: Sequence[int], bundle: Bundle, segmenter: Segmenter
) -> Iterator[tuple[int, int, int, float]]:
    """Yield ``(head, start, end, weight)`` for the clauses that speak most for each head, at least one each."""
    weights = character_weights(text, bundle, segmenter)
    clauses = [m.span() for m in _CLAUSE.finditer(text) if text[m.start() : m.end()].strip()] or [(0, len(text))]
    sums = np.concatenate([np.zeros((1, weights.shape[1])), weights.cumsum(0)])
    for head in heads:
        worth = np.array([sums[b, head] - sums[a, head] for a, b in clauses])
        order = np.argsort(-worth, kind="stable")[:MOST]
        for at in order:
            if at != order[0] and worth[at] < max(SHARE * worth[order[0]], 1e-9):
                break
            yield head, clauses[at][0], clauses[at][1], float(worth[at])
