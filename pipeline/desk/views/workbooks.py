"""The queue as a workbook, out and back."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext

from pipeline.desk import audit
from pipeline.desk.export import extent, in_words, stamp, table, to_csv, to_xlsx
from pipeline.desk.roundtrip import MOST_BYTES, apply, check, keep, read_workbook, take
from pipeline.desk.schemes import label_names
from pipeline.desk.views.queue import sent_filters
from pipeline.errors import SourceError

__all__ = ["back", "out"]

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def out(request: HttpRequest) -> HttpResponse:
    """Hand out the filtered queue as a workbook or CSV, on the record."""
    filters = sent_filters(request)
    rows, more = table(filters, request.user)
    mark = stamp(request.user, filters, len(rows), more)
    kind = "csv" if request.POST.get("format") == "csv" else "xlsx"
    content = to_csv(rows, mark) if kind == "csv" else to_xlsx(rows, mark)
    audit.record("export.write", extent(len(rows), more), format=kind, filters=in_words(filters))
    name = f"zuofeng-{timezone.localtime():%Y%m%d-%H%M}.{kind}"
    response = HttpResponse(content, content_type="text/csv; charset=utf-8" if kind == "csv" else _XLSX)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def back(request: HttpRequest) -> HttpResponse:
    """Take a filled-in workbook: first a preview with its conflicts, then, on a second press, the decisions."""
    if request.method == "GET":
        return _page(request)
    if plan := request.POST.get("plan"):
        return _save(request, plan)
    file = request.FILES.get("file")
    if file is None:
        return _page(request, 400, error="请选一个工作簿。")
    if file.size > MOST_BYTES:
        return _page(request, 413, error=f"文件超过 {MOST_BYTES // 2**20} MB。")
    try:
        rows = read_workbook(file.name or "", file.file)
    except SourceError as e:
        return _page(request, 400, error=f"{e.message}{e.hint}")
    answers = check(rows, request.user)
    good = sum(not a.conflict for a in answers)
    audit.record("import.preview", f"{len(answers)} 行", good=good)
    plan = keep(answers, request.user) if good else ""
    return _page(request, answers=answers, good=good, plan=plan, empty=not answers, names=label_names())


def _save(request: HttpRequest, plan: str) -> HttpResponse:
    answers = take(plan, request.user)
    if not answers:
        return _page(request, 400, error="这份预览已存过、已过期或是别人的；没存过的请重新上传。")
    saved, failed = apply(answers, request.user)
    audit.record("import.apply", f"{saved} 件", failed=len(failed))
    if saved > 1:
        # On the next page, where the key is.
        request.session["said"] = gettext("导回了 %(n)s 件。按 Z 撤销的是这 %(n)s 件") % {"n": saved}
    return _page(request, saved=saved, failed=failed, done=True)


def _page(request: HttpRequest, status: int = 200, **context: Any) -> HttpResponse:
    return render(request, "desk/tables.html", context, status=status)
