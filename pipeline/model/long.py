"""Long texts: one sentence of many says it, so that the strongest sentence decides and the whole text says little.

Where texts end and others begin nobody marks in a file of many pages, and of many sentences some always sounds
suspicious. So a sentence must say the more, the more there are of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

from pipeline.corpus.gold import Gold
from pipeline.model.bundle import Head
from pipeline.model.calibrate import best_f_threshold
from pipeline.model.pool import strongest_sentence
from pipeline.ndarrays import Bools, Floats, Ints

__all__ = ["Haystacks", "fit_long", "hide_sentences"]

#: Sentences of the texts that are made up to learn from.
FEWEST, MOST = 20, 100
#: So many of those with one offending sentence, so many without.
WITH, WITHOUT = 6000, 3000
#: Share of long texts without conduct that may pass. Those of the corpus were written to look like conduct: of others
#: about a tenth of that share does.
FALSE_ALARMS = 0.26
#: Fewer offending sentences than this teach nothing about long texts.
LEAST = 50
#: Log-odds that no text reaches.
NEVER = 20.0


@dataclass(frozen=True)
class Haystacks:
    """Texts of many sentences: margins of the ``strongest`` and ``truth``, both (texts, heads); ``size`` (texts,) in
    sentences.
    """

    strongest: Floats
    truth: Bools
    size: Floats


def hide_sentences(
    single: Floats, text: Ints, shows: Bools, gold: Sequence[Gold], fold: Ints, seed: int
) -> Haystacks | None:
    """Return single sentences, offending or not, each among texts that show nothing; None if there are too few.

    ``single`` (sentences, heads) are margins out of fold, ``text`` (sentences,) ascends and says whose they are,
    ``shows`` (sentences, heads) what they show. The texts around are of the same register and fold, as in padding.
    """
    rng = np.random.default_rng(seed)
    count = np.bincount(text, minlength=len(gold))
    neutral: dict[tuple[str, int], list[int]] = {}
    for i, g in enumerate(gold):
        if not g.positive and count[i]:
            neutral.setdefault((g.register, int(fold[i])), []).append(i)
    guilty = np.flatnonzero(shows[:, -1])
    if len(guilty) < LEAST or not neutral:
        return None
    around = strongest_sentence(single, text, np.full((len(gold), single.shape[1]), -np.inf))
    hay = {key: (np.array(of), int(count[of].sum())) for key, of in neutral.items()}
    strongest, truth, size = [], [], []
    for hidden in [*rng.choice(guilty, WITH).tolist(), *[-1] * WITHOUT]:
        home = int(text[hidden] if hidden >= 0 else text[rng.choice(guilty)])
        others, sentences = hay.get((gold[home].register, int(fold[home])), ((), 0))
        wanted = np.exp(rng.uniform(np.log(FEWEST), np.log(MOST)))
        if sentences < wanted:
            continue
        drawn = rng.choice(others, min(int(wanted), len(others)), replace=False)
        kept = drawn[: int(np.searchsorted(count[drawn].cumsum(), wanted)) + 1]
        best = around[kept].max(0)
        strongest.append(np.maximum(best, single[hidden]) if hidden >= 0 else best)
        truth.append(shows[hidden] if hidden >= 0 else np.zeros(shows.shape[1], bool))
        size.append(count[kept].sum() + (hidden >= 0))
    if not size or not np.any(truth) or np.all(np.array(truth)[:, -1]):
        return None
    return Haystacks(np.array(strongest), np.array(truth), np.array(size, float))


def fit_long(heads: Sequence[Head], seen: Haystacks) -> tuple[Head, ...]:
    """Return ``heads`` that know what to make of long texts.

    The problem head, the last, lets no more than FALSE_ALARMS of the texts without conduct pass; of those that pass, a
    label is decided where that gives the best F1.
    """
    log_size = np.log(seen.size)
    fitted = [_fit(seen.strongest[:, j], log_size, seen.truth[:, j]) for j in range(len(heads))]
    log_odds = np.column_stack([seen.strongest[:, j] * a + log_size * b + c for j, (a, b, c) in enumerate(fitted)])
    gate = float(np.quantile(log_odds[~seen.truth[:, -1], -1], 1 - FALSE_ALARMS))
    passed = log_odds[:, -1] >= gate
    edges = [*(_edge(log_odds[passed, j], seen.truth[passed, j]) for j in range(len(heads) - 1)), gate]
    return tuple(
        replace(h, long_sentence=round(a, 6), long_size=round(b, 6), long_intercept=round(c - edge, 6))
        for h, (a, b, c), edge in zip(heads, fitted, edges, strict=True)
    )


def _edge(log_odds: Floats, truth: Bools) -> float:
    """Return from which log-odds on a label is decided; one that no sentence was seen to show never is."""
    return float(logit(best_f_threshold(expit(log_odds), truth))) if truth.any() else NEVER


def _fit(margin: Floats, size: Floats, truth: Bools) -> tuple[float, float, float]:
    """Return slopes of ``margin`` and ``size``, both (texts,), and the intercept of the log-odds; logistic."""
    x = np.column_stack([margin, size, np.ones(len(size))])

    def loss(p: Floats) -> tuple[float, Floats]:
        z = x @ p
        return float((np.logaddexp(0, z) - truth * z).sum()), x.T @ (expit(z) - truth)

    slope, of_size, shift = minimize(
        loss, np.array([1.0, 0.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(0, None), (None, 0), (None, None)]
    ).x
    return float(slope), float(of_size), float(shift)
