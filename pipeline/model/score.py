"""The one scoring path: the night, the command line, the desk and the notebooks all call `Scorer.score`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from pipeline.documents import Document, Evidence, Prediction
from pipeline.errors import BundleError
from pipeline.model.bundle import Bundle
from pipeline.model.explain import Passage, explain
from pipeline.model.pool import strongest_sentence
from pipeline.text.clean import Clean, clean
from pipeline.text.passages import split_passages
from pipeline.text.segment import RjiebaSegmenter
from pipeline.text.sentences import split_sentences

__all__ = ["Scorer"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: A label whose log-odds lie this close to those of its threshold asks for a person.
NEAR = 0.3


@dataclass(frozen=True)
class Scores:
    """Probabilities of a batch: documents × heads, and for each the passage that gave it.

    ``whole`` (passages, heads) are the margins of whole passages.
    """

    documents: Floats
    passages: list[Passage]
    best: npt.NDArray[np.int64]
    whole: Floats


class Scorer:
    """A bundle ready to score. Not tied to any store; safe to build in worker processes."""

    def __init__(self, bundle: Bundle, words: dict[str, int]) -> None:
        self.bundle = bundle
        self.segmenter = RjiebaSegmenter(words)
        if self.segmenter.name != bundle.manifest["segmenter"]:
            raise BundleError(
                "ZF-MODEL-SEGMENTER",
                f"模型 {bundle.id} 按 {bundle.manifest['segmenter']} 训练，这里是 {self.segmenter.name}",
                "安装与模型相同的分词版本，或重新训练。",
            )
        self.columns = bundle.taxonomy.columns
        self._whole = np.array([h.whole for h in bundle.heads])
        self._sentence = np.array([h.sentence for h in bundle.heads])
        self._strange = np.array([h.strange for h in bundle.heads])
        self._intercept = np.array([h.intercept for h in bundle.heads])
        self._threshold = np.array([h.threshold for h in bundle.heads])
        self._ask = np.array([h.ask for h in bundle.heads])
        self._passage_chars = int(bundle.manifest["settings"]["passage_chars"])

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Return calibrated probabilities of given texts, shape (texts, labels + 1); the last is problem-or-not."""
        return self._scores([clean(t) for t in texts]).documents

    def score(self, documents: Sequence[Document], *, evidence: bool = True) -> list[Prediction]:
        """Return one prediction per document, in order; evidence only for decided labels."""
        cleaned = [clean(d.text) for d in documents]
        scores = self._scores(cleaned)
        decided = self.decide(scores.documents)
        found = self._evidence(cleaned, scores, decided) if evidence else [()] * len(documents)
        return [
            self._prediction(*of)
            for of in zip(documents, scores.documents, decided, found, self.unsure(scores.documents), strict=True)
        ]

    def decide(self, probabilities: Floats, thresholds: Floats | None = None) -> Bools:
        """Return which labels are decided, shape (texts, labels); ``thresholds`` (heads,) or (texts, heads).

        What only speaks of conduct has none: where a scheme may stay empty, a label also needs the problem head.
        """
        passed = probabilities >= (self._threshold if thresholds is None else thresholds)
        labels = passed[:, :-1].copy()
        at = 0
        for scheme in self.bundle.taxonomy.schemes:
            block = slice(at, at + len(scheme.labels))
            at += len(scheme.labels)
            if scheme.kind == "multi":
                labels[:, block] &= passed[:, -1:]
                continue
            # The most probable stands in where a scheme must not stay empty.
            best = probabilities[:, block].argmax(1)[:, None] == np.arange(len(scheme.labels))
            alone = scheme.kind == "exclusive" or ~labels[:, block].any(1, keepdims=True)
            labels[:, block] = np.where(alone, best, labels[:, block])
        return labels

    def unsure(self, probabilities: Floats) -> npt.NDArray[np.bool_]:
        """Return which texts ask for a person, (texts,): some head is near its threshold or kept for people."""
        log_odds = _log_odds(probabilities)
        edge = logit(np.where(self._threshold < 1, self._threshold, 0.5))
        near = (abs(log_odds - edge) < NEAR) & (self._threshold < 1)
        kept = (probabilities >= self._ask) & (probabilities < self._threshold)
        return np.asarray((near | kept).any(1))

    def log_odds(self, texts: Sequence[str]) -> tuple[Floats, Floats]:
        """Return calibrated log-odds and whole-text margins of given texts, both (texts, labels + 1).

        Of a long text the margins are those of its most suspicious passage.
        """
        scores = self._scores([clean(t) for t in texts])
        return _log_odds(scores.documents), scores.whole[scores.best[:, -1]]

    def _scores(self, cleaned: Sequence[Clean]) -> Scores:
        passages = [
            Passage(row, a, b)
            for row, c in enumerate(cleaned)
            for a, b in (
                split_passages(c.text, self._passage_chars) if len(c.text) > self._passage_chars else [(0, len(c.text))]
            )
        ]
        probability, whole = self._probability([cleaned[p.row].text[p.start : p.end] for p in passages])
        # A document takes each label from the passage that shows it best.
        rows = np.array([p.row for p in passages], np.int64)
        first = np.searchsorted(rows, np.arange(len(cleaned)))
        if len(passages) == len(cleaned):
            return Scores(probability, passages, np.tile(first[:, None], (1, probability.shape[1])), whole)
        best = np.empty((len(cleaned), probability.shape[1]), np.int64)
        for row, (a, b) in enumerate(itertools.pairwise([*first.tolist(), len(passages)])):
            best[row] = a + probability[a:b].argmax(0)
        return Scores(np.take_along_axis(probability, best, 0), passages, best, whole)

    def _probability(self, texts: Sequence[str]) -> tuple[Floats, Floats]:
        """Return calibrated probabilities and whole margins of clean passages, both (passages, heads)."""
        features, weights = self.bundle.features, self.bundle.weights
        sentences = split_sentences(texts)
        found = features.occurrences(texts, self.segmenter, sentences)
        whole: Floats = features.matrix(found, len(texts)) @ weights.coef + weights.bias
        x = features.matrix(found.by_sentence(sentences, len(texts)), len(sentences.row))
        single = x @ weights.sentence_coef + weights.sentence_bias
        strongest = strongest_sentence(single, sentences.row, len(texts), weights.sentence_bias)
        strange = self.bundle.wording.strangeness(features, found, np.fromiter(map(len, texts), np.int64, len(texts)))
        log_odds = whole * self._whole + strongest * self._sentence + strange[:, None] * self._strange + self._intercept
        return np.asarray(expit(log_odds)), whole

    def _evidence(self, cleaned: Sequence[Clean], scores: Scores, decided: Bools) -> list[tuple[Evidence, ...]]:
        found: list[list[Evidence]] = [[] for _ in cleaned]
        rows, heads = np.nonzero(decided)
        wanted: dict[int, list[int]] = {}
        for row, head in zip(rows.tolist(), heads.tolist(), strict=True):
            wanted.setdefault(int(scores.best[row, head]), []).append(head)
        for number, which in wanted.items():
            passage = scores.passages[number]
            text = cleaned[passage.row]
            for head, start, end, weight in explain(
                text.text[passage.start : passage.end], which, self.bundle, self.segmenter
            ):
                a, b = text.to_given(passage.start + start, passage.start + end)
                found[passage.row].append(Evidence(self.columns[head][1], a, b, text.given[a:b], weight))
        order = {label: i for i, (_, label) in enumerate(self.columns)}
        return [tuple(sorted(f, key=lambda e: (order[e.label], -e.weight, e.start))) for f in found]

    def _prediction(
        self, document: Document, p: Floats, decided: Bools, evidence: Sequence[Evidence], unsure: bool
    ) -> Prediction:
        scores: dict[str, dict[str, float]] = {s.id: {} for s in self.bundle.taxonomy.schemes}
        chosen: dict[str, list[tuple[str, float]]] = {s.id: [] for s in self.bundle.taxonomy.schemes}
        for (scheme, label), value, is_decided in zip(self.columns, p.tolist(), decided.tolist(), strict=False):
            scores[scheme][label] = value
            if is_decided:
                chosen[scheme].append((label, value))
        return Prediction(
            id=document.id,
            is_problem=bool(p[-1] >= self._threshold[-1] or decided.any()),
            problem_score=float(p[-1]),
            decided={s: tuple(sorted(v, key=lambda item: -item[1])) for s, v in chosen.items()},
            scores=scores,
            evidence=tuple(evidence),
            review=bool(unsure),
            model=self.bundle.id,
        )


def _log_odds(probabilities: Floats) -> Floats:
    return np.asarray(logit(np.clip(probabilities, 1e-12, 1 - 1e-12)))


def batches(documents: Iterator[Document], size: int) -> Iterator[list[Document]]:
    """Group documents by ``size``; the last batch may be shorter."""
    batch: list[Document] = []
    for document in documents:
        batch.append(document)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
