"""What the night asks of the store: what is known already, what was said, what comes first."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, Exists, F, OuterRef, QuerySet
from django.db.models.expressions import RawSQL

from pipeline.batch.sources.records import MAX_ID
from pipeline.desk import models
from pipeline.desk.among import among
from pipeline.desk.states import State
from pipeline.desk.tables import Case
from pipeline.documents import Document, Rejected, text_hash

__all__ = [
    "META", "Known", "document_of", "ids_of", "known", "known_hashes", "meta_of", "of_others", "stored_predictions",
    "texts_of", "top_documents", "without_quotes", "write_rejected",
]  # fmt: skip

#: Stored fields of a document besides its text.
META = ("title", "received", "unit", "channel", "district")
#: A day at the beginning, as people and exports write it: 2026/1/31, 2026年1月31日, 20260131.
_DAY = re.compile(r"\s*((?:19|20)\d\d)(?:[-/.年](\d\d?)[-/.月](\d\d?)(?!\d)日?|(\d\d)(\d\d)(?=\D|\d{6}$|$))")
#: SQLite's limit of bound variables is 32,766; lookups stay well below.
LOOKUP = 10_000


@dataclass(frozen=True, slots=True)
class Known:
    """State of a stored document: its text's hash, its other fields, and the text this model last scored."""

    text_hash: str
    meta: tuple[str, ...]
    scored_hash: str | None
    purged: bool = False


def known(keys: Sequence[str], model: str) -> dict[str, Known]:
    """Return what the store holds of ``keys`` for ``model``."""
    found: dict[str, Known] = {}
    for some in _slices(keys):
        rows = models.Document.objects.filter(among(some, "key")).values_list("pk", "key", "text_hash", "purged", *META)
        documents = list(rows)
        scored = dict(_said_of([pk for pk, *_ in documents], model).values_list("document_id", "text_hash"))
        found.update(
            (key, Known(digest, tuple(meta), scored.get(pk), bool(gone))) for pk, key, digest, gone, *meta in documents
        )
    return found


def texts_of(keys: Sequence[str]) -> dict[str, str]:
    """Return the stored texts of those of ``keys`` that have one."""
    found: dict[str, str] = {}
    for some in _slices(keys):
        found.update(models.Document.objects.filter(among(some, "key"), purged=False).values_list("key", "text"))
    return found


def known_hashes(hashes: Sequence[str], run: models.Run | None) -> set[str]:
    """Return those of the texts' ``hashes`` that the store had before ``run``."""
    found: set[str] = set()
    for some in _slices(hashes):
        rows = models.Document.objects.filter(among(some, "text_hash"))
        found.update((rows.exclude(run=run) if run else rows).values_list("text_hash", flat=True))
    return found


def of_others(keys: Sequence[str], source: str) -> dict[str, str]:
    """Return those of ``keys`` whose text as it is stored another ``source`` brought, and where it stood there."""
    found: dict[str, str] = {}
    for some in _slices(keys):
        rows = models.Document.objects.filter(among(some, "key")).exclude(run__source=source)
        found.update(rows.values_list("key", "place"))
    return found


def _said_of(documents: Sequence[int], model: str) -> QuerySet:
    # By number and not through the documents' keys: SQLite would go through all that the model ever said.
    return models.Prediction.objects.filter(among(documents, "document_id"), model=model)


def _slices(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    return (keys[at : at + LOOKUP] for at in range(0, len(keys), LOOKUP))


def meta_of(document: Document) -> tuple[str, ...]:
    """Return the stored fields of a document besides its text, cut to their columns."""
    get = document.meta.get
    return tuple([of(str(get(name, "")))[:limit] for name, limit, of in _fields()])


def _dated(time: str) -> str:
    """Return a time with its day as 2026-01-31: filters compare texts, and Excel writes 2026/1/31 into a .csv."""
    if time[4:5] == "-" == time[7:8] or (found := _DAY.match(time)) is None:
        return time
    try:
        day = dt.date(*map(int, filter(None, found.groups())))
    except ValueError:
        return time
    return f"{day} {time[found.end() :].lstrip()}".rstrip()


@functools.cache
def _fields() -> tuple[tuple[str, int | None, Callable[[str], str]], ...]:
    """Return what the stored fields are called where documents are read, what their columns take, and how."""
    names = {"received": "time"}
    limits = {f: getattr(models.Document._meta.get_field(f), "max_length", None) for f in META}
    return tuple((names.get(f, f), limits[f], _dated if f == "received" else str) for f in META)


def document_of(row: models.Document) -> Document:
    """Return a stored document as it was read, its fields cut to their columns."""
    meta = {name: getattr(row, field) for field, (name, _, _) in zip(META, _fields(), strict=True)}
    return Document(row.key, row.text, meta, place=row.place)


def ids_of(keys: Sequence[str]) -> dict[str, int]:
    """Return the row numbers of stored documents by key."""
    ids: dict[str, int] = {}
    for some in _slices(keys):
        ids.update(models.Document.objects.filter(among(some, "key")).values_list("key", "id"))
    return ids


def write_rejected(run: models.Run, rejected: Sequence[Rejected]) -> None:
    """Keep rejected records; one that was kept on an earlier night stays as it is."""
    models.RejectedRecord.objects.bulk_create(
        [
            models.RejectedRecord(
                fingerprint=text_hash("\0".join((r.place, r.code, r.id, r.raw))),
                key=_storable(r.id)[:MAX_ID],
                place=_storable(r.place),
                code=r.code,
                reason=_storable(r.reason),
                raw=_storable(r.raw),
                run=run,
            )
            for r in rejected
        ],
        ignore_conflicts=True,
    )


def stored_predictions(documents: Sequence[Document], model: str) -> dict[str, dict[str, Any]]:
    """Return stored results of ``model`` by document key, shaped like ``Prediction.to_dict``.

    Evidence of a purged document quotes what it stands on in the text that came again: the caller sees no difference.
    """
    names = ("is_problem", "problem_score", "review", "decided", "scores", "evidence", "model")
    results = {}
    texts = {d.id: d.text for d in documents}
    for some in _slices(list(texts)):
        rows = _said_of(list(ids_of(some).values()), model)
        for key, purged, *row in rows.values_list("document__key", "document__purged", *names):
            values = dict(zip(names, row, strict=True))
            if purged:
                values["evidence"] = [{**e, "quote": texts[key][e["start"] : e["end"]]} for e in values["evidence"]]
            results[key] = {"id": key, **values.pop("decided"), **values}
    return results


def top_documents(model: str, count: int) -> list[dict[str, Any]]:
    """Return the documents to look at first: problems by certainty, then by how many labels they carry.

    Of one model only, only what it said of the text as it is now, and nothing that people have decided.
    """
    judged = Case.objects.filter(document=OuterRef("document"), state=State.DONE)
    # By number first: problems are many, and their rows are wide. Mostly the surest are enough.
    problems = models.Prediction.objects.filter(model=model, is_problem=True, document__purged=False)
    problems = problems.filter(~Exists(judged), text_hash=F("document__text_hash"))
    problems = problems.order_by("-problem_score", "document_id")
    # Said as the index says it: SQLite must see that it is the same.
    sure = RawSQL(f"zuofeng_prediction.problem_score >= {models.SURE}", [], BooleanField())  # noqa: S611  # nosec B611
    ids = list(problems.filter(sure).values_list("pk", flat=True)[: count * 3])
    if len(ids) < count * 3:
        ids = list(problems.values_list("pk", flat=True)[: count * 3])
    rows = models.Prediction.objects.filter(among(ids)).select_related("document")
    first = sorted(rows, key=lambda p: (-round(p.problem_score, 2), -sum(map(len, p.decided.values())), p.document_id))
    return [
        {
            "id": p.document.key,
            "title": p.document.title,
            "text": p.document.text,
            "unit": p.document.unit,
            "problem_score": p.problem_score,
            "review": p.review,
            "evidence": p.evidence,
            **p.decided,
        }
        for p in first[:count]
    ]


def without_quotes(evidence: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return evidence with its places and weights, and nothing of the text."""
    return [{**e, "quote": ""} for e in evidence]


def _storable(text: str) -> str:
    """Databases hold neither NUL nor lone surrogates."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
