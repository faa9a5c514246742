"""Reading what is stored: predictions, decisions and documents, masked, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import F, QuerySet

from pipeline.batch.ledger import OPEN
from pipeline.desk.models import Document, Prediction, Run
from pipeline.desk.reading import masked
from pipeline.desk.states import Kind, State
from pipeline.desk.tables import Case, Decision

__all__ = ["decisions", "document", "predictions", "runs"]


def runs(after: int, size: int) -> dict[str, Any]:
    """Return a page of nights and re-scorings that nobody goes on with, oldest first.

    What one that broke off had scored is not scored again: it stands under that run alone.
    """
    rows = Run.objects.filter(serial__gt=after).exclude(state__in=OPEN).exclude(kind="purge").order_by("serial")
    shown = rows.values("kind", "model", "state", "started", "finished", number=F("serial"), run=F("id"))
    return _page(shown, size, list)


def predictions(after: int, size: int, run: str, model: str) -> dict[str, Any]:
    """Return a page of predictions in the order of their numbers, of one run or one model where that is given."""
    rows: QuerySet = Prediction.objects.filter(pk__gt=after).select_related("document").order_by("pk")
    if run:
        rows = rows.filter(run_id=run)
    if model:
        rows = rows.filter(model=model)
    return _page(rows, size, _predicted)


def decisions(after: int, size: int) -> dict[str, Any]:
    """Return a page of decisions in the order they were made, those that were taken back and what took them back."""
    rows = Decision.objects.filter(pk__gt=after).select_related("document").order_by("pk")
    return _page(rows, size, _decided)


def document(key: str) -> dict[str, Any] | None:
    """Return a document with all that was said of it, None when there is none."""
    found = Document.objects.filter(key=key).first()
    if found is None:
        return None
    said = Prediction.objects.filter(document=found).select_related("document").order_by("pk")
    made = Decision.objects.filter(document=found).select_related("document").order_by("pk")
    fields = ("received", "unit", "channel", "district", "purged")
    return {
        "id": found.key,
        "title": masked(found.title),
        "text": masked(found.text),
        **{f: getattr(found, f) for f in fields},
        "state": Case.objects.filter(pk=found.pk).values_list("state", flat=True).first(),
        "predictions": _predicted(list(said)),
        "decisions": _decided(list(made)),
    }


def _page(rows: QuerySet, size: int, tell: Callable[[list[Any]], list[dict[str, Any]]]) -> dict[str, Any]:
    found = list(rows[: size + 1])
    items = tell(found[:size])
    return {"items": items, "next": items[-1]["number"] if len(found) > size else None}


def _predicted(said: Sequence[Prediction]) -> list[dict[str, Any]]:
    cases = {c.pk: c for c in Case.objects.filter(pk__in={p.document_id for p in said}, blind=True)}
    return [_opinion(p, withheld=p.document_id in cases and cases[p.document_id].unseen) for p in said]


def _opinion(p: Prediction, *, withheld: bool) -> dict[str, Any]:
    current = p.text_hash == p.document.text_hash
    # Quotes are cut from the masked text; what another text said cannot be masked in its context and is left out.
    text = masked(p.document.text) if current else ""
    said = ("is_problem", "problem_score", "decided", "scores", "review")
    return {
        "number": p.pk,
        "id": p.document.key,
        "current": current,
        "run": p.run_id,
        "withheld": withheld,
        **{n: getattr(p, n) for n in ("text_hash", "model", "taxonomy")},
        **{n: None if withheld else getattr(p, n) for n in said},
        "evidence": None if withheld else [{**e, "quote": text[e["start"] : e["end"]]} for e in p.evidence],
    }


def _decided(made: Sequence[Decision]) -> list[dict[str, Any]]:
    cases = {c.pk: c for c in Case.objects.filter(pk__in={d.document_id for d in made})}
    return [_one(d, cases[d.document_id]) for d in made]


def _one(d: Decision, case: Case) -> dict[str, Any]:
    withheld = case.state == State.SECOND and not case.purged
    undo = d.kind == Kind.UNDO
    return {
        "number": d.pk,
        "id": d.document.key,
        "at": d.at,
        "turn": d.turn,
        "withheld": withheld,
        "kind": None if withheld or (case.unseen and d.telling) else d.kind,
        "labels": None if withheld or undo else d.labels,
        "note": None if withheld else masked(d.note),
        "undoes": d.undoes_id,
        "state": case.state,
        "current": d.text_hash == case.text_hash,
        "model": d.model,
    }
