"""What is written of one text: made beside the scorer, so that the process that writes has only to write."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from json.encoder import encode_basestring
from typing import Any, NamedTuple

import numpy as np

from pipeline.collecting import no_collecting
from pipeline.desk.complaints import Complaints
from pipeline.desk.priority import uncertainty_of
from pipeline.documents import DIGITS, Document, Evidence, Prediction, Rejected
from pipeline.model.score import Said, Scorer
from pipeline.text.near import signatures

__all__ = ["Entry", "Scribe", "bare", "enter", "named", "prepare"]

#: A stored score in these is a whole number.
UNIT = 10**DIGITS


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
    made = iter(_of_predictions([d for d, _ in said], [p for _, p in said]) if said else ())
    return [next(made) if isinstance(a, Prediction) else a for a in answers]


def bare(answer: Sequence[Prediction | Entry] | str) -> Any:
    """Return an answer as it is sent: with their names, entries take four times as long to be read."""
    return answer if isinstance(answer, str) else [tuple(a) if isinstance(a, Entry) else a for a in answer]


def named(answer: Any) -> Any:
    """Return what `bare` was given."""
    return answer if isinstance(answer, str) else [Entry._make(a) if type(a) is tuple else a for a in answer]


def prepare() -> None:
    """Load what a scribe of many texts needs besides its model: a second's work that need not wait for the model."""
    from pipeline.model.swift import SwiftReader

    SwiftReader.prepare()


class Scribe:
    """Scores with what ``make`` returns and answers with entries; to be built in a worker process."""

    def __init__(self, make: Callable[[], Scorer]) -> None:
        self._scorer = make()
        self._form = _Form({s.id: s.label_ids for s in self._scorer.bundle.taxonomy.schemes}, self._scorer.bundle.id)

    def score(self, documents: Sequence[Document]) -> list[Entry]:
        """Return one entry per document, in order."""
        return self.begin(documents)()

    def begin(self, documents: Sequence[Document]) -> Callable[[], list[Entry]]:
        """Score ``documents`` now; what is returned makes the entries."""
        return partial(self._write, documents, list(self._scorer.say([d.text for d in documents])))

    def _write(self, documents: Sequence[Document], said: Sequence[Said]) -> list[Entry]:
        found: list[Entry] = []
        for some in said:
            with no_collecting():
                found += self._form.entries(documents[len(found) : len(found) + len(some.unsure)], some)
        return found


def _of_predictions(documents: Sequence[Document], made: Sequence[Prediction]) -> list[Entry]:
    """Make entries of one model's predictions: their scores have the same names in the same order."""
    form = _Form({s: list(of) for s, of in made[0].scores.items()}, made[0].model)
    called = [{(s, i) for s, d in p.decided.items() for i, _ in d} for p in made]
    said = Said(
        np.array([[*(v for of in p.scores.values() for v in of.values()), p.problem_score] for p in made]),
        np.array([[(s, i) in of for s, labels in form.schemes.items() for i in labels] for of in called], bool),
        np.array([p.is_problem for p in made]),
        np.array([p.review for p in made]),
        {row: p.evidence for row, p in enumerate(made)},
    )
    return form.entries(documents, said)


class _Form:
    """The JSON of one model's answers with places for the figures: to fill it in is quicker than to encode them.

    ``schemes`` are the labels by scheme.
    """

    def __init__(self, schemes: Mapping[str, Sequence[str]], model: str) -> None:
        self.schemes = schemes
        self._model = model
        self._labels = [label for labels in schemes.values() for label in labels]
        ends = [*itertools.accumulate(map(len, schemes.values()))]
        self._blocks = list(zip(schemes, [0, *ends], ends, strict=False))
        self._decided = [f'{{"id": {_quoted(i)}, "score": %r}}' for i in self._labels]
        self._evidence = {
            i: f'{{"label": {_quoted(i)}, "start": %d, "end": %d, "quote": %s, "weight": %r}}' for i in self._labels
        }
        # Digits of a whole number are written in a third of the time; a score of one has none behind the point.
        self._scores, self._certain = self._form(f"0.%0{DIGITS}d"), self._form("%r")
        self._complaints = Complaints()
        self._called = f"{{{', '.join(f'{_quoted(s)}: [%s]' for s in schemes)}}}"

    def _form(self, score: str) -> str:
        """Return the JSON of all scores, each a place of this kind."""
        of = (
            f"{_quoted(s)}: {{{', '.join(f'{_quoted(i)}: {score}' for i in some)}}}" for s, some in self.schemes.items()
        )
        return f"{{{', '.join(of)}}}"

    def entries(self, documents: Sequence[Document], said: Said) -> list[Entry]:
        """Return the entry of each document."""
        texts = [d.text for d in documents]
        parts = np.rint(said.probability[:, :-1] * UNIT).astype(np.int64)
        rounded, certain = parts / UNIT, (parts == UNIT).any(1)
        doubt = uncertainty_of(np.c_[rounded, said.probability[:, -1]], said.unsure)
        signed = signatures(texts)
        complains = self._complaints.of(texts)
        columns = (
            said.probability, parts, rounded, certain, said.decided, said.is_problem, said.unsure, doubt, complains,
        )  # fmt: skip
        rows = enumerate(zip(documents, *(c.tolist() for c in columns), strict=True))
        return [
            Entry(
                d.id, self._model, is_problem, scores[-1], unsure, *self._call(scores, written, decided),
                self._certain % tuple(written) if one else self._scores % tuple(digits),
                self._show(said.evidence.get(row, ())), doubtful, again, unanswered, signed[row].tobytes(),
            )
            for row, (d, scores, digits, written, one, decided, is_problem, unsure, doubtful, (again, unanswered))
            in rows
        ]  # fmt: skip

    def _call(
        self, scores: Sequence[float], written: Sequence[float], decided: Sequence[bool]
    ) -> tuple[tuple[str, ...], str]:
        """Return the decided labels, by scheme and the highest score first, and their JSON."""
        of = [
            sorted(itertools.compress(range(a, b), decided[a:b]), key=scores.__getitem__, reverse=True)
            for _, a, b in self._blocks
        ]
        labels = tuple([self._labels[j] for some in of for j in some])
        return labels, self._called % tuple([", ".join([self._decided[j] % written[j] for j in some]) for some in of])

    def _show(self, evidence: Sequence[Evidence]) -> str:
        shown = [
            self._evidence[e.label] % (e.start, e.end, encode_basestring(e.quote), round(e.weight, DIGITS))
            for e in evidence
        ]
        return f"[{', '.join(shown)}]"


def _quoted(name: str) -> str:
    """Return a name as JSON in a form."""
    return encode_basestring(name).replace("%", "%%")
