"""What is written of one text: made beside the scorer, so that the process that writes has only to write."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from pipeline.desk.priority import complains_of, uncertainty_of
from pipeline.documents import Document, Prediction, Rejected
from pipeline.text.near import signatures

__all__ = ["Entry", "Scribe", "enter"]

#: Digits of a stored score, as in ``Prediction.to_dict``.
DIGITS = 6
_json = json.JSONEncoder(ensure_ascii=False).encode


class Entry(NamedTuple):
    """One prediction as the store keeps it, ``decided``, ``scores`` and ``evidence`` as JSON text.

    ``labels`` are those decided. ``again``, ``unanswered`` and ``signature`` are read from the text, for its place in
    the queue and for its near duplicates.
    """

    id: str
    model: str
    is_problem: bool
    problem_score: float
    review: bool
    labels: tuple[str, ...]
    decided: str
    scores: str
    evidence: str
    uncertainty: int
    again: bool
    unanswered: bool
    signature: bytes

    def to_dict(self) -> dict[str, Any]:
        """Return what ``Prediction.to_dict`` says."""
        return {
            "id": self.id,
            "is_problem": self.is_problem,
            "problem_score": round(self.problem_score, DIGITS),
            **json.loads(self.decided),
            "scores": json.loads(self.scores),
            "evidence": json.loads(self.evidence),
            "review": self.review,
            "model": self.model,
        }


def enter(documents: Sequence[Document], answers: Sequence[Prediction | Entry | Rejected]) -> list[Entry | Rejected]:
    """Return the entry of each prediction; entries and rejections stay as they are."""
    said = [(d, a) for d, a in zip(documents, answers, strict=True) if isinstance(a, Prediction)]
    made = iter(_entries([d.text for d, _ in said], [p for _, p in said]) if said else ())
    return [next(made) if isinstance(a, Prediction) else a for a in answers]


class _Scores(Protocol):
    def score(self, documents: Sequence[Document]) -> list[Prediction]: ...


class Scribe:
    """Scores with what ``make`` returns and answers with entries; to be built in a worker process."""

    def __init__(self, make: Callable[[], _Scores]) -> None:
        self._scorer = make()

    def score(self, documents: Sequence[Document]) -> list[Entry]:
        """Return one entry per document, in order."""
        said = self._scorer.score(documents)
        return _entries([d.text for d in documents], said) if said else []


def _entries(texts: Sequence[str], said: Sequence[Prediction]) -> list[Entry]:
    """Make entries of one model's predictions: their scores have the same names in the same order."""
    values = np.array([[v for of in p.scores.values() for v in of.values()] for p in said]).round(DIGITS)
    written = _form(said[0])
    problem = np.array([p.problem_score for p in said])
    doubt = uncertainty_of(np.c_[values, problem], np.array([p.review for p in said]))
    signed = signatures(texts)
    return [
        Entry(
            p.id, p.model, p.is_problem, p.problem_score, p.review,
            tuple(label for pairs in p.decided.values() for label, _ in pairs),
            _json({s: [{"id": i, "score": round(v, DIGITS)} for i, v in d] for s, d in p.decided.items()}),
            written % tuple(row), _evidence(p), unsure, *complains_of(text), values_.tobytes(),
        )
        for p, row, unsure, text, values_ in zip(said, values.tolist(), doubt.tolist(), texts, signed, strict=True)
    ]  # fmt: skip


def _form(p: Prediction) -> str:
    """Return the JSON of all scores with a place for each: to fill it in is quicker than to encode them."""
    schemes = []
    for scheme, of in p.scores.items():
        labels = ", ".join(_json(i).replace("%", "%%") + ": %r" for i in of)
        schemes.append(_json(scheme).replace("%", "%%") + ": {" + labels + "}")
    return "{" + ", ".join(schemes) + "}"


def _evidence(p: Prediction) -> str:
    if not p.evidence:
        return "[]"
    return _json(
        [
            {"label": e.label, "start": e.start, "end": e.end, "quote": e.quote, "weight": round(e.weight, DIGITS)}
            for e in p.evidence
        ]
    )
