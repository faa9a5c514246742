"""One chunk's rows in every table, for one transaction; writing it again does no harm."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from pipeline.batch.entry import Entry
from pipeline.batch.store import META, ids_of, meta_of, without_quotes
from pipeline.desk import models, search
from pipeline.desk.cases import Scored, take_in_new
from pipeline.desk.groups import sign
from pipeline.desk.postings import Postings
from pipeline.desk.upsert import insert, reserve, upsert
from pipeline.documents import Document

__all__ = ["Gathered", "gather", "write_chunk"]


_TITLE, _RECEIVED = META.index("title"), META.index("received")
_SAID = ("text_hash", "is_problem", "problem_score", "review", "decided", "scores", "evidence", "run")


class Gathered(NamedTuple):
    """Documents, their stored fields, and what the search will keep of them."""

    documents: Sequence[Document] = ()
    meta: Sequence[tuple[str, ...]] = ()
    postings: Sequence[Postings] = ()


NOTHING = Gathered()


def gather(documents: Sequence[Document]) -> Gathered:
    """Take words from documents that are new, as far as one knows; nothing is asked of the store."""
    meta = [meta_of(d) for d in documents]
    return Gathered(
        documents, meta, search.gather([(d.id, of[_TITLE], d.text) for d, of in zip(documents, meta, strict=True)])
    )


def write_chunk(
    run: models.Run,
    documents: Sequence[Document],
    scored: Sequence[tuple[Document, Entry]],
    about: Mapping[str, str],
    *,
    moved: Sequence[Document] = (),
    purged: Collection[str] = (),
    gathered: Gathered = NOTHING,
    unknown: Collection[str] = (),
) -> None:
    """Write texts that are new or have changed, other fields of those that ``moved``, and scores.

    For the caller's transaction. What is said of ``purged`` documents quotes nothing of their text. A new document
    gets its place in the queue, its signature and its words in the desk's search at once, as ``gathered`` if those are
    the new ones; the others follow when the queue is brought up. ``unknown`` documents are not looked up: the store has
    just said that it has none of them.
    """
    ids = ids_of([d.id for d in (*documents, *moved, *(d for d, _ in scored)) if d.id not in unknown])
    new: dict[str, Document] = {}
    for d in documents:
        if d.id not in ids:
            new.setdefault(d.id, d)  # a table without a key may bring a number twice: then it has changed
    ids |= zip(new, reserve(models.Document, len(new)), strict=True)
    as_gathered = list(new.values()) == gathered.documents
    meta = dict(zip(new, gathered.meta if as_gathered else map(meta_of, new.values()), strict=True))
    _write_documents(run, ids, new, meta, documents, moved)
    first = {d.id: (d, e) for d, e in scored if new.get(d.id) is d}
    numbers = dict(zip(first, reserve(models.Prediction, len(first)), strict=True))
    rest = [(d, e) for d, e in scored if new.get(d.id) is not d]
    names = ["document", "model", *_SAID, *about]

    def said(d: Document, e: Entry) -> tuple[Any, ...]:
        evidence = e.evidence if d.id not in purged else json.dumps(without_quotes(json.loads(e.evidence)))
        return (
            ids[d.id], e.model, d.text_hash, e.is_problem, e.problem_score, e.review, e.decided, e.scores, evidence,
            run.pk, *about.values(),
        )  # fmt: skip

    rows = [(numbers[key], *said(d, e)) for key, (d, e) in first.items()]
    insert(models.Prediction, ["id", *names], rows, encoded=True)
    upsert(
        models.Prediction, names, [said(d, e) for d, e in rest], unique=["document", "model"],
        update=[*_SAID, *about], encoded=True,
    )  # fmt: skip
    take_in_new([
        Scored(
            numbers[key], ids[key], e.model, d.text_hash, e.is_problem, e.problem_score, e.review, e.labels,
            e.uncertainty, run.pk, run.serial, run.started, meta[key][_RECEIVED], e.again, e.unanswered,
        )
        for key, (d, e) in first.items()
    ])  # fmt: skip
    sign([(ids[key], d.text_hash, e.signature) for key, (d, e) in first.items()])
    search.put(
        [(ids[key], d.text_hash, key, meta[key][_TITLE], d.text) for key, (d, _) in first.items()],
        gathered.postings if as_gathered and len(first) == len(new) else None,
        new=True,
    )


def _write_documents(
    run: models.Run,
    ids: Mapping[str, int],
    new: Mapping[str, Document],
    meta: Mapping[str, tuple[str, ...]],
    documents: Sequence[Document],
    moved: Sequence[Document],
) -> None:
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    names = ["key", "text", "text_hash", "place", "run", "purged", "stored", *META]

    def row(d: Document, of: tuple[str, ...]) -> tuple[Any, ...]:
        return d.id, d.text, d.text_hash, d.place, run.pk, False, now, *of

    insert(models.Document, ["id", *names], [(ids[key], *row(d, meta[key])) for key, d in new.items()])
    changed = [d for d in documents if new.get(d.id) is not d]
    # Other fields leave a text as old as it was: of the run that brought it.
    for written, fields in ((changed, ["text", "text_hash", "run", "purged", "stored"]), (moved, [])):
        update = ["place", *META, *fields]
        upsert(models.Document, names, [row(d, meta_of(d)) for d in written], unique=["key"], update=update)
    # Another title: found under it once the search is brought up again.
    search.forget([ids[d.id] for d in moved])
