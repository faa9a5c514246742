"""What a model reads in a batch of texts, before calibration: margins, and evidence for whoever asks.

There are two readers that read the same: this one at once, for training's sake and for a few texts; the compiled one
(`pipeline.model.swift`) many times faster, once it is loaded.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from pipeline.model.bundle import Bundle
from pipeline.model.encoder import Encoder, add_dense
from pipeline.model.explain import explain
from pipeline.model.lead import add_lead, first_sentences
from pipeline.model.pool import strongest_sentence
from pipeline.model.rows import FEW, Rows, as_csr
from pipeline.ndarrays import Floats, Ints
from pipeline.text.clean import Clean, clean
from pipeline.text.passages import split_passages
from pipeline.text.segment import Segmenter
from pipeline.text.sentences import split_sentences

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["PlainReader", "PlainReading", "Reader", "Reading", "Shown"]


class Shown(NamedTuple):
    """What speaks for heads, all (runs,): the ``start`` and ``end`` of each are in the text as given."""

    text: Ints
    head: Ints
    start: Ints
    end: Ints
    weight: Floats


@dataclass(frozen=True, slots=True)
class Reading(ABC):
    """What a reader found in the passages of some texts.

    ``row`` (passages,) ascends and numbers the text of each. ``whole`` and ``strongest`` (passages, heads) are the
    margins of the passage and of its strongest sentence, ``sentences`` (passages,) how many it has, ``strange``
    (passages,) for how strange its wording is taken, 0 to 1.
    """

    row: Ints
    whole: Floats
    strongest: Floats
    sentences: Ints
    strange: Floats

    @abstractmethod
    def evidence(self, passage: Ints, head: Ints) -> Shown:
        """Return what speaks for each ``head`` in its ``passage``; passages ascend."""


class Reader(Protocol):
    """Whatever reads texts as they came in."""

    def read(self, texts: Sequence[str]) -> Reading:
        """Read ``texts``."""
        ...


class PlainReader:
    """Reads with numpy and scipy alone, and with the ``encoder`` of a bundle that has one."""

    def __init__(self, bundle: Bundle, segmenter: Segmenter, encoder: Encoder | None) -> None:
        self.bundle = bundle
        self.segmenter = segmenter
        self._encoder = encoder

    def read(self, texts: Sequence[str]) -> PlainReading:
        """Read ``texts``."""
        cleaned = [clean(t) for t in texts]
        size = self.bundle.passage_chars
        spans = [(row, a, b) for row, c in enumerate(cleaned) for a, b in split_passages(c.text, size)]
        passages = [cleaned[row].text[a:b] for row, a, b in spans]
        features, weights = self.bundle.features, self.bundle.weights
        sentences = split_sentences(passages)
        found = features.occurrences(passages, self.segmenter, sentences)
        count: Callable[..., Any] = features.counts if sum(map(len, passages)) > FEW else features.few
        x_sentence = features.weigh(count(found.by_sentence(sentences, len(passages)), len(sentences.row)))
        # Every passage is read with the first sentence of its document.
        row = np.array([s[0] for s in spans], np.int64)
        lead = first_sentences(sentences.row, len(passages))[np.searchsorted(row, row)]
        x = add_lead(features.weigh(count(found, len(passages))), x_sentence, lead, features.lead)
        if self._encoder:
            x = add_dense(as_csr(x), self._encoder.encode(passages))
        expert, told = weights.choose(x)
        single = weights.read(x_sentence, expert[sentences.row], sentences=True)
        strongest = strongest_sentence(single, sentences.row, weights.sentence_bias[expert])
        known = found.of_words(len(features.word_keys), len(passages))
        strange = self.bundle.wording.strangeness(known, found.tokens, expert, told)
        many = np.bincount(sentences.row, minlength=len(passages))
        return PlainReading(row, weights.read(x, expert), strongest, many, strange, x, expert, cleaned, spans, self)


@dataclass(frozen=True, slots=True)
class PlainReading(Reading):
    """What was read, and the features ``x`` (passages, columns) it was read from."""

    x: Rows | sparse.csr_matrix
    expert: Ints
    cleaned: Sequence[Clean]
    spans: Sequence[tuple[int, int, int]]
    reader: PlainReader

    def evidence(self, passage: Ints, head: Ints) -> Shown:
        """Return what speaks for each ``head`` in its ``passage``; passages ascend."""
        runs = list(self._runs(passage, head))
        *whole, weight = zip(*runs, strict=True) if runs else [()] * len(Shown._fields)
        text, head, start, end = (np.array(of, np.int64) for of in whole)
        return Shown(text, head, start, end, np.array(weight, np.float64))

    def _runs(self, passage: Ints, head: Ints) -> Iterator[tuple[int, int, int, int, float]]:
        wanted: dict[int, list[int]] = {}
        for number, h in zip(passage.tolist(), head.tolist(), strict=True):
            wanted.setdefault(number, []).append(h)
        share = self.reader.bundle.long_share(self.row, self.sentences, self.strange)
        for number, heads in wanted.items():
            row, a, b = self.spans[number]
            text, reader, expert = self.cleaned[row], self.reader, int(self.expert[number])
            found = explain(
                text.text[a:b], heads, reader.bundle, reader.segmenter, expert=expert, leads=not a, long=share[number]
            )
            for h, start, end, weight in found:
                yield row, h, *text.to_given(a + start, a + end), weight
