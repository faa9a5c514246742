"""The audit trail, for the auditor."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from pipeline.desk import audit
from pipeline.desk.tables import AuditEntry

__all__ = ["index", "verify"]

PAGE = 100


def index(request: HttpRequest) -> HttpResponse:
    """List entries, newest first, by who, what and of which document."""
    rows = AuditEntry.objects.order_by("-number")
    wanted = {f: request.GET.get(f, "").replace("\0", "")[:220] for f in ("actor", "action", "target")}
    rows = rows.filter(**{f: v for f, v in wanted.items() if v})
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        rows = rows.filter(number__lt=int(before))
    found = list(rows[: PAGE + 1])
    audit.record("audit.read", asked={f: v for f, v in wanted.items() if v})
    context = {
        "entries": [(e, audit.ACTIONS.get(e.action, e.action)) for e in found[:PAGE]],
        "before": found[PAGE - 1].number if len(found) > PAGE else None,
        "actions": audit.ACTIONS.items(),
        "wanted": wanted,
    }
    return render(request, "desk/audit.html", context)


def verify(request: HttpRequest) -> HttpResponse:
    """Check every seal."""
    length, seal, broken = audit.verify()
    audit.record("audit.verify", "完好" if not broken else f"{len(broken)} 处不符", entries=length)
    return render(request, "desk/verified.html", {"length": length, "seal": seal, "broken": broken})
