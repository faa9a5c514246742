"""Gold texts → a bundle: features, one linear head per label, calibration and thresholds out of fold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import sparse

from pipeline.corpus.gold import Gold, label_matrix
from pipeline.errors import CorpusError
from pipeline.model.bundle import Head, save_bundle
from pipeline.model.calibrate import best_f1_threshold, fit_sigmoid
from pipeline.model.features import Features
from pipeline.model.folds import group_folds
from pipeline.taxonomy import Taxonomy
from pipeline.text.clean import clean
from pipeline.text.segment import RjiebaSegmenter, dictionary_hash

__all__ = ["Settings", "train"]

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Settings:
    """What an analyst may turn; all of it goes into the manifest."""

    c: float = 0.5
    folds: int = 5
    seed: int = 20190301
    word_n: int = 2
    char_shortest: int = 1
    char_longest: int = 3
    min_texts: int = 2
    passage_chars: int = 500
    jobs: int = 2


def train(
    *,
    taxonomy: Taxonomy,
    taxonomy_source: bytes,
    gold: Sequence[Gold],
    words: dict[str, int],
    out: Path,
    settings: Settings = Settings(),
    progress: Callable[[str], None] = lambda step: None,
) -> Path:
    """Train on all of ``gold`` and return the path of the new bundle below ``out``.

    The same texts, settings and library versions give the same bytes. Raises CorpusError when there is too
    little to learn from.
    """
    if len({g.group for g in gold}) < settings.folds * 2:
        raise CorpusError(
            "ZF-TRAIN-FEW",
            f"只有 {len(gold)} 条训练文本，不够做 {settings.folds} 折校准",
            "至少准备二十条不同情境的文本。",
        )
    segmenter = RjiebaSegmenter(words)
    texts = [clean(g.text).text for g in gold]
    labels = label_matrix(gold, taxonomy)
    truth = np.hstack([labels, labels.any(1, keepdims=True)])
    progress("提取特征")
    features = Features(
        word_n=settings.word_n, char_n=(settings.char_shortest, settings.char_longest), min_texts=settings.min_texts
    ).fit(texts, segmenter)
    x = features.transform(texts, segmenter)
    fold = group_folds([g.group for g in gold], labels, settings.folds, settings.seed)
    margins = np.zeros(truth.shape)
    for held_out in range(settings.folds):
        progress(f"交叉验证 {held_out + 1}/{settings.folds}")
        inside = fold != held_out
        coef, bias = fit_heads(x[inside], truth[inside], settings)
        margins[~inside] = x[~inside] @ coef + bias
    progress("训练各标签")
    coef, bias = fit_heads(x, truth, settings)
    progress("校准与阈值")
    heads = tuple(_head(margins[:, j], truth[:, j]) for j in range(truth.shape[1]))
    return save_bundle(
        out,
        taxonomy=taxonomy,
        taxonomy_source=taxonomy_source,
        features=features,
        coef=coef.astype(np.float32),
        bias=bias.astype(np.float32),
        heads=heads,
        about={
            "segmenter": segmenter.name,
            "dictionary": dictionary_hash(words),
            "settings": {k: v for k, v in asdict(settings).items() if k != "jobs"},
            "corpus": {"texts": len(gold), "groups": len({g.group for g in gold}), "sha256": corpus_hash(gold)},
        },
    )


def corpus_hash(gold: Sequence[Gold]) -> str:
    """Return a hash of ids, texts and labels, in order."""
    digest = hashlib.sha256()
    for g in gold:
        digest.update(json.dumps([g.id, g.text, g.labels], ensure_ascii=True, sort_keys=True).encode())
    return digest.hexdigest()


def fit_heads(x: sparse.csr_matrix, truth: Bools, settings: Settings) -> tuple[Floats, Floats]:
    """Fit one linear head per column of ``truth``; return (columns, heads) coefficients and (heads,) biases.

    The primal solver draws no random numbers, so threads do not change the result.
    """
    from joblib import Parallel, delayed
    from sklearn.svm import LinearSVC

    def one(target: Bools) -> tuple[Floats, float]:
        if target.all() or not target.any():
            return np.zeros(x.shape[1]), 1.0 if target.all() else -1.0
        head = LinearSVC(C=settings.c, dual=False, tol=1e-3).fit(x, target)
        return head.coef_[0], float(head.intercept_[0])

    found = Parallel(n_jobs=settings.jobs, prefer="threads")(delayed(one)(t) for t in truth.T)
    return np.column_stack([w for w, _ in found]), np.array([b for _, b in found])


def _head(margins: Floats, truth: Bools) -> Head:
    slope, intercept = fit_sigmoid(margins, truth)
    probabilities = 1 / (1 + np.exp(-(slope * margins + intercept)))
    # Rounded, so that the last bits of a sum never reach the file.
    return Head(round(slope, 6), round(intercept, 6), best_f1_threshold(probabilities, truth))
