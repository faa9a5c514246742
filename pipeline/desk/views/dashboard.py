"""The first look in the morning: counts as pictures with the tables beside them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext

from pipeline.desk.cases import refresh_if_new
from pipeline.desk.charts import bars, lines
from pipeline.desk.figures import DAYS, figures
from pipeline.desk.language import named

__all__ = ["index"]


def index(request: HttpRequest) -> HttpResponse:
    """Show last night, the labels, where they occur, and who decided how much."""
    refresh_if_new()
    f = figures()
    labels = [(named(scheme), [(named(label), n) for label, n in rows]) for scheme, rows in f.labels]
    counted = [*labels, *((gettext(name), rows) for name, rows in f.places)]
    pictures = [(name, rows, bars(rows, gettext("各有多少件：%s") % name)) for name, rows in counted if rows]
    nights = {day for day, _, _ in f.trend}
    context = {
        "f": f,
        "days": DAYS,
        "pictures": pictures,
        "trend": lines([(d, named(label), n) for d, label, n in f.trend], gettext("各标签每夜多少件"))
        if len(nights) > 1
        else "",
        "nights": len(nights),
    }
    return render(request, "desk/dashboard.html", context)
