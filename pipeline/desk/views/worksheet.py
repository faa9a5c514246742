"""容错甄别: the worksheet of one document, and the office's own lists."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render

from pipeline.desk import audit
from pipeline.desk.reading import masked
from pipeline.desk.sheet import is_blind
from pipeline.desk.sixlooks import LOOKS, OUTCOMES, suggest
from pipeline.desk.states import RULES, Rule
from pipeline.desk.tables import Case, Decision, OfficeRule, User, Worksheet
from pipeline.desk.views.document import find_case
from pipeline.desk.views.refusal import refuse

__all__ = ["rule", "rules", "sheet"]

MOST = 4000


def sheet(request: HttpRequest, number: int) -> HttpResponse:
    """Fill in the six looks; each save is a new row, the earlier ones stay."""
    case = find_case(number)
    if _tells(case, request.user):
        return refuse(request, 409, "这件要您独立再看一遍，判过的人填的甄别表暂不显示。", "先判再看。")
    if request.method != "POST":
        return _page(request, case)
    error, status = _save(request, case)
    return _page(request, case, error, status) if error else redirect("worksheet", number)


def _tells(case: Case, user: User) -> bool:
    """Whether the worksheet would tell a reader who is still blind what those found who have decided."""
    made = list(Decision.objects.filter(document=case.document))
    others = Worksheet.objects.filter(document=case.document, by__in={d.by_id for d in made}).exclude(by=user)
    return is_blind(case, made, user) and others.exists()


def _save(request: HttpRequest, case: Case) -> tuple[str, int]:
    """Add the row that was sent; return what is wrong with it, empty when it was saved, and the answer's status."""
    answers, outcome = _answers(request.POST), request.POST.get("outcome", "")
    if outcome and outcome not in OUTCOMES:
        return "没有这个结论。", 400
    if outcome and not all(answers.values()):
        return "六看都写了，才能下结论；没写完可以先不选结论，存为草稿。", 400
    note = _typed(request.POST, "note")
    with transaction.atomic():
        # Two who save at once wait here for each other.
        Case.objects.select_for_update().get(pk=case.pk)
        last = _last(case)
        met = [*_ticked(request.POST), *(r.pk for r in _retired(last))]
        if last is not None and request.POST.get("seen") != str(last.pk):
            if (last.by, last.answers, last.rules, last.outcome, last.note) == (
                request.user, answers, met, outcome, note,
            ):  # fmt: skip
                return "", 200  # pressed twice
            return f"您打开之后 {last.by.shown} 又存过，您写的没有保存。请对照下面“存过”里的，改好再存。", 409
        Worksheet.objects.create(
            document=case.document, by=request.user, answers=answers, rules=met, outcome=outcome, note=note
        )
        audit.record("worksheet.save", case.document.key, outcome=outcome)
    return "", 200


def _page(request: HttpRequest, case: Case, error: str = "", status: int = 200) -> HttpResponse:
    """Show the newest state of the worksheet; with an ``error`` what was sent stands in the form."""
    last, asked = _last(case), request.POST if error else None
    found = suggest(masked(case.document.text))
    kept = _answers(asked) if asked is not None else (last.answers if last else {})
    context = {
        "case": case,
        "title": masked(case.document.title),
        "looks": [(look, kept.get(look.id, ""), found[look.id]) for look in LOOKS],
        "outcomes": OUTCOMES.items(),
        "rules": list(OfficeRule.objects.filter(active=True)),
        "met": set(_ticked(asked)) if asked is not None else set(last.rules if last else ()),
        "retired": _retired(last),
        "last": last,
        "outcome": asked.get("outcome", "") if asked is not None else (last.outcome if last else ""),
        "note": asked.get("note", "") if asked is not None else (last.note if last else ""),
        "error": error,
        "versions": _versions(case),
        "names": OUTCOMES,
    }
    return render(request, "desk/worksheet.html", context, status=status)


def rules(request: HttpRequest) -> HttpResponse:
    """Show the office's situations and conditions; add one."""
    if request.method == "POST":
        kind, text = request.POST.get("kind", ""), request.POST.get("text", "").strip()[:300]
        if kind in set(Rule) and text:
            with transaction.atomic():
                number = OfficeRule.objects.filter(kind=kind).count() + 1
                OfficeRule.objects.create(kind=kind, number=number, text=text)
                audit.record("worksheet.rule", f"{RULES[Rule(kind)]} {number}", text=text)
        return redirect("rules")
    lists = [(kind.value, name, OfficeRule.objects.filter(kind=kind)) for kind, name in RULES.items()]
    return render(request, "desk/rules.html", {"lists": lists})


def rule(request: HttpRequest, number: int) -> HttpResponse:
    """Switch one entry on or off; worksheets that name it keep it."""
    entry = get_object_or_404(OfficeRule, pk=number)
    with transaction.atomic():
        entry.active = not entry.active
        entry.save(update_fields=["active"])
        audit.record("worksheet.rule", f"{entry.get_kind_display()} {entry.number}", active=entry.active)
    return redirect("rules")


def _retired(last: Worksheet | None) -> list[OfficeRule]:
    """The entries ticked before that are not in use any more: nobody can tick them, so they stay."""
    return list(OfficeRule.objects.filter(pk__in=last.rules, active=False)) if last else []


def _ticked(asked: QueryDict) -> list[int]:
    return [r.pk for r in OfficeRule.objects.filter(active=True) if asked.get(f"rule_{r.pk}") == "on"]


def _answers(asked: QueryDict) -> dict[str, str]:
    return {look.id: _typed(asked, look.id) for look in LOOKS}


def _typed(asked: QueryDict, name: str) -> str:
    """Return what was written in a box: a browser sends two characters for the end of a line and counts one."""
    return asked.get(name, "").replace("\r\n", "\n").strip()[:MOST]


def _last(case: Case) -> Worksheet | None:
    return Worksheet.objects.filter(document=case.document).select_related("by").last()


def _versions(case: Case) -> list[tuple[Worksheet, list[tuple[str, str]], list[OfficeRule]]]:
    """Every state that was saved, oldest first, with what it says in words."""
    known = {r.pk: r for r in OfficeRule.objects.all()}
    return [
        (v, [(look.name, said) for look in LOOKS if (said := v.answers.get(look.id))], [known[r] for r in v.rules])
        for v in Worksheet.objects.filter(document=case.document).select_related("by")
    ]
