"""The one scoring path: the night, the command line, the desk and the notebooks all call `Scorer.score`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from pipeline.collecting import no_collecting
from pipeline.documents import Document, Evidence, Prediction
from pipeline.errors import BundleError
from pipeline.model.bundle import NEVER, Bundle, fields
from pipeline.model.decide import decide
from pipeline.model.encoder import add_dense, encoder_of
from pipeline.model.odds import expit, logit
from pipeline.model.pool import read_long
from pipeline.model.promise import promise_of
from pipeline.model.reading import PlainReader, PlainReading, Reader, Reading
from pipeline.model.rows import as_csr
from pipeline.ndarrays import Bools, Floats, Ints
from pipeline.text.plain import LITTLE
from pipeline.text.segment import RjiebaSegmenter

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["BareScorer", "Look", "Said", "Scorer", "batches"]

#: A label whose log-odds lie this close to those of its threshold asks for a person.
NEAR = 0.3
#: Characters read at once: each table is fetched once for all of them.
MANY = 400_000
#: A threshold below this counts as this where its log-odds are asked for.
LOWEST = 1e-9
#: Log-odds are rounded to so many digits: readers that add up in another order then say the same to the last bit.
DIGITS = 7


@dataclass(frozen=True, slots=True)
class Look:
    """Calibrated ``log_odds`` and ``margins`` of texts, both (texts, heads), features ``x`` (texts, columns +
    dimensions), which ``expert`` read each and how far it was read as a ``long`` one, 0 to 1, both (texts,); there a
    label is decided from the log-odds ``edge`` (heads,) on.
    """

    log_odds: Floats
    margins: Floats
    x: sparse.csr_matrix
    expert: Ints
    long: Floats
    edge: Floats

    def __getitem__(self, rows: npt.NDArray[Any]) -> Look:
        """Return that of some texts."""
        return Look(
            self.log_odds[rows], self.margins[rows], self.x[rows], self.expert[rows], self.long[rows], self.edge
        )


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of some texts: ``probability`` (texts, heads), labels ``decided`` (texts, labels), whether it
    ``is_problem``, having any, and ``unsure`` (texts,), and the evidence of each text that has any: by label, the
    strongest first.
    """

    probability: Floats
    decided: Bools
    is_problem: Bools
    unsure: Bools
    evidence: Mapping[int, Sequence[Evidence]]


@dataclass(frozen=True, slots=True)
class _Scores:
    """Probabilities of some texts, (texts, heads), and for each the passage of ``reading`` that gave it."""

    documents: Floats
    best: Ints
    texts: Sequence[str]
    reading: Reading


class Scorer:
    """A bundle ready to score. Not tied to any store; safe to build in worker processes.

    After ``little`` characters it reads with compiled code. ``encoder`` is the folder of the encoder, for bundles that
    were trained with one; raises BundleError or ConfigError ``ZF-ENCODER-…`` when it is not that one.
    """

    def __init__(
        self, bundle: Bundle, words: Mapping[str, int], *, little: int = LITTLE, encoder: Path | None = None
    ) -> None:
        self.bundle = bundle
        self.segmenter = RjiebaSegmenter(words)
        if self.segmenter.name != bundle.manifest["segmenter"]:
            raise BundleError(
                "ZF-MODEL-SEGMENTER",
                f"模型 {bundle.id} 按 {bundle.manifest['segmenter']} 训练，这里是 {self.segmenter.name}",
                "安装与模型相同的分词版本，或重新训练。",
            )
        self.columns = bundle.taxonomy.columns
        self._labels = [label for _, label in self.columns]
        self._blocks = bundle.taxonomy.blocks
        self._words = words
        self._folder = encoder
        self._encoder = encoder_of(bundle.manifest, encoder)
        self._plain = PlainReader(bundle, self.segmenter, self._encoder)
        self._swift: Reader | None = None
        self._left = little
        self._no_scores = np.zeros((0, len(bundle.heads)))
        self._whole, self._sentence = fields(bundle.heads, "whole", "sentence")
        self._strange, self._intercept = fields(bundle.heads, "strange", "intercept")
        self._backing = bundle.heads[-1].backing
        self._long = fields(bundle.heads, "long_sentence", "long_size", "long_intercept")
        self._threshold, self._ask = fields(bundle.heads, "threshold", "ask")
        # Where a scheme must not stay empty a label may be decided below what was promised of it.
        stands_in = np.array([s.kind != "multi" for s in bundle.taxonomy.schemes for _ in s.labels])
        promised = (self._threshold[:-1] == NEVER) | (promise_of(bundle.manifest) > 0)
        self._bound = stands_in & promised
        self._edge = logit(np.where(self._ask < 1, np.maximum(self._ask, LOWEST), 0.5))

    def reading_as(self, bundle: Bundle) -> Scorer:
        """Return a scorer of another ``bundle`` with the same dictionary and encoder."""
        return Scorer(bundle, self._words, encoder=self._folder)

    def widen(self, x: sparse.csr_matrix, texts: Sequence[str]) -> sparse.csr_matrix:
        """Return ``x`` (texts, columns) with what the encoder, if any, says of clean ``texts`` behind it."""
        return add_dense(x, self._encoder.encode(texts)) if self._encoder else x

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Return calibrated probabilities of given texts, shape (texts, labels + 1); the last is problem-or-not."""
        return np.concatenate([self._no_scores, *(s.documents for s in self._read(texts))])

    def score(self, documents: Sequence[Document], *, evidence: bool = True) -> list[Prediction]:
        """Return one prediction per document, in order; evidence only for decided labels."""
        found: list[Prediction] = []
        for said in self.say([d.text for d in documents], evidence=evidence):
            with no_collecting():
                found += self._predictions(documents[len(found) : len(found) + len(said.unsure)], said)
        return found

    def say(self, texts: Sequence[str], *, evidence: bool = True) -> Iterator[Said]:
        """Yield what `score` makes predictions of, of some texts at a time, in order."""
        for scores in self._read(texts):
            probability = scores.documents
            decided = self.decide(probability)
            shown = self._evidence(scores, decided) if evidence else {}
            yield Said(probability, decided, np.asarray(decided.any(1)), self.unsure(probability, decided), shown)

    def strangeness(self, texts: Sequence[str]) -> Floats:
        """Return for how strange the wording of each passage of ``texts`` is taken, 0 to 1, (passages,)."""
        return np.concatenate([np.zeros(0), *(s.reading.strange for s in self._read(texts))])

    def decide(self, probabilities: Floats, thresholds: Floats | None = None) -> Bools:
        """Return which labels are decided, shape (texts, labels); ``thresholds`` (heads,) or (texts, heads)."""
        return decide(self.bundle.taxonomy, probabilities, self._threshold if thresholds is None else thresholds)

    def reached(self, probabilities: Floats) -> Bools:
        """Return which labels reach their threshold, (texts, labels): of those decided, what a promise is about."""
        return np.asarray(probabilities[:, :-1] >= self._threshold[:-1])

    def unsure(self, probabilities: Floats, decided: Bools) -> Bools:
        """Return which texts ask for a person, (texts,): some head is near its threshold or kept for people, the
        problem head finds conduct that no label names, or a label only stands in for one of which a promise does not
        hold.
        """
        log_odds = _log_odds(probabilities)
        edge = logit(np.where(self._threshold < 1, self._threshold, 0.5))
        near = (abs(log_odds - edge) < NEAR) & (self._threshold < 1)
        kept = (probabilities >= self._ask) & (probabilities < self._threshold)
        nameless = (probabilities[:, -1] >= self._threshold[-1]) & ~decided.any(1)
        stands_in = (decided & ~self.reached(probabilities) & self._bound).any(1)
        return np.asarray((near | kept).any(1) | nameless | stands_in)

    def strongest_words(self, text: str, label: str) -> tuple[Evidence, ...]:
        """Return what speaks most for ``label`` in ``text``, decided or not."""
        (scores,) = self._read([text], self._plain)
        wanted = np.array([[label == of for of in self._labels]])
        return tuple(self._evidence(scores, wanted).get(0, ())[:1])

    def look(self, texts: Sequence[str]) -> Look:
        """Return what a correction is fitted to; of a long text, its most suspicious passage."""
        from scipy import sparse

        read = self._read(texts, self._plain)
        found = [(s.documents, cast("PlainReading", s.reading), s.best[:, -1]) for s in read]
        nothing = self._plain.read(())
        return Look(
            _log_odds(np.concatenate([self._no_scores, *(documents for documents, _, _ in found)])),
            np.concatenate([self._no_scores, *(reading.whole[best] for _, reading, best in found)]),
            sparse.vstack([as_csr(x) for x in (nothing.x, *(r.x[best] for _, r, best in found))], format="csr"),
            np.concatenate([nothing.expert, *(reading.expert[best] for _, reading, best in found)]),
            np.concatenate([np.zeros(0), *(self._long_share(reading)[best] for _, reading, best in found)]),
            self._edge,
        )

    def _read(self, texts: Sequence[str], reader: PlainReader | None = None) -> Iterator[_Scores]:
        """Yield the scores of ``texts``, of some at a time, in order."""
        first = size = 0
        for i, text in enumerate(texts):
            if size and size + len(text) > MANY:
                yield self._scores(texts[first:i], reader or self._reader(size))
                first, size = i, 0
            size += len(text)
        if first < len(texts):
            yield self._scores(texts[first:], reader or self._reader(size))

    def _scores(self, texts: Sequence[str], reader: Reader) -> _Scores:
        reading = reader.read(texts)
        margins = reading.whole * self._whole + reading.strongest * self._sentence
        log_odds = margins + reading.strange[:, None] * self._strange + self._intercept
        if self._backing:
            # In wording it does not know the problem head stays shut more than any label does.
            beyond = (log_odds - self._edge)[:, :-1].max(1, initial=0.0)
            log_odds[:, -1] += self._backing * reading.strange * beyond
        share = self._long_share(reading)
        log_odds = read_long(log_odds, reading.strongest, reading.row, reading.sentences, share, self._edge, self._long)
        probability = np.asarray(expit(np.round(log_odds, DIGITS)))
        # A document takes each label from the passage that shows it best.
        first = np.searchsorted(reading.row, np.arange(len(texts) + 1))
        best = np.tile(first[:-1, None], (1, probability.shape[1]))
        for row in np.flatnonzero(np.diff(first) > 1).tolist():
            best[row] += probability[first[row] : first[row + 1]].argmax(0)
        return _Scores(np.take_along_axis(probability, best, 0), best, texts, reading)

    def _long_share(self, reading: Reading) -> Floats:
        return self.bundle.long_share(reading.row, reading.sentences, reading.strange)

    def _reader(self, size: int) -> Reader:
        self._left -= size
        if self._swift is None:
            if self._left >= 0:
                return self._plain
            # Imported here: numba takes longer than all the rest of a short run.
            from pipeline.model.swift import SwiftReader

            self._swift = SwiftReader(self.bundle, self.segmenter, self._words, self._encoder)
        return self._swift

    def _evidence(self, scores: _Scores, decided: Bools) -> dict[int, list[Evidence]]:
        rows, heads = np.nonzero(decided)
        passages = scores.best[rows, heads]
        order = np.argsort(passages, kind="stable")
        shown = scores.reading.evidence(passages[order], heads[order])
        order = np.lexsort((shown.start, -shown.weight, shown.head, shown.text))
        rows, heads, starts, ends, weights = (of[order].tolist() for of in shown)
        with no_collecting():
            quotes = [scores.texts[row][a:b] for row, a, b in zip(rows, starts, ends, strict=True)]
            made = list(map(Evidence, [self._labels[h] for h in heads], starts, ends, quotes, weights))
            first = np.flatnonzero(np.diff(shown.text[order], prepend=-1)).tolist()
            return {rows[a]: made[a:b] for a, b in itertools.pairwise([*first, len(rows)])}

    def _predictions(self, documents: Sequence[Document], said: Said) -> Iterator[Prediction]:
        """Return the predictions of some documents: made by column, for a short text is read faster than one is."""
        names = [s.id for s, _ in self._blocks]
        blocks = [
            [dict(zip(labels, values, strict=True)) for values in said.probability[:, block].tolist()]
            for labels, block in ((s.label_ids, block) for s, block in self._blocks)
        ]
        scores = [dict(zip(names, of, strict=True)) for of in zip(*blocks, strict=True)]
        called: list[dict[str, tuple[tuple[str, float], ...]]] = [dict.fromkeys(names, ()) for _ in documents]
        for (scheme, block), of in zip(self._blocks, blocks, strict=True):
            for row in np.flatnonzero(said.decided[:, block].any(1)).tolist():
                labels = itertools.compress(of[row].items(), said.decided[row, block].tolist())
                called[row][scheme.id] = tuple(sorted(labels, key=itemgetter(1), reverse=True))
        columns = (
            [d.id for d in documents],
            said.is_problem.tolist(),
            said.probability[:, -1].tolist(),
            called,
            scores,
            [tuple(said.evidence.get(row, ())) for row in range(len(documents))],
            said.unsure.tolist(),
            [self.bundle.id] * len(documents),
        )
        return map(Prediction._make, zip(*columns, strict=True))


class BareScorer(Scorer):
    """A scorer that leaves the evidence out, half of its time, of models whose words nobody reads."""

    def score(self, documents: Sequence[Document], *, evidence: bool = False) -> list[Prediction]:
        """Return one prediction per document, in order."""
        return super().score(documents, evidence=evidence)


def _log_odds(probabilities: Floats) -> Floats:
    return np.asarray(logit(np.clip(probabilities, 1e-12, 1 - 1e-12)))


def batches(documents: Iterator[Document], size: int) -> Iterator[list[Document]]:
    """Group documents by ``size``; the last batch may be shorter."""
    while batch := list(itertools.islice(documents, size)):
        yield batch
