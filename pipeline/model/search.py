"""Settings found by trying them out: grouped cross-validation inside the training texts, successive halving.

Candidates stand in a fixed order and are tried on fixed samples of the texts, so that the same texts and the same
budget give the same settings on any machine (Jamieson & Talwalkar 2016, with one bracket). Small samples favour short
n-grams and the like; therefore each setting of the winner is then turned alone, on the largest sample.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from pipeline.corpus.gold import Gold, label_matrix
from pipeline.model.bundle import fields
from pipeline.model.calibrate import trust
from pipeline.model.decide import decide
from pipeline.model.encoder import Encoder, add_dense
from pipeline.model.evaluate import micro_f1
from pipeline.model.experts import fit_heads, text_weights
from pipeline.model.features import CHAR_BITS, Features
from pipeline.model.folds import group_folds
from pipeline.model.lead import NONE, add_lead, first_sentences
from pipeline.model.recipe import Learner, Settings
from pipeline.model.train import ask_for_groups, calibrated, fit_head, share_thresholds
from pipeline.ndarrays import Bools, Floats, Ints, Singles
from pipeline.taxonomy import Taxonomy
from pipeline.text.clean import clean
from pipeline.text.concepts import Lexicon
from pipeline.text.segment import RjiebaSegmenter
from pipeline.text.sentences import split_sentences

__all__ = ["Trial", "candidates", "search", "trusted_f1"]

#: Characters times heads of the largest sample that a minute of two cores pays for.
MINUTE = 5_000_000
#: Of this many candidates a third goes on to three times the text, and again.
FIRST = 18
RATE = 3
RUNGS = 3
FOLDS = 5
#: The most characters a sample has: beyond it the order of candidates hardly changes.
MOST = 3_000_000
#: Word n-grams up to, then shortest and longest character n-gram.
GRAMS = ((2, 1, 2), (2, 1, 3), (1, 1, 2), (1, 1, 3), (0, 1, 2), (0, 1, 3))
LEADS = (0.0, 0.5, 1.0)
STRENGTHS = (0.125, 0.25, 0.5, 1.0, 2.0)
LEARNERS: tuple[Learner, ...] = ("svm", "ridge")
RATIOS = (0.0, 0.5)
AXES = (GRAMS, LEADS, STRENGTHS, LEARNERS, (2, 1), RATIOS)
#: What a search turns.
TURNED = ("word_n", "char_shortest", "char_longest", "min_texts", "lead", "c", "learner", "ratio")


@dataclass(frozen=True, slots=True)
class Trial:
    """What a candidate reached on a sample of so many ``texts``: F1 out of fold, `trusted_f1` as macro, and micro."""

    settings: Settings
    texts: int
    macro: float
    micro: float

    @property
    def score(self) -> float:
        """What candidates are ranked by."""
        return (self.macro + self.micro) / 2

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for the record of the run."""
        turned = {name: getattr(self.settings, name) for name in TURNED}
        return {"texts": self.texts, "macro": round(self.macro, 4), "micro": round(self.micro, 4), **turned}


@dataclass(frozen=True, slots=True)
class _Sample:
    """Counts of all features any candidate could want, of whole texts and of their first sentences, and ``vectors``
    (texts, dimensions) of an encoder, which all candidates want.
    """

    features: Features
    counts: sparse.csr_matrix
    leads: sparse.csr_matrix
    truth: Bools
    fold: Ints
    weight: Floats
    vectors: Singles


def candidates(base: Settings, many: int = FIRST) -> list[Settings]:
    """Return ``base``, then as many others as make ``many``, in an order that never changes."""
    found = list(dict.fromkeys(_turned(base, chosen) for chosen in itertools.product(*AXES)))
    order = np.random.default_rng(base.seed).permutation(len(found)).tolist()
    return [base, *(found[i] for i in order if found[i] != base)][:many]


def _turned(base: Settings, values: Sequence[Any]) -> Settings:
    """Return ``base`` with ``values`` in the order of AXES."""
    (words, shortest, longest), lead, c, learner, least, ratio = values
    return replace(
        base, word_n=words, char_shortest=shortest, char_longest=longest, lead=lead, c=c, learner=learner,
        min_texts=least, ratio=ratio if learner == "svm" else 0.0,
    )  # fmt: skip


def neighbours(best: Settings) -> list[list[Settings]]:
    """Return for each axis ``best`` with another value there; of c only half and double."""
    grams = (best.word_n, best.char_shortest, best.char_longest)
    here = (grams, best.lead, best.c, best.learner, best.min_texts, best.ratio)
    axes = (*AXES[:2], (best.c / 2, best.c * 2), *AXES[3:])
    return [
        [turned for value in axis if (turned := _turned(best, (*here[:i], value, *here[i + 1 :]))) != best]
        for i, axis in enumerate(axes)
    ]


def search(
    gold: Sequence[Gold],
    taxonomy: Taxonomy,
    words: dict[str, int],
    lexicon: Lexicon | None,
    base: Settings,
    *,
    minutes: float,
    encoder: Path | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> tuple[Settings, list[Trial]]:
    """Return the best settings and every trial, the best of the largest sample first.

    ``minutes`` are those of an idle machine with two cores, about: they buy text (MINUTE), not time. ``base`` is
    tried on every sample. Heads of whole texts are compared, without padding and sentences, but with the ``encoder``
    in a folder. Raises CorpusError when there is too little to search in, ConfigError as Encoder does.
    """
    ask_for_groups(gold, FOLDS)
    dense = Encoder(encoder, base.encoder_weight) if encoder else None
    trials: list[Trial] = []
    going = candidates(base)
    heads = len(taxonomy.columns) + 1
    budget = min(minutes * MINUTE / heads, MOST)
    for rung in range(RUNGS):
        part = _some(gold, int(budget / RATE ** (RUNGS - 1 - rung)), base)
        progress(f"{len(going)} 组设置，{len(part)} 条文本")
        sample = _sample(part, taxonomy, words, lexicon, base, dense)
        ranked = _ranked(_tried(sample, going, taxonomy, base.jobs))
        trials = [*ranked, *trials]
        best = [t.settings for t in ranked[: max(1, len(going) // RATE)]]
        going = best if base in best else [*best, base]
    axes = neighbours(trials[0].settings)
    progress(f"最好的一组逐项再转，{sum(map(len, axes))} 组")
    around = iter(_tried(sample, itertools.chain(*axes), taxonomy, base.jobs))
    on_axes = [_ranked(list(itertools.islice(around, len(axis)))) for axis in axes]
    together = trials[0].settings
    for axis in on_axes:
        if axis[0].score > trials[0].score:
            together = _taking(together, trials[0].settings, axis[0].settings)
    last = [t for t in trials if t.texts == trials[0].texts] + list(itertools.chain(*on_axes))
    if together not in [t.settings for t in last]:
        last.append(_try(sample, together, taxonomy))
    trials = [*_ranked(last), *(t for t in trials if t.texts < last[0].texts)]
    return trials[0].settings, trials


def _tried(sample: _Sample, going: Iterable[Settings], taxonomy: Taxonomy, jobs: int) -> list[Trial]:
    from joblib import Parallel, delayed

    # One pool each time: used again, it clears away arrays that it has just laid down.
    return list(Parallel(n_jobs=jobs)(delayed(_try)(sample, s, taxonomy) for s in going))


def _ranked(trials: Sequence[Trial]) -> list[Trial]:
    return sorted(trials, key=lambda t: -t.score)


def _taking(settings: Settings, best: Settings, other: Settings) -> Settings:
    """Return ``settings`` with whatever ``other`` has different from ``best``."""
    return replace(settings, **{n: getattr(other, n) for n in TURNED if getattr(other, n) != getattr(best, n)})


def _some(gold: Sequence[Gold], characters: int, base: Settings) -> list[Gold]:
    """Return whole groups of ``gold`` until there are enough ``characters``, or all; smaller samples are in larger."""
    groups: dict[str, list[int]] = {}
    for i, g in enumerate(gold):
        groups.setdefault(g.group, []).append(i)
    names = list(groups)
    chosen: list[int] = []
    for n in np.random.default_rng(base.seed).permutation(len(names)).tolist():
        # Folds need some groups to divide.
        if characters <= 0 and len(chosen) >= 10 * FOLDS:
            break
        chosen += groups[names[n]]
        characters -= sum(len(gold[i].text) for i in groups[names[n]])
    return [gold[i] for i in sorted(chosen)]


def _sample(
    gold: Sequence[Gold],
    taxonomy: Taxonomy,
    words: dict[str, int],
    lexicon: Lexicon | None,
    base: Settings,
    dense: Encoder | None = None,
) -> _Sample:
    segmenter = RjiebaSegmenter(words)
    texts = [clean(g.text).text for g in gold]
    sentences = split_sentences(texts)
    grams = [*GRAMS, (base.word_n, base.char_shortest, base.char_longest)]
    widest = (min(a for _, a, _ in grams), max(b for _, _, b in grams))
    features, found = Features(char_n=widest, min_texts=1, lexicon=lexicon, concept_weight=base.concept_weight).learn(
        texts, segmenter, sentences, base.jobs
    )
    of_sentences = features.counts(found.by_sentence(sentences, len(texts)), len(sentences.row))
    first = first_sentences(sentences.row, len(texts))
    labels = label_matrix(gold, taxonomy)
    return _Sample(
        features=features,
        counts=features.counts(found, len(texts)),
        leads=add_lead(sparse.csr_matrix((len(texts), features.columns)), of_sentences, first, 1.0),
        truth=np.hstack([labels, labels.any(1, keepdims=True)]),
        fold=group_folds([g.group for g in gold], labels, FOLDS, base.seed),
        weight=text_weights(gold, base),
        vectors=dense.encode(texts, base.jobs) if dense else np.zeros((len(texts), 0), np.float32),
    )


def _try(sample: _Sample, settings: Settings, taxonomy: Taxonomy) -> Trial:
    truth = sample.truth
    margins = np.zeros(truth.shape)
    rows = np.arange(len(truth))
    for number in range(FOLDS):
        inside = sample.fold != number
        features, kept = _kept(sample, settings, inside)
        x = features.weigh(sparse.csr_matrix(sample.counts[:, kept]))
        if settings.lead:
            lead = sparse.csr_matrix(sample.leads[:, kept])
            some = np.where(np.diff(lead.indptr) > 0, rows, NONE)
            x = add_lead(x, features.weigh(lead), some, settings.lead)
        x = add_dense(x, sample.vectors)
        coef, bias = fit_heads(
            x[inside],
            truth[inside],
            settings.c,
            weight=sample.weight[inside],
            learner=settings.learner,
            balance=settings.balance,
            ratio=settings.ratio,
            dimensions=sample.vectors.shape[1],
        )
        margins[~inside] = x[~inside] @ coef + bias
    both = np.stack([margins, np.zeros_like(margins)], 2)
    heads = [fit_head(both[:, j], truth[:, j], 0.0, 0.0) for j in range(truth.shape[1])]
    heads = list(share_thresholds(heads, both, truth, taxonomy))
    called = decide(taxonomy, calibrated(heads, both), *fields(heads, "threshold"))
    return Trial(settings, len(truth), trusted_f1(truth[:, :-1], called), micro_f1(truth[:, :-1], called))


def trusted_f1(truth: Bools, called: Bools) -> float:
    """Return the mean F1 of the labels of ``truth`` and ``called``, both (texts, labels).

    A label counts the less, the fewer texts have it (`trust`): in choosing among settings that of a rare one is chance.
    """
    hits, positives = (truth & called).sum(0), truth.sum(0)
    f1 = 2 * hits / np.maximum(positives + called.sum(0), 1)
    return float(np.average(f1, weights=trust(positives))) if positives.any() else 0.0


def _kept(sample: _Sample, settings: Settings, inside: Bools) -> tuple[Features, Ints]:
    """Return the features a training on the texts ``inside`` would have with ``settings``, and their columns."""
    all_ = sample.features
    texts_with = np.bincount(sample.counts[inside].indices, minlength=all_.columns)[: all_.ngrams]
    pairs = all_.word_keys >> 32 > 0
    size = 1 + sum((all_.char_keys >> CHAR_BITS * n > 0).astype(int) for n in (1, 2, 3))
    wanted = np.concatenate(
        [
            ~pairs if settings.word_n == 1 else np.full(len(pairs), settings.word_n > 0),
            (size >= settings.char_shortest) & (size <= settings.char_longest),
        ]
    )
    wanted &= texts_with >= settings.min_texts
    words = len(all_.word_keys)
    features = replace(
        all_,
        word_keys=all_.word_keys[wanted[:words]],
        char_keys=all_.char_keys[wanted[words:]],
        idf=(np.log((1 + inside.sum()) / (1 + texts_with[wanted])) + 1).astype(np.float32),
        tokens=(),
        alphabet="",
    )
    return features, np.append(np.flatnonzero(wanted), np.arange(all_.ngrams, all_.columns))
