"""Questions to colleagues beside a document, each until it is answered, and the answers, each until it is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from django.db.models import Exists, OuterRef, Q, QuerySet, Value

from pipeline.desk.states import State
from pipeline.desk.tables import Decision, Note, NoteRead, User

__all__ = ["answers_to", "asked_of", "asks", "read", "told"]

#: Remarks of who judged a document are kept from the second reader, who would be sent to a page without them.
_KEPT = Exists(
    Decision.objects.filter(document=OuterRef("document"), by=OuterRef("by"), document__case__state=State.SECOND)
)


def asked_of(user: User) -> Q:
    """Return the condition that somebody asked ``user`` about the document, who has written nothing there since."""
    return Q(document__in=_questions_to(user).values("document"))


def _questions_to(user: User) -> QuerySet:
    answered = Note.objects.filter(document=OuterRef("document"), by=user, pk__gt=OuterRef("pk"))
    return Note.objects.filter(~Exists(answered), ~_KEPT, to=user)


def answers_to(user: User) -> QuerySet:
    """Return what others wrote where ``user`` had asked somebody, and he or she has not read."""
    asked = Note.objects.filter(by=user, to__isnull=False)
    since = Exists(asked.filter(document=OuterRef("document"), pk__lt=OuterRef("pk")))
    unread = ~Exists(NoteRead.objects.filter(by=user, note=OuterRef("pk")))
    # A question in return waits for an answer among those asked of him or her.
    rows = Note.objects.filter(since, unread, ~_KEPT, document__in=asked.values("document"))
    return rows.exclude(by=user).exclude(to=user)


def asks(user: User, notes: Sequence[Note]) -> list[Note]:
    """Return those of the ``notes`` under a document, oldest first, that ask ``user`` and wait for an answer."""
    last = max((n.pk for n in notes if n.by_id == user.pk), default=0)
    return [n for n in notes if n.to_id == user.pk and n.pk > last]


def told(user: User) -> dict[str, int]:
    """Return on how many documents ``user`` is asked, and on how many answered: one query, as every page shows it."""
    notes = {"asked": _questions_to(user), "answered": answers_to(user)}
    first, second = (of.order_by().values_list(Value(what), "document") for what, of in notes.items())
    found = Counter(what for what, _ in first.union(second))
    return {what: found[what] for what in notes}


def read(user: User, notes: Iterable[Note]) -> frozenset[int]:
    """Take those of ``notes`` that answer ``user`` for read; return the numbers of those that were new."""
    shown = [n.pk for n in notes]
    new = list(answers_to(user).filter(pk__in=shown).values_list("pk", flat=True)) if shown else []
    # The same page in two windows at once.
    NoteRead.objects.bulk_create([NoteRead(note_id=pk, by=user) for pk in new], ignore_conflicts=True)
    return frozenset(new)
