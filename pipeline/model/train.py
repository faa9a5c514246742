"""Gold texts → a bundle: features, one linear head per label, calibration and thresholds out of fold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse
from scipy.special import expit, logit

from pipeline.collecting import no_collecting
from pipeline.corpus.gold import Gold, label_matrix
from pipeline.errors import CorpusError
from pipeline.model.bundle import Head, fields, save_bundle
from pipeline.model.calibrate import best_f_threshold, lean_thresholds, raise_to_promise, stand_in_threshold
from pipeline.model.encoder import Encoder, add_dense
from pipeline.model.experts import Examples, allow_strange, in_usual_wording, learn_experts
from pipeline.model.features import Features
from pipeline.model.folds import group_folds
from pipeline.model.lead import add_lead, first_sentences
from pipeline.model.long import fit_long, hide_sentences
from pipeline.model.padding import pad
from pipeline.model.pool import long_share, read_long
from pipeline.model.recipe import Settings
from pipeline.model.wording import learn_wording
from pipeline.ndarrays import Bools, Floats, Ints
from pipeline.taxonomy import Taxonomy
from pipeline.text.clean import Clean, clean
from pipeline.text.concepts import Lexicon
from pipeline.text.segment import RjiebaSegmenter, dictionary_hash
from pipeline.text.sentences import Sentences, split_sentences

__all__ = ["Settings", "train"]

DEFAULTS = Settings()


def train(
    *,
    taxonomy: Taxonomy,
    taxonomy_source: bytes,
    gold: Sequence[Gold],
    words: dict[str, int],
    lexicon: Lexicon | None = None,
    out: Path,
    settings: Settings = DEFAULTS,
    encoder: Path | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> Path:
    """Train on all of ``gold`` and return the path of the new bundle below ``out``.

    ``encoder`` is the folder of a sentence encoder whose vectors of whole texts are features besides.

    Each label has two linear heads by expert: one reads the whole text, one learned from the evidence reads single
    sentences. Calibration joins the text's margin and that of its strongest sentence. The same texts, settings and
    library versions give the same bytes. Raises CorpusError when there is too little to learn from, ConfigError for an
    encoder that cannot be used.
    """
    ask_for_groups(gold, settings.folds)
    dense = Encoder(encoder, settings.encoder_weight) if encoder else None
    about: dict[str, Any] = {
        "settings": {k: v for k, v in asdict(settings).items() if k not in ("jobs", "encoder_weight")},
        "corpus": {"texts": len(gold), "groups": len({g.group for g in gold}), "sha256": corpus_hash(gold)},
    }
    if taught := sum(g.part == "test" for g in gold):
        about["corpus"]["test"] = taught
    if dense:
        about["encoder"] = dense.about
    segmenter = RjiebaSegmenter(words)
    cleaned = [clean(g.text) for g in gold]
    texts = [c.text for c in cleaned]
    labels = label_matrix(gold, taxonomy)
    truth = np.hstack([labels, labels.any(1, keepdims=True)])
    fold = group_folds([g.group for g in gold], labels, settings.folds, settings.seed)
    progress("提取特征")
    sentences = split_sentences(texts)
    with no_collecting():
        features, found = Features(
            word_n=settings.word_n,
            char_n=(settings.char_shortest, settings.char_longest),
            min_texts=settings.min_texts,
            lexicon=lexicon,
            concept_weight=settings.concept_weight,
            lead=settings.lead,
        ).learn(texts, segmenter, sentences, settings.jobs)
    padded, members = pad(gold, fold, settings.seed, settings.unpadded)

    def by_text() -> sparse.csr_matrix:
        counts = features.counts(found, len(texts))
        return features.weigh(sparse.vstack([counts, members @ counts], format="csr"))

    def by_sentence() -> sparse.csr_matrix:
        return features.matrix(found.by_sentence(sentences, len(texts)), len(sentences.row))

    x, x_sentence, (y_sentence, known) = Parallel(settings.jobs, prefer="threads")([
        delayed(by_text)(),
        delayed(by_sentence)(),
        delayed(evidence_matrix)(gold, cleaned, sentences, truth, taxonomy),
    ])  # fmt: skip
    y = np.vstack([truth, truth[padded]])
    lead = first_sentences(sentences.row, len(texts))
    x = add_lead(x, x_sentence, np.append(lead, lead[padded]), settings.lead)
    if dense:
        progress("编码")
        vectors = dense.encode(texts, settings.jobs)
        x = add_dense(x, np.vstack([vectors, dense.joined(vectors, members)]))

    rows = Examples(
        x, y, np.append(fold, fold[padded]), np.append(np.arange(len(texts)), padded),
        dimensions=dense.dimensions if dense else 0,
    )  # fmt: skip
    single = Examples(x_sentence, y_sentence, fold[sentences.row], sentences.row, known)
    weights, margins, spoken = learn_experts(rows, single, members, gold, settings, progress)
    progress("校准与阈值")
    # A promise is kept on the corpus's own wording; to strange wording nothing is added then.
    strange = 0.0 if settings.promise else settings.strange
    usual = in_usual_wording(gold, settings)[rows.text]
    betas = [*[1.0] * labels.shape[1], settings.beta]
    heads = tuple(
        fit_head(margins[usual, j], y[usual, j], settings.sentence_part, strange, beta) for j, beta in enumerate(betas)
    )
    if strange:
        heads = (*heads[:-1], replace(heads[-1], backing=settings.backing))
    heads = share_thresholds(heads, margins[usual], y[usual], taxonomy)
    if haystacks := hide_sentences(spoken, sentences.row, y_sentence, gold, fold, settings.seed):
        heads = fit_long(heads, haystacks)
    if settings.promise:
        # A promise is of texts as they are, not as they were padded.
        size = np.bincount(sentences.row, minlength=len(texts))
        heads = keep_promise(heads, margins[: len(texts)], size, truth, settings.promise)
    allowed, told = allow_strange(gold, settings), len(weights.gate_bias) == len(weights.bias)
    return save_bundle(
        out,
        taxonomy=taxonomy,
        taxonomy_source=taxonomy_source,
        features=features,
        weights=weights,
        heads=heads,
        wording=learn_wording(features, found, [g.group for g in gold], allowed, told=told),
        about={
            "segmenter": segmenter.name,
            "dictionary": dictionary_hash(words),
            "lexicon": lexicon.sha256 if lexicon else "",
            **about,
        },
    )


def evidence_matrix(
    gold: Sequence[Gold], cleaned: Sequence[Clean], sentences: Sentences, truth: Bools, taxonomy: Taxonomy
) -> tuple[Bools, Bools]:
    """Return which sentences show which label, and for which this is known, both (sentences, labels + 1).

    A sentence shows a label when it holds half of a span of evidence, or half of it is evidence. Of a text that
    has a label without evidence nothing is known but that it is somewhere.
    """
    column = {label: j for j, (_, label) in enumerate(taxonomy.columns)}
    shows = np.zeros((len(sentences.row), truth.shape[1]), bool)
    first = np.searchsorted(sentences.row, np.arange(len(gold) + 1))
    shown = np.zeros(truth.shape, bool)
    for row, (g, text) in enumerate(zip(gold, cleaned, strict=True)):
        mine = range(first[row], first[row + 1])
        spans = [text.to_given(int(sentences.start[s]), int(sentences.end[s])) for s in mine] if g.evidence else []
        for e in g.evidence:
            shown[row, column[e.label]] = True
            for s, (a, b) in zip(mine, spans, strict=True):
                common = min(b, e.end) - max(a, e.start)
                if 2 * common >= min(b - a, e.end - e.start):
                    shows[s, column[e.label]] = True
    shows[:, -1] = shows[:, :-1].any(1)
    shown[:, -1] = shown.any(1)
    return shows, (shown | ~truth)[sentences.row]


def ask_for_groups(gold: Sequence[Gold], folds: int) -> None:
    """Raise CorpusError where there are too few situations to hold ``folds`` of them out in turn."""
    if len({g.group for g in gold}) < folds * 2:
        raise CorpusError(
            "ZF-TRAIN-FEW", f"只有 {len(gold)} 条训练文本，不够做 {folds} 折校准", "至少准备二十条不同情境的文本。"
        )


def corpus_hash(gold: Sequence[Gold]) -> str:
    """Return a hash of ids, texts and labels, in order."""
    digest = hashlib.sha256()
    for g in gold:
        digest.update(json.dumps([g.id, g.text, g.labels], ensure_ascii=True, sort_keys=True).encode())
    return digest.hexdigest()


def fit_head(margins: Floats, truth: Bools, sentence_part: float, strange: float, beta: float = 1.0) -> Head:
    """Return the threshold of one head from out-of-fold ``margins`` (texts, 2) that add up to log-odds.

    ``strange`` is what wholly strange wording adds; the threshold is that of the highest F-``beta``.
    """
    probabilities = expit(margins @ [1.0, sentence_part])
    threshold = round(best_f_threshold(probabilities, truth, beta), 4)
    return Head(1.0, sentence_part, strange, 0.0, threshold, threshold)


def share_thresholds(heads: Sequence[Head], margins: Floats, truth: Bools, taxonomy: Taxonomy) -> tuple[Head, ...]:
    """Return ``heads`` whose labels lend each other their thresholds, scheme by scheme.

    Of a scheme that must not stay empty all labels have one; of one that may, each leans on a common one the more, the
    fewer texts have the label. ``margins`` (texts, heads, 2) are out of fold.
    """
    shared = list(heads)
    probabilities = calibrated(heads, margins)
    for scheme, block in taxonomy.blocks:
        likely, real = probabilities[:, block], truth[:, block]
        own = np.array([h.threshold for h in heads[block]])
        if scheme.kind == "multi-at-least-one":
            own[:] = stand_in_threshold(likely, real)
        elif scheme.kind == "multi":
            own = lean_thresholds(own, best_f_threshold(likely.ravel(), real.ravel()), real.sum(0))
        shared[block] = [
            replace(h, threshold=t, ask=t) for h, t in zip(heads[block], own.round(4).tolist(), strict=True)
        ]
    return tuple(shared)


def calibrated(heads: Sequence[Head], margins: Floats) -> Floats:
    """Return the probabilities, (texts, heads), of ``margins`` (texts, heads, 2)."""
    return np.asarray(expit(log_odds(heads, margins)))


def log_odds(heads: Sequence[Head], margins: Floats) -> Floats:
    """Return the log-odds, (texts, heads), of ``margins`` (texts, heads, 2)."""
    whole, sentence, intercept = fields(heads, "whole", "sentence", "intercept")
    return np.asarray(margins[..., 0] * whole + margins[..., 1] * sentence + intercept)


def keep_promise(
    heads: Sequence[Head], margins: Floats, size: Ints, truth: Bools, precision: float
) -> tuple[Head, ...]:
    """Return ``heads`` whose labels are decided only where they keep the promised precision.

    ``margins`` (texts, heads, 2) are out of fold, of texts of ``size`` (texts,) sentences: a long one is decided by the
    strongest of them, and what is promised is what is decided.
    """
    (ask,) = fields(heads, "ask")
    long = fields(heads, "long_sentence", "long_size", "long_intercept")
    texts = np.arange(len(size))
    share = long_share(texts, size, np.zeros(len(size))) * long[0].any()
    likely = expit(read_long(log_odds(heads, margins), margins[..., 1], texts, size, share, logit(ask), long))
    thresholds = raise_to_promise(ask, likely, truth, precision)
    return tuple(replace(h, threshold=round(float(t), 4)) for h, t in zip(heads, thresholds, strict=True))
