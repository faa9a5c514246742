"""The queue page and what is done from it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from pipeline.desk.export import MOST_ROWS
from pipeline.desk.facets import facets
from pipeline.desk.opened import leave
from pipeline.desk.priority import waiting
from pipeline.desk.queue import (
    ORDERS,
    Filters,
    Slice,
    claim_next,
    find,
    give,
    given_to,
    held_by,
    page_of,
    release,
    reviewers,
)
from pipeline.desk.reading import masked
from pipeline.desk.roles import Permission
from pipeline.desk.schemes import label_names, taxonomy
from pipeline.desk.states import STATES
from pipeline.desk.tables import Case, SavedView, User

__all__ = [
    "as_left", "assign", "drop_view", "give_back", "index", "keep_view", "reviewer_chosen", "sent_filters", "take",
]  # fmt: skip

#: Counting stops here: "more than a thousand" is all anybody needs.
MOST_COUNTED = 1000
SNIPPET = 96
PURGED = "（原文已按保留期清除）"


def index(request: HttpRequest) -> HttpResponse:
    """List what waits, in an order that says why."""
    filters, reviews = Filters.of(request.GET), request.user.may(Permission.REVIEW)
    if request.session.get("queue", "") != (query := filters.query()):
        request.session["queue"] = query
    part = page_of(filters, request.user, request.GET.get("after", ""))
    context: dict[str, Any] = {
        "filters": filters,
        "rows": [_row(c) for c in part.cases],
        "more": f"{filters.query()}&{urlencode({'after': part.after})}" if part.after else "",
        "counted": _counted(filters, request, part),
        "states": [(s.value, name, filters.query(state=s.value)) for s, name in STATES.items()],
        "orders": (
            ("priority", "先急后缓"),
            ("uncertainty", "先看拿不准"),
            ("against", "规则另有说法"),
            ("newest", "先看新到"),
        ),
        "schemes": taxonomy().schemes,
        "facets": facets(),
        "people": reviewers() if request.user.may(Permission.ASSIGN) else [],
        "views": SavedView.objects.filter(owner=request.user),
        "mine": len(held_by(request.user)) if reviews else 0,
        "given": given_to(request.user).count() if reviews else 0,
        # As text: every number in a template goes through the ways of writing numbers of a language.
        "most": str(MOST_ROWS),
        "narrowed": filters.query(state="open", order="priority") != "",
    }
    return render(request, "desk/queue.html", context)


def as_left(request: HttpRequest, **change: str) -> str:
    """Return the address of the queue with the filters it was left with, but for what is to ``change``."""
    query = Filters.of(QueryDict(request.session.get("queue", ""))).query(**change)
    return reverse("queue") + (f"?{query}" if query else "")


def sent_filters(request: HttpRequest) -> Filters:
    """Return the filters of the list on which the form stood."""
    return Filters.of(QueryDict(request.POST.get("filters", "")[:2000]))


def take(request: HttpRequest) -> HttpResponse:
    """Hold the next ten of these filters and open the first."""
    leave(request)  # what is only looked at in another window is none of the ten
    filters = sent_filters(request)
    ids = claim_next(request.user, filters)
    if not ids:
        request.session["said"] = gettext("没有取到件：这里的件有人正在办、分给了别人，或不等人判")
        return _shown(filters)
    return redirect("document", ids[0])


def reviewer_chosen(request: HttpRequest) -> User | None:
    """Return whom a form is ``to``, none where nobody was chosen; who may not decide is not found."""
    whom = request.POST.get("to", "")
    return get_object_or_404(reviewers(), pk=int(whom)) if whom.isdecimal() and len(whom) < 10 else None


def give_back(request: HttpRequest) -> HttpResponse:
    """Let go of everything one holds."""
    release(request.user)
    return redirect(as_left(request))


def assign(request: HttpRequest) -> HttpResponse:
    """Give chosen cases to one reviewer, or free them; no one is to read a document twice."""
    ids = [int(i) for i in request.POST.getlist("case") if i.isdecimal() and len(i) < 19][:200]
    person = reviewer_chosen(request)
    given, left = give(ids, person)
    who = person.shown if person else ""
    if not ids:
        said = gettext("先勾选要分的件")
    elif person:
        said = gettext("分给 %(who)s %(n)s 件") % {"who": who, "n": given}
    else:
        said = gettext("收回了 %(n)s 件") % {"n": given}
    if person and left:
        said += gettext("。%(n)s 件没有分：%(who)s 已判过，要由另一个人再看") % {"n": left, "who": who}
    request.session["said"] = said
    return _shown(sent_filters(request))


def keep_view(request: HttpRequest) -> HttpResponse:
    """Remember the filters under a name."""
    name = request.POST.get("name", "").strip()[:30]
    filters = sent_filters(request)
    if name:
        SavedView.objects.update_or_create(owner=request.user, name=name, defaults={"query": filters.query()})
    return _shown(filters)


def drop_view(request: HttpRequest, number: int) -> HttpResponse:
    """Forget one of one's own views; somebody else's is not found."""
    get_object_or_404(SavedView, pk=number, owner=request.user).delete()
    return redirect("queue")


def _shown(filters: Filters) -> HttpResponse:
    return redirect(f"{reverse('queue')}?{filters.query()}")


def _counted(filters: Filters, request: HttpRequest, part: Slice) -> str:
    """How many there are; of what was narrowed down only whether there are more, which costs nothing to know."""
    if not part.after or filters != Filters(state=filters.state, order=filters.order):
        before = "" if not request.GET.get("after") else "…"
        return f"{before}{len(part.cases)}{'+' if part.after else ''}"
    # In the order of the list, which an index keeps: in no order PostgreSQL may begin with all that was done years ago.
    rows = find(filters, request.user).order_by(ORDERS[filters.order], "document_id")
    counted = rows[: MOST_COUNTED + 1].count()
    return f"{MOST_COUNTED}+" if counted > MOST_COUNTED else str(counted)


def _row(case: Case) -> dict[str, Any]:
    names, today = label_names(), timezone.localdate()
    days = waiting(case.priority, case.reasons, today)
    quotes = sorted(() if case.unseen else case.prediction.evidence, key=lambda e: -e["weight"])
    text = masked(case.document.text)
    lead = [" ".join(text[e["start"] : e["end"]].split()) for e in quotes[:6]]
    return {
        "case": case,
        "title": masked(case.document.title),
        "snippet": PURGED
        if case.document.purged
        else "　".join(dict.fromkeys(q for q in lead if q))[:SNIPPET] or " ".join(text[:SNIPPET].split()),
        "labels": [(names[x.label], x.by_people) for x in case.labels.all() if x.label in names],
        # As text: every number in a template goes through the ways of writing numbers of a language.
        "points": str(sum(p for _, p in case.reasons) + days),
        "reasons": [(what, str(p)) for what, p in (*case.reasons, *([(f"等了 {days} 天", days)] if days else []))],
        "held": case.holder if case.held_until and case.held_until > timezone.now() else None,
    }
