"""The first look in the morning: counts as pictures with the tables beside them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from pipeline.desk.charts import bars, lines
from pipeline.desk.figures import DAYS, figures

__all__ = ["index"]


def index(request: HttpRequest) -> HttpResponse:
    """Show last night, the labels, where they occur, and who decided how much."""
    f = figures()
    counted = [*((name, rows) for name, rows in f.labels), *f.places]
    pictures = [(name, rows, bars(rows, f"{name}：各有多少件")) for name, rows in counted if rows]
    nights = {day for day, _, _ in f.trend}
    context = {
        "f": f,
        "days": DAYS,
        "pictures": pictures,
        "trend": lines(f.trend, "各标签每夜多少件") if len(nights) > 1 else "",
        "nights": len(nights),
    }
    return render(request, "desk/dashboard.html", context)
