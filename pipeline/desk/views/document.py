"""The page of one document."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from pipeline.desk import audit
from pipeline.desk.decide import why_not
from pipeline.desk.opened import OPENED, opening
from pipeline.desk.opened import close as close_window
from pipeline.desk.priority import waiting
from pipeline.desk.queue import held_by, hold, reviewers
from pipeline.desk.roles import Permission
from pipeline.desk.rounds import standing
from pipeline.desk.schemes import label_names
from pipeline.desk.second_opinion import objections
from pipeline.desk.sheet import history, notes, sheet, similar
from pipeline.desk.states import State
from pipeline.desk.tables import Case, Note
from pipeline.desk.talk import asks, read
from pipeline.desk.views.queue import as_left, reviewer_chosen

__all__ = ["alike", "close", "note", "page", "paper", "reveal", "show"]

SHORTEST_REASON = 4


def show(request: HttpRequest, number: int) -> HttpResponse:
    """Show the document; opening one that waits means holding it, unless it is another's to decide, until
    one leaves it or, taken down before, for as long as the batch.
    """
    case = find_case(number)
    waits = case.state in (State.OPEN, State.SECOND)
    with transaction.atomic():
        if request.user.may(Permission.REVIEW) and waits and why_not(case, request.user) is None:
            taken = case.holder_id == request.user.pk and case.held_until > timezone.now()
            if hold(request.user, case) and not taken:
                request.session[OPENED] = number
        audit.record("document.see", case.document.key)
    return page(request, case)


def page(
    request: HttpRequest,
    case: Case,
    *,
    status: int = 200,
    reveal: bool = False,
    typed: QueryDict | None = None,
    **more: Any,
) -> HttpResponse:
    """Render the page of ``case`` for this reader; ``typed`` is a form of it that was not saved."""
    reviews = request.user.may(Permission.REVIEW)
    bar = why_not(case, request.user) if reviews else None
    open_ = reviews and bar is None
    # Where nothing can be decided any more, the boxes say what is.
    ticked = typed.getlist("label") if typed is not None and open_ else None
    s = sheet(case, request.user, reveal=reveal, ticked=ticked)
    held = case.holder if case.held_until and case.held_until > timezone.now() else None
    other = held if held and held.pk != request.user.pk else None
    mine = held_by(request.user) if reviews else []
    at = mine.index(case.pk) if case.pk in mine else -1
    stand = [d for d in standing(s.decisions) if d.text_hash == case.text_hash]
    said = notes(s, request.user)
    days = waiting(case.priority, case.reasons, timezone.localdate())
    context = {
        "s": s,
        "names": label_names(),
        "case": case,
        "reveal": reveal,
        "other": other,
        "opening": opening(request, case),
        "open": open_,
        "bar": bar.code if bar else "",
        "takes_back": reviews and not case.purged and bool(stand) and stand[-1].by_id == request.user.pk,
        "final": case.state == State.DISPUTED,
        "note": typed.get("note", "") if typed is not None else "",
        "together": typed is None or typed.get("together") == "on",
        "queue": as_left(request),
        "mine": len(mine),
        "place": at + 1,
        "next": mine[(at + 1) % len(mine)] if len(mine) > 1 else None,
        "before": mine[(at - 1) % len(mine)] if len(mine) > 1 else None,
        "reasons": [*map(tuple, case.reasons), *([(f"等了 {days} 天", days)] if days else [])],
        "points": sum(p for _, p in case.reasons) + days,
        "notes": said,
        "asking": asks(request.user, said),
        "new": read(request.user, said),
        "colleagues": reviewers().exclude(pk=request.user.pk),
        "objections": objections(case),
        "history": [(e, audit.ACTIONS.get(e.action, e.action)) for e in history(s)],
        **more,
    }
    return render(request, "desk/document.html", context, status=status)


def close(request: HttpRequest, number: int) -> HttpResponse:
    """Take the last word of a window that is closed: nobody reads the answer."""
    close_window(request, find_case(number), request.POST.get("opening", ""))
    return HttpResponse(status=204)


def alike(request: HttpRequest, number: int) -> HttpResponse:
    """Show decided documents like this one; the page asks for them once it stands, so nobody waits to start reading."""
    case = find_case(number)
    template = "desk/similar_list.html" if request.htmx and not request.htmx.boosted else "desk/similar.html"
    return render(request, template, {"case": case, "similar": similar(case, request.user)})


def note(request: HttpRequest, number: int) -> HttpResponse:
    """Leave a remark for colleagues, or ask one of them, whose queue then shows it."""
    case = find_case(number)
    text, to = request.POST.get("text", "").strip()[:4000], reviewer_chosen(request)
    if text:
        with transaction.atomic():
            Note.objects.create(document=case.document, by=request.user, to=to, text=text)
            audit.record("review.note", case.document.key, **({"to": to.username} if to else {}))
    return redirect("document", number)


def reveal(request: HttpRequest, number: int) -> HttpResponse:
    """Show the text unmasked, once, for a reason that goes on the record first."""
    case = find_case(number)
    reason = request.POST.get("reason", "").strip()[:200]
    if len(reason) < SHORTEST_REASON:
        return page(request, case, status=400, error=f"请写明理由，至少 {SHORTEST_REASON} 个字。")
    audit.record("document.reveal", case.document.key, reason=reason)
    return page(request, case, reveal=True)


def paper(request: HttpRequest, number: int) -> HttpResponse:
    """The document on paper: text, evidence, decisions, who printed it and when."""
    case = find_case(number)
    audit.record("document.print", case.document.key)
    context = {"s": sheet(case, request.user), "case": case, "now": timezone.now(), "names": label_names()}
    return render(request, "desk/paper.html", context)


def find_case(number: int) -> Case:
    """Return a case with all that its page needs, or answer 404."""
    rows = Case.objects.select_related("document", "prediction", "holder", "assignee")
    return get_object_or_404(rows, pk=number)
