"""Challengers beside a night: scored with the same texts, written with the same chunk, never in the night's way."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from pipeline.batch.store import ids_of
from pipeline.batch.worker import BrokenScoringError, Scoring
from pipeline.desk.models import Run
from pipeline.desk.shadows import running
from pipeline.desk.tables import Shadow, ShadowScore
from pipeline.documents import Document, Prediction
from pipeline.errors import ZuofengError
from pipeline.model.bundle import Bundle

__all__ = ["Beside", "OpenModel", "Opinions", "write_said"]

log = logging.getLogger("zuofeng.shadow")

#: Given a model's id: something that scores with it. Raises ZuofengError when it cannot.
OpenModel = Callable[[str], Scoring]
#: What challengers said of one chunk: the trial, the text, the prediction.
Opinions = list[tuple[Shadow, Document, Prediction]]


@dataclass
class Beside:
    """The challengers of one night. One that cannot score is left out with a line in the log."""

    _crew: dict[int, tuple[Shadow, Scoring]] = field(default_factory=dict)

    @classmethod
    def of(cls, live: Bundle, open_model: OpenModel) -> Self:
        """Open every challenger whose trial is on, except the model that is live itself."""
        found = cls()
        for shadow in running():
            if shadow.model == live.id:
                continue
            try:
                found._crew[shadow.pk] = shadow, open_model(shadow.model)
            except ZuofengError as e:
                log.warning("影子模型没有参加", extra={"fields": {"model": shadow.model, "code": e.code}})
        return found

    @property
    def plan(self) -> dict[str, Any]:
        """What belongs into the run's plan: a run is only continued with the same challengers."""
        return {"shadow": sorted(s.pk for s, _ in self._crew.values())} if self._crew else {}

    @property
    def shadows(self) -> list[Shadow]:
        """The trials that take part."""
        return [s for s, _ in self._crew.values()]

    def score(self, documents: Sequence[Document]) -> Opinions:
        """Score what the live model has scored; a challenger that breaks is out for the rest of the night."""
        said: Opinions = []
        for pk, (shadow, scoring) in list(self._crew.items()):
            try:
                results = scoring.score(documents) if documents else []
            except (BrokenScoringError, ZuofengError) as e:
                log.warning("影子模型打不了分", extra={"fields": {"model": shadow.model, "error": str(e)[:200]}})
                del self._crew[pk]
                continue
            pairs = zip(documents, results, strict=True)
            said += [(shadow, d, p) for d, p in pairs if isinstance(p, Prediction)]
        return said


def write_said(run: Run, live: str, said: Opinions) -> None:
    """Write what challengers said, inside the transaction of the chunk; writing it again changes nothing."""
    if not said:
        return
    ids: Mapping[str, int] = ids_of([d.id for _, d, _ in said])
    rows = []
    for shadow, d, p in said:
        as_dict = p.to_dict()
        rows.append(
            ShadowScore(
                shadow=shadow, document_id=ids[d.id], beside=live, text_hash=d.text_hash, run=run,
                is_problem=p.is_problem, problem_score=p.problem_score, review=p.review,
                decided={s: as_dict[s] for s in p.decided}, scores=as_dict["scores"],
            )
        )  # fmt: skip
    ShadowScore.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["shadow", "document"],
        update_fields=[
            "beside", "text_hash", "is_problem", "problem_score", "review", "decided", "scores", "run",
        ],
    )  # fmt: skip
