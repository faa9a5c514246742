"""Scores worked out beforehand, so that a night is made of what may go wrong: reading and writing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.documents import Document, Prediction, Rejected
from pipeline.model.score import Scorer


class Remembered:
    """Answers as the scorer would; ``before`` is called with the number of each call."""

    def __init__(self, scorer: Scorer, texts: Sequence[str]) -> None:
        self._known = {p.id: p for p in scorer.score([Document(t, t) for t in texts])}
        self.before: Callable[[int], None] = lambda call: None
        self.calls = 0

    def score(self, documents: Sequence[Document]) -> list[Prediction | Rejected]:

        self.calls += 1
        self.before(self.calls)
        return [self._known[d.text]._replace(id=d.id) for d in documents]
