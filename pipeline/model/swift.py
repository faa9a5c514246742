"""The compiled reader: whole batches from characters to margins and evidence, as machine code over arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from pipeline.model.bundle import Bundle
from pipeline.model.encoder import Encoder
from pipeline.model.features import fold, folded_points
from pipeline.model.highlight import Highlighter
from pipeline.model.margins import Heads
from pipeline.model.places import Places, Vocabulary
from pipeline.model.reading import Reading, Shown
from pipeline.ndarrays import Ints, Points, Shorts
from pipeline.text.lattice import Lattice, fits
from pipeline.text.pieces import cut_passages, cut_sentences
from pipeline.text.segment import Segmenter
from pipeline.text.wash import Washed, wash

__all__ = ["SwiftReader"]


class SwiftReader:
    """A bundle flattened into arrays; building it takes about a second."""

    def __init__(self, bundle: Bundle, segmenter: Segmenter, words: Mapping[str, int], encoder: Encoder | None) -> None:
        features = bundle.features
        self._bundle = bundle
        self._encoder = encoder
        self._lexicon = features.lexicon
        with ThreadPoolExecutor(1, "words") as beside:
            # Two halves of about the same size, of which numpy's leaves the interpreter to the other.
            cutting = beside.submit(_words, segmenter, words, features.tokens)
            finding = beside.submit(self._lexicon.compile) if self._lexicon else None
            self._vocabulary = Vocabulary(features)
            self._heads = Heads(bundle, self._vocabulary)
            self._highlighter = Highlighter(bundle, self._heads)
            self._words = cutting.result()
            if finding:
                finding.result()

    @staticmethod
    def prepare() -> None:
        """Load what needs no bundle: the compiler of machine code, and the table of characters."""
        wash(["。"])

    def read(self, texts: Sequence[str]) -> Reading:
        """Read ``texts``."""
        clean = wash(texts)
        row, start, end = cut_passages(clean.points, clean.first, self._bundle.passage_chars)
        sentence_of, sentence = cut_sentences(clean.points, start, end)
        tokens = self._words.cut(clean.points, start, end)
        hits = self._hits(clean.points, end, sentence_of, sentence)
        places = self._vocabulary.find(clean.points, (start, end), (sentence_of, sentence), tokens, hits)
        dense = self._encoder.encode(_strings(clean.points, start, end)) if self._encoder else None
        whole, strongest, which, expert, told = self._heads.margins(places, sentence_of, row, dense)
        strange = self._bundle.wording.strangeness(places.words, np.diff(tokens[0]), expert, told)
        return _SwiftReading(
            row, whole, strongest, np.diff(sentence_of), strange, texts, clean, start, end, sentence_of, places, which,
            expert, self._highlighter, self._bundle,
        )  # fmt: skip

    def _hits(self, points: Points, end: Ints, sentence_of: Ints, sentence: Ints) -> tuple[Ints, Ints, Ints, Ints]:
        if not self._lexicon:
            none = np.zeros(0, np.int64)
            return none, none, none, none
        until = np.append(sentence[1:], 0)
        some = sentence_of[1:] > sentence_of[:-1]
        until[sentence_of[1:][some] - 1] = end[some]
        hits = self._lexicon.find_in(points, sentence, until)
        begin = sentence[hits.sentence]
        return hits.sentence, hits.concept, begin + hits.start, begin + hits.end


def _strings(points: Points, start: Ints, end: Ints) -> list[str]:
    return [points[a:b].tobytes().decode("utf-32-le") for a, b in zip(start.tolist(), end.tolist(), strict=True)]


def _words(segmenter: Segmenter, words: Mapping[str, int], tokens: Sequence[str]) -> Lattice | _Engine:
    if not fits():
        return _Engine(segmenter, tokens)
    lattice = Lattice(words, tokens)
    lattice.kinds = folded_points(lattice.kinds)
    return lattice


class _Engine:
    """Tokens as the engine cuts them, whichever it is."""

    def __init__(self, segmenter: Segmenter, tokens: Sequence[str]) -> None:
        self._segmenter = segmenter
        self._numbers = {t: n for n, t in enumerate(tokens, 1)}

    def cut(self, points: Points, start: Ints, end: Ints) -> tuple[Ints, Shorts, Shorts]:
        cut = self._segmenter.cut([fold(t) for t in _strings(points, start, end)])
        first = np.zeros(len(cut) + 1, np.int64)
        np.cumsum([len(words) for words in cut], out=first[1:])
        flat = [w for words in cut for w in words]
        stop = np.cumsum(np.fromiter(map(len, flat), np.int64, len(flat)))
        # Passages of one text can overlap: each counts from its own beginning.
        before = np.append(0, stop)[first[:-1]]
        stop += np.repeat(start - before, np.diff(first))
        number = np.fromiter((self._numbers.get(w, 0) for w in flat), np.int32, len(flat))
        return first, stop.astype(np.int32), number


@dataclass(frozen=True, slots=True)
class _SwiftReading(Reading):
    texts: Sequence[str]
    clean: Washed
    start: Ints
    end: Ints
    sentence_of: Ints
    places: Places
    which: Ints
    expert: Ints
    highlighter: Highlighter
    bundle: Bundle

    def evidence(self, passage: Ints, head: Ints) -> Shown:
        span, weight = self.highlighter.find(
            self.clean.points,
            (self.start, self.end),
            self.sentence_of,
            self.places,
            (self.which, self.expert),
            np.append(True, self.row[1:] != self.row[:-1]),
            self.bundle.long_share(self.row, self.sentences, self.strange),
            (passage, head),
        )
        pair, start, end = span.T
        text = self.row[passage[pair]]
        return Shown(text, head[pair], *self._to_given(text, start, end), weight)

    def _to_given(self, text: Ints, start: Ints, end: Ints) -> tuple[Ints, Ints]:
        """Translate spans of points to those of the given texts, as `Clean.to_given` does."""
        # Behind the last point of a text stands its end.
        source = np.append(self.clean.source, 0)
        first = source[start].astype(np.int64)
        behind = np.flatnonzero(start >= self.clean.first[text + 1])
        first[behind] = [len(self.texts[t]) for t in text[behind].tolist()]
        return first, np.where(end > start, source[end - 1] + 1, first)
