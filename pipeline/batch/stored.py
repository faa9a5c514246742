"""Reading back what the nights stored: documents with their fields, day and what a model decided of them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.documents import Document

__all__ = ["Stored", "day_of", "stored_documents"]

#: Parted twice, or not at all and then with every digit: else 2026-11-20 is the first of the first month, too.
_DAY = re.compile(r"(20\d\d)(?:\D(\d{1,2})\D(\d{1,2})|(\d\d)(\d\d))(?!\d)")


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored document: the day it was received, or else of the run that brought it; ``decided`` labels.

    ``decided`` is None where the model asked for has not scored the text as it stands.
    """

    document: Document
    day: dt.date
    decided: tuple[str, ...] | None
    problem_score: float


def stored_documents(store: str, model: str) -> Iterator[Stored]:
    """Yield every stored document that still has its text, in the order it came, with what ``model`` decided."""
    from pipeline.desk.configure import open_store

    open_store(store, there=True)
    from django.utils import timezone

    from pipeline.batch.store import document_of
    from pipeline.desk.models import Document as Row
    from pipeline.desk.models import Prediction

    rows = Row.objects.filter(purged=False).order_by("id").select_related("run")
    said = {
        p.document_id: p
        for p in Prediction.objects.filter(model=model).only("document_id", "text_hash", "decided", "problem_score")
    }
    for row in rows.iterator(chunk_size=2000):
        of = said.get(row.pk)
        if of is not None and of.text_hash != row.text_hash:
            of = None
        decided = None if of is None else tuple(d["id"] for pairs in of.decided.values() for d in pairs)
        yield Stored(
            document_of(row),
            day_of(row.received) or timezone.localdate(row.run.started),
            decided,
            0.0 if of is None else of.problem_score,
        )


def day_of(text: str) -> dt.date | None:
    """Return the first date in a free-form ``text``, None where there is none."""
    for found in _DAY.findall(text):
        try:
            return dt.date(*map(int, filter(None, found)))
        except ValueError:
            continue
    return None
