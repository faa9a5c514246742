"""Predictions on their way between machines: arrays, without the texts that both ends have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from operator import itemgetter

import numpy as np

from pipeline.documents import Document, Evidence, Prediction, Rejected
from pipeline.ndarrays import Bools, Floats, Shorts
from pipeline.taxonomy import Taxonomy

__all__ = ["Parcel", "pack", "unpack"]

Answer = Prediction | Rejected | None


@dataclass(frozen=True, slots=True)
class Parcel:
    """``rows`` (n,) are the places of the texts that have scores: (n, labels), (n,), and what was decided of them.

    Evidence is (m,) each, by the number of the row and of the label. ``refused`` has place, code and reason.
    """

    rows: Shorts
    scores: Floats
    problem: Floats
    is_problem: Bools
    review: Bools
    decided: Bools
    spans: Shorts
    weights: Floats
    refused: tuple[tuple[int, str, str], ...]


def pack(answers: Sequence[Answer], taxonomy: Taxonomy) -> Parcel:
    """Return ``answers`` as arrays; None stands for a text that was not there to be scored."""
    scored = [(i, p) for i, p in enumerate(answers) if isinstance(p, Prediction)]
    columns = taxonomy.columns
    number = {label: j for j, (_, label) in enumerate(columns)}
    scores = np.array([[p.scores[s][label] for s, label in columns] for _, p in scored]).reshape(-1, len(columns))
    decided = np.zeros(scores.shape, bool)
    for row, (_, p) in enumerate(scored):
        decided[row, [number[label] for label in p.labels]] = True
    evidence = [(row, number[e.label], e.start, e.end) for row, (_, p) in enumerate(scored) for e in p.evidence]
    return Parcel(
        np.array([i for i, _ in scored], np.int32),
        scores,
        np.array([p.problem_score for _, p in scored], float),
        np.array([p.is_problem for _, p in scored], bool),
        np.array([p.review for _, p in scored], bool),
        decided,
        np.array(evidence, np.int32).reshape(-1, 4),
        np.array([e.weight for _, p in scored for e in p.evidence], float),
        tuple((i, r.code, r.reason) for i, r in enumerate(answers) if isinstance(r, Rejected)),
    )


def unpack(parcel: Parcel, documents: Sequence[Document], taxonomy: Taxonomy, model: str) -> list[Answer]:
    """Return what `pack` was given, of the same ``documents``."""
    answers: list[Answer] = [None] * len(documents)
    shown: dict[int, list[Evidence]] = {}
    for (row, label, start, end), weight in zip(parcel.spans.tolist(), parcel.weights.tolist(), strict=True):
        quote = documents[int(parcel.rows[row])].text[start:end]
        shown.setdefault(row, []).append(Evidence(taxonomy.columns[label][1], start, end, quote, weight))
    of = zip(
        parcel.rows.tolist(), parcel.scores.tolist(), parcel.decided.tolist(), parcel.problem.tolist(),
        parcel.is_problem.tolist(), parcel.review.tolist(), strict=True,
    )  # fmt: skip
    for row, (at, values, chosen, problem, is_problem, review) in enumerate(of):
        scores: dict[str, dict[str, float]] = {s.id: {} for s in taxonomy.schemes}
        called: dict[str, list[tuple[str, float]]] = {s.id: [] for s in taxonomy.schemes}
        pairs = list(zip(taxonomy.columns, values, strict=True))
        for (scheme, label), value in pairs:
            scores[scheme][label] = value
        for (scheme, label), value in compress(pairs, chosen):
            called[scheme].append((label, value))
        answers[at] = Prediction(
            id=documents[at].id,
            is_problem=is_problem,
            problem_score=problem,
            decided={s: tuple(sorted(c, key=itemgetter(1), reverse=True)) for s, c in called.items()},
            scores=scores,
            evidence=tuple(shown.get(row, ())),
            review=review,
            model=model,
        )
    for at, code, reason in parcel.refused:
        d = documents[at]
        answers[at] = Rejected(d.place, code, reason, d.id, d.text[:20_000])
    return answers
