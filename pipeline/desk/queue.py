"""The queue: what is looked for, in which order, and who holds what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils import timezone

from pipeline.desk import audit
from pipeline.desk.among import among
from pipeline.desk.locks import lock
from pipeline.desk.models import Document
from pipeline.desk.roles import Permission, Role, allows
from pipeline.desk.search import Sought, behind, out_of_sight, seek, walk
from pipeline.desk.states import STATES, Kind, State
from pipeline.desk.tables import Case, CaseLabel, Decision, Signature, User
from pipeline.desk.talk import answers_to, asked_of

__all__ = [
    "MOST_TWINS", "ORDERS", "WAITING", "Filters", "Slice", "claim_next", "find", "first", "free", "give", "given_to",
    "held_by", "hold", "let_go", "page_of", "put_back", "release", "repeats", "reviewers", "twins", "with_it",
]  # fmt: skip

PAGE = 30
#: So many with the same text or nearly the same are shown, and decided together.
MOST_TWINS = 200
#: What a row of the queue shows: thirty cases with all their columns take as long to read as to find.
_SHOWN = (
    "state", "reasons", "priority", "blind", "purged", "held_until",
    *(f"document__{name}" for name in ("key", "title", "text", "unit", "district", "channel", "received", "purged")),
    "prediction__evidence",
    *(f"{whose}__{name}" for whose in ("holder", "assignee") for name in ("name", "username")),
)  # fmt: skip
#: States in which a text is still to be judged; once purged it cannot be, and is found among all only.
WAITING = (State.OPEN, State.SECOND, State.DISPUTED)
ORDERS = {"priority": "-priority", "uncertainty": "-uncertainty", "against": "-against", "newest": "-document_id"}
#: Whom a case is given to that nobody is to have.
_NOBODY = "（不指定）"
#: Another text came in, which the queue takes in when the night ends: until then decisions would be of the old one.
_RENEWED = Exists(Document.objects.filter(pk=OuterRef("pk")).exclude(text_hash=OuterRef("text_hash")))
#: The text as it is was compared: one that has just changed stays for minutes in the group of its old one.
_GROUPED = Exists(Signature.objects.filter(case=OuterRef("pk"), text_hash=OuterRef("text_hash")))
#: A standing decision on the text as it is that is not what the model said.
_CHANGED = Decision.objects.filter(
    document=OuterRef("document"),
    text_hash=OuterRef("text_hash"),
    kind__in=(Kind.CORRECT, Kind.REJECT),
    undone_by=None,
)


@dataclass(frozen=True, slots=True)
class Filters:
    """What a reader asked for. Everything is free text from outside and only ever bound as a parameter."""

    state: str = State.OPEN.value
    label: str = ""
    unit: str = ""
    district: str = ""
    channel: str = ""
    whose: str = ""
    q: str = ""
    order: str = "priority"
    since: str = ""
    until: str = ""
    said: str = ""

    @classmethod
    def of(cls, query: Mapping[str, Any]) -> Filters:
        """Read a query string; what makes no sense falls back to the default."""
        given = {f.name: str(query.get(f.name, f.default)).replace("\0", "")[:200].strip() for f in fields(cls)}
        if given["state"] not in (*STATES, "all"):
            given["state"] = State.OPEN.value
        if given["order"] not in ORDERS:
            given["order"] = "priority"
        return cls(**given)

    def query(self, **change: str) -> str:
        """Return the query string of these filters, without what is at its default."""
        now = {f.name: change.get(f.name, getattr(self, f.name)) for f in fields(self)}
        kept = {f.name: now[f.name] for f in fields(self) if now[f.name] != f.default}
        return urlencode(kept)


@dataclass(frozen=True, slots=True)
class Slice:
    """One screen of the queue; ``after`` asks for the next, empty at the end."""

    cases: list[Case]
    after: str


def find(filters: Filters, user: User) -> QuerySet:
    """Return the cases that fit but for the words, unordered."""
    rows = Case.objects.all()
    if filters.state != "all":
        rows = rows.filter(state=filters.state)
    if filters.state in WAITING:
        rows = rows.filter(purged=False)
    if filters.order == "against":
        rows = rows.filter(against__gt=0)
    if filters.label:
        rows = rows.filter(labels__label=filters.label)
    for name in ("unit", "district", "channel"):
        if value := getattr(filters, name):
            rows = rows.filter(**{f"document__{name}": value})
    if filters.since:
        rows = rows.filter(document__received__gte=filters.since)
    if filters.until:
        rows = rows.filter(Q(document__received__lte=filters.until) | Q(document__received__startswith=filters.until))
    if filters.whose == "mine":
        rows = rows.filter(Q(assignee=user) | Q(holder=user, held_until__gt=timezone.now()))
    elif filters.whose == "asked":
        rows = rows.filter(asked_of(user))
    elif filters.whose == "answered":
        rows = rows.filter(document__in=answers_to(user).values("document"))
    elif filters.whose == "free":
        rows = rows.filter(assignee=None).filter(free())
    elif filters.whose.isdecimal() and len(filters.whose) < 10:
        rows = rows.filter(assignee_id=int(filters.whose))
    if filters.said == "changed":
        # What a first reader said may not show, not even so, while a second one still has to read.
        # Nor may it show what the model said while a document is judged blind.
        rows = rows.exclude(state=State.SECOND).exclude(Q(blind=True) & ~Q(state=State.DONE)).filter(Exists(_CHANGED))
    return rows


def page_of(filters: Filters, user: User, after: str = "", size: int = PAGE) -> Slice:
    """Return the cases after the one that ``after`` names, in the order asked for."""
    column = ORDERS[filters.order].lstrip("-")
    found = list(
        Case.objects.filter(pk__in=first(filters, user, size + 1, after))
        .order_by(ORDERS[filters.order], "document_id")
        .select_related("document", "prediction", "holder", "assignee")
        .only(*_SHOWN, column)
        .prefetch_related(Prefetch("labels", CaseLabel.objects.only("case_id", "label", "by_people")))
    )
    more = len(found) > size
    end = found[size - 1] if more else None
    return Slice(found[:size], f"{getattr(end, column)}.{end.document_id}" if end else "")


def first(filters: Filters, user: User, count: int, after: str = "") -> list[int]:
    """Return the first ``count`` cases after the one that ``after`` names, in the order asked for."""
    column = ORDERS[filters.order].lstrip("-")
    sought, rows = _searched(filters, user)
    rows = rows.order_by(ORDERS[filters.order], "document_id")
    head, _, last = after.partition(".")
    if _number(head) and last.isdecimal() and len(last) < 19:
        rows = behind(rows, column, int(head), int(last))
    # The indexes go state by state: the next of each, of these the first.
    parts = [rows.filter(state=s) for s in STATES] if filters.state == "all" else [rows]
    return [pk for _, pk in sorted(row for part in parts for row in _places(part, column, sought, count))[:count]]


def _searched(filters: Filters, user: User) -> tuple[Sought | None, QuerySet]:
    """Return the cases that fit but for the words, and these: they are looked for in the order of a list."""
    words = filters.q.split()
    return seek(words, reveal=user.may(Permission.REVEAL)) if words else None, find(filters, user)


def _found(rows: QuerySet, column: str, sought: Sought, count: int) -> list[int]:
    """Return the first cases that hold the words; those that show it only to whom nothing is starred out, on record."""
    found = walk(rows, column, sought, count)
    if beyond := out_of_sight(found, sought):
        audit.record("search.reveal", cases=beyond)
    return found


def _places(rows: QuerySet, column: str, sought: Sought | None, count: int) -> list[tuple[int, int]]:
    """Return the first cases of ordered ``rows`` as (place in the order, number), smallest first."""
    if sought:
        rows = rows.filter(pk__in=_found(rows, column, sought, count))
    return [(-place, pk) for place, pk in rows.values_list(column, "pk")[:count]]


def claim_next(user: User, filters: Filters, count: int = 10) -> list[int]:
    """Let ``user`` hold the next ``count`` cases that wait for a person; return their ids, first first.

    Rows that another transaction is just taking are passed over, so two people never get the same one.
    """
    with transaction.atomic():
        kept = held_by(user)
        if len(kept) >= count:
            return kept
        # Second readings come with the others, by the same order: left to a list of their own nobody makes them.
        wanted = [filters, replace(filters, state=State.SECOND.value)] if filters.state == State.OPEN else [filters]
        found = [row for f in wanted for row in _next(f, user, count - len(kept))]
        ids = [pk for _, pk in sorted(found)[: count - len(kept)]]
        Case.objects.filter(pk__in=ids).update(holder=user, held_until=_until())
        if ids:
            audit.record("case.claim", f"{len(ids)} 件", cases=ids)
        return kept + ids


def _next(filters: Filters, user: User, count: int) -> list[tuple[int, int]]:
    """Lock the next free cases and return (place in the order, number)."""
    sought, rows = _searched(filters, user)
    rows = rows.filter(state__in=(State.OPEN, State.SECOND)).filter(free())
    rows = rows.filter(~_RENEWED, purged=False)
    rows = rows.filter(Q(assignee=None) | Q(assignee=user)).filter(Q(state=State.OPEN) | ~_decided(user))
    rows = rows.order_by(ORDERS[filters.order], "document_id")
    column = ORDERS[filters.order].lstrip("-")
    if sought:
        rows = rows.filter(pk__in=_found(rows, column, sought, count))
    return _places(_locked(rows), column, None, count)


def hold(user: User, case: Case) -> bool:
    """Let ``user`` hold one case if nobody else does; return whether he or she holds it now."""
    until = _until()
    taken: int = Case.objects.filter(_open_to(user), pk=case.pk).update(holder=user, held_until=until)
    if taken:
        case.holder, case.held_until = user, until
    return bool(taken)


def put_back(user: User, number: int, *, until: dt.datetime | None = None) -> None:
    """Let go of one case, if ``user`` is who holds it, and does so ``until`` just then."""
    held = Case.objects.filter(pk=number, holder=user)
    (held.filter(held_until=until) if until else held).update(holder=None, held_until=None)


def held_by(user: User) -> list[int]:
    """Return the ids of the open cases ``user`` holds, by priority."""
    rows = Case.objects.filter(holder=user, held_until__gt=timezone.now())
    rows = rows.filter(state__in=(State.OPEN, State.SECOND), purged=False)
    rows = rows.order_by("-priority", "document_id")
    return list(rows.values_list("pk", flat=True))


def release(user: User) -> int:
    """Give back what ``user`` holds; return how many."""
    with transaction.atomic():
        given = lock(Case.objects.filter(holder=user))
        Case.objects.filter(among(given)).update(holder=None, held_until=None)
        if given:
            audit.record("case.release", f"{len(given)} 件")
    return len(given)


def give(ids: Sequence[int], person: User | None) -> tuple[int, int]:
    """Give cases to ``person``, or to nobody; whoever held them holds them no longer. Return how many were given, and
    how many left as they are because the same person would read them twice.
    """
    with transaction.atomic():
        chosen = lock(Case.objects.filter(pk__in=ids).exclude(state=State.DONE))
        twice = Case.objects.filter(pk__in=chosen, state=State.SECOND)
        left = set(twice.filter(_decided(person)).values_list("pk", flat=True)) if person else set()
        given = [pk for pk in chosen if pk not in left]
        Case.objects.filter(pk__in=given).update(assignee=person, holder=None, held_until=None)
        if given:
            audit.record("case.assign", person.username if person else _NOBODY, cases=given)
    return len(given), len(left)


def let_go(user: User, *, actor: str | None = None) -> int:
    """Free what is assigned to or held by somebody who may no longer decide: nobody else would get it.

    Return how many.
    """
    with transaction.atomic():
        freed = lock(Case.objects.filter(Q(holder=user) | Q(assignee=user)))
        theirs = Case.objects.filter(among(freed))
        theirs.filter(holder=user).update(holder=None, held_until=None)
        ids = list(theirs.filter(assignee=user).order_by("pk").values_list("pk", flat=True))
        theirs.filter(assignee=user).update(assignee=None)
        if ids:
            audit.record("case.assign", _NOBODY, actor=actor, cases=ids, of=user.username)
    return len(freed)


def free() -> Q:
    """Return the condition that nobody holds a case now."""
    return Q(holder=None) | Q(held_until__lte=timezone.now())


def _open_to(user: User) -> Q:
    """The condition that a case is in nobody else's hands."""
    return (free() | Q(holder=user)) & (Q(assignee=None) | Q(assignee=user))


def given_to(user: User) -> QuerySet:
    """Return the cases that wait for ``user`` alone, as somebody gave them: nobody else gets them."""
    return Case.objects.filter(assignee=user, state__in=WAITING, purged=False)


def reviewers() -> QuerySet:
    """Return the accounts that may decide."""
    roles = [r.value for r in Role if allows(r, Permission.REVIEW)]
    return User.objects.filter(role__in=roles, is_active=True)


def twins(case: Case) -> QuerySet:
    """Return the other cases that wait with the same text or nearly the same; what is to be judged blind is not."""
    rows = Case.objects.filter(repeats(case), ~_RENEWED, state=State.OPEN, purged=False, blind=False)
    return rows.exclude(pk=case.pk)


def with_it(case: Case, user: User) -> QuerySet:
    """Return those that ``user`` decides together with a case, ordered: none unless it waits for a first reading."""
    if case.state != State.OPEN or case.blind:
        return Case.objects.none()
    return twins(case).filter(_open_to(user)).order_by("pk")


def repeats(case: Case) -> Q:
    """Return the condition of having the same text as ``case`` or nearly the same."""
    same = Q(pk__in=Document.objects.filter(text_hash=case.text_hash).values("pk"))
    if case.group is None or not Case.objects.filter(_GROUPED, pk=case.pk).exists():
        return same
    return same | (Q(group=case.group) & Q(_GROUPED))


def _decided(user: User) -> Exists:
    """Whether a decision of this person's on the text as it is stands; somebody else is the second pair of eyes."""
    made = Decision.objects.standing().filter(by=user, document=OuterRef("pk"), text_hash=OuterRef("text_hash"))
    return Exists(made)


def _locked(rows: QuerySet) -> QuerySet:
    if connection.features.has_select_for_update_skip_locked:
        return rows.select_for_update(skip_locked=True, of=("self",))
    return rows


def _until() -> dt.datetime:
    return timezone.now() + dt.timedelta(minutes=settings.ZUOFENG_DESK.claim_minutes)


def _number(text: str) -> bool:
    return text.removeprefix("-").isdecimal() and len(text) < 12
