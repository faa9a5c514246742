"""Scores without evidence, for models whose words nobody reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.documents import Document, Prediction
from pipeline.model.bundle import Bundle
from pipeline.model.score import Scorer

__all__ = ["BareScorer"]


class BareScorer:
    """A bundle ready to score; labels and scores are those of `Scorer`, the evidence, half of its time, is left out."""

    def __init__(self, bundle: Bundle, words: dict[str, int], *, encoder: Path | None = None) -> None:
        self._scorer = Scorer(bundle, words, encoder=encoder)

    def score(self, documents: Sequence[Document]) -> list[Prediction]:
        """Return one prediction per document, in order."""
        return self._scorer.score(documents, evidence=False)
