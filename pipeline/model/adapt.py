"""At home in a new office: a few hundred reviewed documents set calibration, priors and thresholds anew.

The weights learned from the corpus stay. Each head's log-odds get a correction that is linear in the margins of all
heads, so that what goes together in this office is learned too, and in the features of the text, so that its own
words are; a Gaussian prior holds the correction near zero (prior-centred logistic regression, Chelba & Acero 2006).
Being linear it folds into the coefficients: the new bundle is as fast and as explainable as the old one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit, logit

from pipeline.corpus.gold import Gold, label_matrix
from pipeline.errors import CorpusError
from pipeline.model.bundle import fields, save_changed
from pipeline.model.calibrate import expected_f1_threshold, raise_to_promise
from pipeline.model.familiar import familiar, texts_of
from pipeline.model.folds import group_folds
from pipeline.model.score import Look, Scorer
from pipeline.model.train import corpus_hash
from pipeline.model.weights import Weights
from pipeline.ndarrays import Bools, Floats, Ints

__all__ = ["FEWEST", "Adaptation", "Expectation", "adapt", "expect", "fit_adaptation", "settle"]

#: Fewer reviewed documents say too little.
FEWEST = 50
FOLDS = 5
#: Precision of the prior on the correction's slopes (of standardised margins) and on its intercepts.
PRIOR = 40.0
PRIOR_INTERCEPT = 0.05
#: Variance of the prior on what one feature adds.
WORDS = 0.4
#: With so many reviewed texts of a label its slopes and words are held back twice as firmly, and half its threshold is
#: where it stood: a handful would teach it what they happen to be about, and how few are called is mostly chance.
FEW = 10.0
#: The problem head only holds back what no label should be read into: its threshold is lowered by so much log-odds.
#: What then passes without a label is for a person.
OCCURRENCE_LEAN = 0.6
#: Thresholds stay inside these, however few documents there are.
LOWEST, HIGHEST = 0.02, 0.95


@dataclass(frozen=True)
class Adaptation:
    """A correction of the log-odds: ``slopes`` (heads, heads) on margins, ``coef`` (columns + dimensions, heads) on the
    features, ``intercept`` and ``threshold`` (heads,).

    Long texts are read by their sentences, which it leaves alone: there a label is decided where it was before.
    """

    slopes: Floats
    coef: Floats
    intercept: Floats
    threshold: Floats

    def apply(self, seen: Look) -> Floats:
        """Return corrected probabilities, (texts, heads)."""
        long = seen.long[:, None]
        usual = seen.margins @ self.slopes + seen.x @ self.coef + self.intercept
        # Of a long text the log-odds begin at those of the threshold, whichever it is.
        return np.asarray(expit(seen.log_odds + usual * (1 - long) + (logit(self.threshold) - seen.edge) * long))


@dataclass(frozen=True)
class Expectation:
    """Labels of the reviewed documents, the old decisions and the new ones, each (texts, labels); the new probabilities
    ``likely``, (texts, heads).

    ``reached`` are those of the new ones that reach their threshold: where a promise was made, the others only stand in
    and are left to people.
    Every document is decided by an adaptation that did not see its group.
    """

    truth: Bools
    before: Bools
    after: Bools
    reached: Bools
    likely: Floats

    def take(self, rows: Bools) -> Expectation:
        """Return that of some documents, (texts,)."""
        return Expectation(*(of[rows] for of in vars(self).values()))


def adapt(scorer: Scorer, reviewed: Sequence[Gold], out: Path, *, promise: float = 0.0) -> tuple[Path, Expectation]:
    """Write a bundle at home among ``reviewed`` below ``out``; return its path and what to expect of it.

    With a ``promise`` labels are decided only where they keep that precision. Raises CorpusError for fewer than FEWEST
    documents, for documents of too few situations, or for some that the model was adapted to before: what it says of
    those, whatever is held out now, it learned from them.
    """
    seen, truth, expected = _expect(scorer, reviewed, promise)
    bundle = settle(scorer).bundle
    found = fit_adaptation(seen, truth)
    threshold = raise_to_promise(found.threshold, expected.likely, truth, promise) if promise else found.threshold
    (slopes,) = fields(bundle.heads, "whole")
    weights = bundle.weights
    coef = weights.real_coef
    coef = coef * slopes + coef @ found.slopes + found.coef
    bias = weights.bias * slopes + weights.bias @ found.slopes
    new = np.column_stack([found.intercept, threshold, found.threshold])
    heads = tuple(
        replace(h, whole=1.0, intercept=round(h.intercept + shift, 6), threshold=round(t, 4), ask=round(ask, 4))
        for h, (shift, t, ask) in zip(bundle.heads, new.tolist(), strict=True)
    )
    home = {
        "from": bundle.id,
        "documents": len(reviewed),
        "sha256": corpus_hash(reviewed),
        "promise": promise,
        "texts": texts_of(reviewed, bundle.manifest),
    }
    weights = Weights.rounded(
        coef, bias, weights.real_sentence_coef, weights.sentence_bias, weights.real_gate, weights.gate_bias
    )
    path = save_changed(replace(bundle, weights=weights, heads=heads), out, adapted=home)
    return path, expected


def expect(
    scorer: Scorer, reviewed: Sequence[Gold], *, promise: float = 0.0, learned: Bools | None = None
) -> Expectation:
    """Return what `adapt` says is to be expected, and write nothing; raises as it does.

    Where only some are ``learned`` from, (texts,), the others are decided by the same adaptations.
    """
    return _expect(scorer, reviewed, promise, learned)[-1]


def _expect(
    scorer: Scorer, reviewed: Sequence[Gold], promise: float, learned: Bools | None = None
) -> tuple[Look, Bools, Expectation]:
    own = np.ones(len(reviewed), bool) if learned is None else learned
    _ask_for_enough([g for g, mine in zip(reviewed, own.tolist(), strict=True) if mine])
    _ask_for_news(reviewed, scorer.bundle.manifest)
    before = scorer.decide(scorer.probabilities([g.text for g in reviewed]))
    seen, truth = _look(settle(scorer), reviewed)
    fold = group_folds([g.group for g in reviewed], truth[:, :-1], FOLDS, 0)
    likely, thresholds = _held_out(seen, truth, fold, own)
    if promise:
        for number in range(FOLDS):
            out, inside = fold == number, own & (fold != number)
            thresholds[out] = raise_to_promise(thresholds[out], likely[inside], truth[inside], promise)
    after = scorer.decide(likely, thresholds)
    reached = after & (likely >= thresholds)[:, :-1]
    return seen, truth, Expectation(truth[:, :-1], before, after, reached, likely)


def settle(scorer: Scorer) -> Scorer:
    """Return a scorer that takes every wording for wholly strange: inside one office the differences say nothing."""
    heads = tuple(replace(h, backing=0.0) for h in scorer.bundle.heads)
    wording = replace(scorer.bundle.wording, level=1.0)
    return scorer.reading_as(replace(scorer.bundle, heads=heads, wording=wording))


def _ask_for_enough(reviewed: Sequence[Gold]) -> None:
    if len(reviewed) < FEWEST:
        raise CorpusError(
            "ZF-ADAPT-FEW",
            f"只有 {len(reviewed)} 条复核过的文本，不足以重设",
            f"至少复核 {FEWEST} 条；三百条以上才有把握。",
        )
    groups = len({g.group for g in reviewed})
    if groups < FOLDS * 2:
        raise CorpusError(
            "ZF-ADAPT-GROUPS",
            f"{len(reviewed)} 条复核过的文本只有 {groups} 个情境，不够做 {FOLDS} 折交叉验证",
            f"至少复核 {FOLDS * 2} 个不同情境的文本；情境写在 group 一项，不写就各算一个。",
        )


def _ask_for_news(reviewed: Sequence[Gold], manifest: Mapping[str, Any]) -> None:
    if known := int(familiar(reviewed, manifest).sum()):
        raise CorpusError(
            "ZF-ADAPT-SEEN",
            f"{len(reviewed)} 条里有 {known} 条，模型 {manifest['id']} 已用来重设过：再用它们，预期会虚高，许诺靠不住",
            f"从它的出处用全部复核重设：--model {manifest['adapted']['from']}；或只给它没有用过的。",
        )


def _look(scorer: Scorer, reviewed: Sequence[Gold]) -> tuple[Look, Bools]:
    labels = label_matrix(reviewed, scorer.bundle.taxonomy)
    return scorer.look([g.text for g in reviewed]), np.hstack([labels, labels.any(1, keepdims=True)])


def _held_out(seen: Look, truth: Bools, fold: Ints, own: Bools) -> tuple[Floats, Floats]:
    """Return probabilities and thresholds (texts, heads) by adaptations to the ``own`` texts of all other folds."""
    probabilities, thresholds = np.zeros(truth.shape), np.zeros(truth.shape)
    for number in range(FOLDS):
        out, inside = fold == number, own & (fold != number)
        found = fit_adaptation(seen[inside], truth[inside])
        probabilities[out] = found.apply(seen[out])
        thresholds[out] = found.threshold
    return probabilities, thresholds


def fit_adaptation(seen: Look, truth: Bools) -> Adaptation:
    """Return the most probable correction and the thresholds of the highest expected F1 under it.

    ``truth`` (texts, heads), problem-or-not last. The features outnumber the texts: what they add is sought among the
    principal axes of the texts, where the most probable correction lies (Schölkopf et al. 2001).
    """
    texts, heads = truth.shape
    mean, spread = seen.margins.mean(0), seen.margins.std(0) + 1e-9
    to_text, axes = _principal_axes(seen.x)
    x = np.hstack([(seen.margins - mean) / spread, axes, np.ones((texts, 1))]) * (1 - seen.long[:, None])
    positives = truth.sum(0)
    learned = np.repeat([PRIOR, 1 / WORDS], [heads, axes.shape[1]])[:, None] * (1 + FEW / (positives + 0.5))
    prior = np.vstack([learned, np.full(heads, PRIOR_INTERCEPT)])

    def loss(flat: Floats) -> tuple[float, Floats]:
        w = flat.reshape(-1, heads)
        z = seen.log_odds + x @ w
        gap = expit(z) - truth
        value = (np.logaddexp(0, z) - truth * z).sum() + (prior * w * w).sum() / 2
        return float(value), (x.T @ gap + prior * w).ravel()

    w = minimize(loss, np.zeros(x.shape[1] * heads), jac=True, method="L-BFGS-B").x.reshape(-1, heads)
    slopes, coef = w[:heads] / spread[:, None], seen.x.T @ (to_text @ w[heads:-1])
    found = Adaptation(
        slopes, coef, w[-1] - mean @ slopes - np.asarray(seen.x.mean(0)).ravel() @ coef, expit(seen.edge)
    )
    probabilities = found.apply(seen)
    best = logit(np.array([expected_f1_threshold(p) for p in probabilities.T]).clip(LOWEST, HIGHEST))
    # As strict as before: among log-odds that have moved the same way.
    stood = seen.edge + (x @ w).mean(0)
    edge = (best * positives + stood * FEW) / (positives + FEW)
    edge[-1] -= OCCURRENCE_LEAN
    return replace(found, threshold=expit(edge).clip(LOWEST, HIGHEST))


def _principal_axes(x: sparse.csr_matrix) -> tuple[Floats, Floats]:
    """Return how texts make up the principal axes of centred ``x`` (texts, columns), and their places on them.

    Both (texts, axes); axes are of unit length.
    """
    likeness = np.asarray((x @ x.T).todense())
    mean = likeness.mean(0)
    length, direction = np.linalg.eigh(likeness - mean - mean[:, None] + mean.mean())
    some = length > 1e-9 * length[-1]
    root = np.sqrt(length[some])
    return direction[:, some] / root, direction[:, some] * root
