"""Where decisions arrive; the next document opens at once."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext

from pipeline.desk.decide import decide
from pipeline.desk.queue import held_by
from pipeline.desk.settle import ConflictError
from pipeline.desk.states import State
from pipeline.desk.undo import undo
from pipeline.desk.views.document import find_case, page
from pipeline.desk.views.queue import as_left
from pipeline.desk.views.refusal import refuse

__all__ = ["make", "take_back"]


def make(request: HttpRequest, number: int) -> HttpResponse:
    """Save a decision and open the next document one holds."""
    case = find_case(number)
    seconds = request.POST.get("seconds", "")
    # The order of the batch as it was before this one left it.
    batch = held_by(request.user)
    try:
        outcome = decide(
            user=request.user,
            document=number,
            action=request.POST.get("action", ""),
            labels=request.POST.getlist("label"),
            text_hash=request.POST.get("text_hash", ""),
            note=request.POST.get("note", ""),
            seconds=int(seconds) if seconds.isdecimal() and len(seconds) < 9 else 0,
            together=request.POST.get("together") == "on",
        )
    except ConflictError as e:
        return page(request, find_case(number), status=409, typed=request.POST, error=f"{e.message}。{e.hint}")
    rest = [i for i in batch if i not in outcome.documents]
    many = len(outcome.documents)
    words = {"key": case.document.key, "said": gettext(outcome.said), "n": many}
    said = (
        gettext("%(key)s：%(said)s，同文、近似共 %(n)s 件。按 Z 撤销")
        if many > 1
        else gettext("%(key)s：%(said)s。按 Z 撤销")
    )
    request.session["said"] = said % words
    # What is to be settled is nobody's batch: the next one is in its list.
    if case.state == State.DISPUTED:
        return redirect(as_left(request, state=State.DISPUTED))
    if not rest:
        return redirect(as_left(request))
    at = batch.index(number) if number in batch else 0
    later = [i for i in batch[at:] if i in rest]
    return redirect("document", (later or rest)[0])


def take_back(request: HttpRequest) -> HttpResponse:
    """Undo one's last decision, or that on one document, and open it again."""
    number = request.POST.get("document", "")
    if number and not (number.isdecimal() and len(number) < 19):
        raise Http404
    try:
        undone = undo(request.user, int(number) if number else None)
    except ConflictError as e:
        return refuse(request, 409, f"{e.message}。", e.hint)
    many = len(undone.documents)
    said = gettext("已撤销 %(n)s 件，请重判。") % {"n": many} if many > 1 else gettext("已撤销，请重判。")
    if undone.left:
        said += gettext("%(n)s 件没有撤销：别人在您之后判过，或原文已清除。") % {"n": undone.left}
    if undone.more:
        said += gettext("存储正忙，还有没撤完的：再按 Z。")
    request.session["said"] = said
    return redirect("document", undone.documents[0])
