"""The first look in the morning: counts as pictures with the tables beside them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext

from pipeline.desk.cases import refresh_if_new
from pipeline.desk.charts import bars, curve, lines
from pipeline.desk.dial import Setting, dial
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
    settings = dial()
    context = {
        "f": f,
        "dial": settings,
        "chosen": _chosen(settings, request.GET.get("promise", "")),
        "curve": _curve(settings),
        "days": DAYS,
        "pictures": pictures,
        "trend": lines([(d, named(label), n) for d, label, n in f.trend], gettext("各标签每夜多少件"))
        if len(nights) > 1
        else "",
        "nights": len(nights),
    }
    return render(request, "desk/dashboard.html", context)


def _chosen(settings: tuple[Setting, ...], asked: str) -> Setting | None:
    """The setting that was asked for in percent, nine in ten when none was."""
    fits = [s for s in settings if str(round(100 * s.promise)) == asked] or [s for s in settings if s.promise == 0.9]
    return fits[0] if fits else None


def _curve(settings: tuple[Setting, ...]) -> str:
    # Settings that leave the same texts to the model are one point, under the highest promise.
    points = {s.automatic: (f"{s.promise:.0%}", s.share, s.wrong_per_thousand) for s in settings if s.automatic}
    if not points:
        return ""
    axes = gettext("不用人看的比例"), gettext("每千件预计判错")
    return curve(list(points.values()), axes, gettext("工作量与风险：把握定得越低，人看得越少，判错越多"))
