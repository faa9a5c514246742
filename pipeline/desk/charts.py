"""Pictures of counts: Altair to SVG on the server, coloured by the page's style sheet."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import altair as alt
import vl_convert
from defusedxml.ElementTree import fromstring
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

__all__ = ["bars", "curve", "lines"]

#: Stand-ins that the style sheet names: both themes colour the same picture.
INK, RULE = "#111111", "#dddddd"
HUES = ("#000001", "#000002", "#000003", "#000004", "#000005", "#000006")
Rows = tuple[tuple[Any, ...], ...]
_COUNT: Any = {"title": None, "axis": alt.Axis(tickMinStep=1, tickCount=5, format="d")}
_SHAPES = frozenset({"svg", "g", "path", "rect", "line", "text", "tspan", "circle", "defs", "clipPath", "title"})
_CONFIG = {
    "background": None,
    "view": {"stroke": None},
    "axis": {"labelColor": INK, "titleColor": INK, "gridColor": RULE, "domainColor": RULE, "tickColor": RULE,
             "labelFontSize": 13, "titleFontSize": 12, "titleFontWeight": "normal", "labelLimit": 175},
    "legend": {"labelColor": INK, "labelFontSize": 13, "orient": "bottom", "columns": 3, "labelLimit": 175},
}  # fmt: skip


def bars(rows: Sequence[tuple[str, int]], label: str) -> SafeString:
    """Draw one bar per ``(name, count)`` in the order given; ``label`` is read out in place of the picture."""
    return _svg(_bars, tuple(rows), label)


def lines(rows: Sequence[tuple[str, str, int]], label: str) -> SafeString:
    """Draw one line per name over ``(day, name, count)``."""
    return _svg(_lines, tuple(rows), label)


def curve(rows: Sequence[tuple[str, float, float]], axes: tuple[str, str], label: str) -> SafeString:
    """Draw one named point per ``(name, share from 0 to 1, height)``, joined in order; ``axes`` are titles."""
    return _svg(_curve, tuple(rows), label, *axes)


def _bars(rows: Rows) -> alt.Chart:
    names = alt.Y("name:N", sort=None, title=None, axis=alt.Axis(domain=False, ticks=False))
    chart = _chart(rows, "name", "count").mark_bar(color=HUES[0], cornerRadiusEnd=2)
    return chart.encode(x=alt.X("count:Q", **_COUNT), y=names).properties(width=210, height=alt.Step(26))


def _lines(rows: Rows) -> alt.Chart:
    order = list(dict.fromkeys(str(name) for _, name, _ in rows))
    colour = alt.Color("name:N", title=None, sort=order, scale=alt.Scale(domain=order, range=list(HUES[: len(order)])))
    day = alt.X("day:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True))
    chart = _chart(rows, "day", "name", "count").mark_line(point=True, strokeWidth=2)
    return chart.encode(x=day, y=alt.Y("count:Q", **_COUNT), color=colour).properties(width=560, height=220)


def _curve(rows: Rows, across: str, up: str) -> alt.LayerChart:
    x = alt.X("share:Q", title=across, axis=alt.Axis(format="%", tickCount=5))
    y = alt.Y("high:Q", title=up, axis=alt.Axis(tickCount=5))
    base = _chart(rows, "name", "share", "high").encode(x=x, y=y, order=alt.Order("share:Q"))
    names = base.mark_text(align="left", dx=7, dy=-7, fontSize=12, color=INK).encode(text="name:N")
    line = base.mark_line(point=alt.OverlayMarkDef(color=HUES[0]), strokeWidth=2, color=HUES[0])
    return alt.layer(line, names).properties(width=470, height=220)


def _chart(rows: Rows, *names: str) -> alt.Chart:
    return alt.Chart(alt.Data(values=[dict(zip(names, row, strict=True)) for row in rows]))


@functools.lru_cache(maxsize=64)
def _svg(draw: Callable[..., alt.Chart | alt.LayerChart], rows: Rows, label: str, *axes: str) -> SafeString:
    spec = draw(rows, *axes).to_dict()
    spec["config"] = _CONFIG
    drawn = str(vl_convert.vegalite_to_svg(spec))
    _check(drawn)
    return mark_safe(drawn.replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" ', 1))  # noqa: S308  # nosec B308 B703


def _check(drawn: str) -> None:
    """Vega escapes what it draws; this is the second lock on the same door. Raises ValueError."""
    for element in fromstring(drawn).iter():
        tag = element.tag.rpartition("}")[2]
        if tag not in _SHAPES or any(name.lower().startswith(("on", "style")) for name in element.attrib):
            raise ValueError(f"a chart holds more than shapes and text: {tag}")
