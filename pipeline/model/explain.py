"""Evidence: what each character of a passage adds to a label, gathered into runs of clauses a person can read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from pipeline.model.bundle import Bundle, fields
from pipeline.model.features import Features, Occurrences
from pipeline.model.pool import NOISE
from pipeline.ndarrays import Floats
from pipeline.text.segment import Segmenter
from pipeline.text.sentences import split_sentences

__all__ = ["character_weights", "explain"]

#: What stands between clauses, and what of it ends a sentence.
BETWEEN = "，。！？；,!?;…\n"
STOPS = "。！？!?\n"
_CLAUSE = re.compile(f"[^{BETWEEN}]+")
_STOP = re.compile(f"[{STOPS}]")
#: What a clause costs a run, as a share of the strongest clause's weight: weaker neighbours do not join.
COST = 0.2
#: A second run is shown when it is worth at least this share of the first.
SHARE = 0.6
MOST = 3
#: Worth of a clause that stands in a run already; no sum of others makes up for it.
TAKEN = -(2**60)


def character_weights(
    text: str, bundle: Bundle, segmenter: Segmenter, *, expert: int, leads: bool = True, long: float = 0.0
) -> Floats:
    """Return what each character adds to each head's log-odds, shape (len(text), heads).

    Both margins are sums over features; a feature's share is split evenly over its occurrences and each
    occurrence's over its characters, so the columns sum to the log-odds without the constant terms. Of the sentences
    only each head's strongest one speaks. The first counts again where the text ``leads`` its document. The heads are
    those of ``expert``; ``long`` is the share of the text that is read as a long one.
    """
    features, weights = bundle.features, bundle.weights
    sentences = split_sentences([text])
    found = features.occurrences([text], segmenter, sentences)
    edge = np.zeros((len(text) + 1, len(bundle.heads)))
    inside = found.by_sentence(sentences, 1)
    whole, sentence, long_sentence = fields(bundle.heads, "whole", "sentence", "long_sentence")
    whole *= 1 - long
    single = sentence * (1 - long) + long_sentence * long
    value = _shares(features, found, 1)[:, None]
    _spread(edge, found, value * weights.rows(expert, found.column) * whole)
    value = _shares(features, inside, len(sentences.row))[:, None]
    if features.lead and leads:
        again = value * weights.rows(expert, inside.column) * (whole * features.lead)
        _spread(edge, inside, again * (inside.row == 0)[:, None])
    share = value * weights.rows(expert, inside.column, sentences=True)
    margins = np.zeros((len(sentences.row), len(bundle.heads)))
    np.add.at(margins, inside.row, share)
    if len(margins):
        share = share * (inside.row[:, None] == np.rint(margins / NOISE).argmax(0))
        _spread(edge, inside, share * single)
    return np.asarray(edge.cumsum(0)[:-1])


def _shares(features: Features, found: Occurrences, rows: int) -> Floats:
    """Return what each occurrence contributes to its row's value of the matrix, (occurrences,)."""
    counts = features.few(found, rows)
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
    text: str, heads: Sequence[int], bundle: Bundle, segmenter: Segmenter, *, expert: int, leads: bool, long: float
) -> Iterator[tuple[int, int, int, float]]:
    """Yield ``(head, start, end, weight)`` for the runs of clauses that speak most for each head, at least one each.

    A run stays inside a sentence; the best is the one of the largest sum after each clause has paid COST (Bentley's
    maximum subarray). ``expert``, ``leads`` and ``long`` as `character_weights` takes them.
    """
    weights = character_weights(text, bundle, segmenter, expert=expert, leads=leads, long=long)
    clauses = [m.span() for m in _CLAUSE.finditer(text) if text[m.start() : m.end()].strip()] or [(0, len(text))]
    opens = [not i or bool(_STOP.search(text, clauses[i - 1][1], c[0])) for i, c in enumerate(clauses)]
    sums = np.concatenate([np.zeros((1, weights.shape[1])), weights.cumsum(0)])
    first, last = (np.array(side) for side in zip(*clauses, strict=True))
    # Whole numbers of NOISE: clauses that say the same are worth the same, whatever else was added up before them.
    worth = np.rint((sums[last] - sums[first]) / NOISE).astype(np.int64)
    for head in heads:
        paid = (worth[:, head] - round(COST * abs(int(worth[:, head].max())))).tolist()
        least = TAKEN
        for _ in range(min(MOST, len(paid))):
            a, b, value = _best_run(paid, opens)
            if value < least:
                break
            least = max(least, round(SHARE * value), 1)
            yield head, clauses[a][0], clauses[b][1], float(worth[a : b + 1, head].sum() * NOISE)
            paid[a : b + 1] = [TAKEN] * (b + 1 - a)


def _best_run(values: Sequence[int], opens: Sequence[bool]) -> tuple[int, int, int]:
    """Return first, last and sum of the run of the largest sum; a run may not cross where a sentence ``opens``."""
    best = (0, 0, 2 * TAKEN)
    start, total = 0, 0
    for i, value in enumerate(values):
        if total <= 0 or opens[i]:
            start, total = i, 0
        total += value
        if total > best[2]:
            best = (start, i, total)
    return best
