"""容错甄别: the worksheet of one document, and the office's own lists."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from pipeline.desk import audit
from pipeline.desk.reading import masked
from pipeline.desk.sixlooks import LOOKS, OUTCOMES, suggest
from pipeline.desk.states import RULES, Rule
from pipeline.desk.tables import OfficeRule, Worksheet
from pipeline.desk.views.document import find_case

__all__ = ["rule", "rules", "sheet"]

MOST = 4000


def sheet(request: HttpRequest, number: int) -> HttpResponse:
    """Fill in the six looks; each save is a new row, the earlier ones stay."""
    case = find_case(number)
    error = ""
    if request.method == "POST":
        answers = {look.id: request.POST.get(look.id, "").strip()[:MOST] for look in LOOKS}
        outcome = request.POST.get("outcome", "")
        rules_met = [r.pk for r in _active() if request.POST.get(f"rule_{r.pk}") == "on"]
        if outcome and outcome not in OUTCOMES:
            error = "没有这个结论。"
        elif outcome and not all(answers.values()):
            error = "六看都写了，才能下结论；没写完可以先不选结论，存为草稿。"
        else:
            with transaction.atomic():
                Worksheet.objects.create(
                    document=case.document,
                    by=request.user,
                    answers=answers,
                    rules=rules_met,
                    outcome=outcome,
                    note=request.POST.get("note", "").strip()[:MOST],
                )
                audit.record("worksheet.save", case.document.key, outcome=outcome)
            return redirect("worksheet", number)
    last = Worksheet.objects.filter(document=case.document).select_related("by").last()
    asked = request.POST if error else None
    found = suggest(masked(case.document.text))
    kept = {look.id: asked.get(look.id, "") for look in LOOKS} if asked else (last.answers if last else {})
    context = {
        "case": case,
        "title": masked(case.document.title),
        "looks": [(look, kept.get(look.id, ""), found[look.id]) for look in LOOKS],
        "outcomes": OUTCOMES.items(),
        "rules": _active(),
        "met": set(last.rules) if last else set(),
        "kinds": {k.value: n for k, n in RULES.items()},
        "last": last,
        "outcome": asked.get("outcome", "") if asked else (last.outcome if last else ""),
        "note": asked.get("note", "") if asked else (last.note if last else ""),
        "error": error,
        "versions": Worksheet.objects.filter(document=case.document).select_related("by"),
        "names": OUTCOMES,
    }
    return render(request, "desk/worksheet.html", context, status=400 if error else 200)


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


def _active() -> list[OfficeRule]:
    return list(OfficeRule.objects.filter(active=True))
