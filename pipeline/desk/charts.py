"""Pictures of counts: Altair to SVG on the server, coloured by the page's style sheet."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import Any

import altair as alt
import vl_convert
from defusedxml.ElementTree import fromstring
from django.utils.safestring import SafeString, mark_safe

__all__ = ["bars", "curve", "lines"]

#: Stand-ins that the style sheet names: both themes colour the same picture.
INK, RULE = "#111111", "#dddddd"
HUES = ("#000001", "#000002", "#000003", "#000004", "#000005", "#000006")
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
    data = [{"name": name, "count": count} for name, count in rows]
    return _svg(json.dumps(["bars", data], ensure_ascii=False), label)


def lines(rows: Sequence[tuple[str, str, int]], label: str) -> SafeString:
    """Draw one line per name over ``(day, name, count)``."""
    data = [{"day": day, "name": name, "count": count} for day, name, count in rows]
    return _svg(json.dumps(["lines", data], ensure_ascii=False), label)


def curve(rows: Sequence[tuple[str, float, float]], axes: tuple[str, str], label: str) -> SafeString:
    """Draw one named point per ``(name, share from 0 to 1, height)``, joined in order; ``axes`` are titles."""
    data = [{"name": name, "share": share, "high": high, "x": axes[0], "y": axes[1]} for name, share, high in rows]
    return _svg(json.dumps(["curve", data], ensure_ascii=False), label)


def _curve(chart: alt.Chart, data: list[dict[str, Any]]) -> alt.LayerChart:
    across = alt.X("share:Q", title=str(data[0]["x"]), axis=alt.Axis(format="%", tickCount=5))
    high = alt.Y("high:Q", title=str(data[0]["y"]), axis=alt.Axis(tickCount=5))
    base = chart.encode(x=across, y=high, order=alt.Order("share:Q"))
    names = base.mark_text(align="left", dx=7, dy=-7, fontSize=12, color=INK).encode(text="name:N")
    line = base.mark_line(point=alt.OverlayMarkDef(color=HUES[0]), strokeWidth=2, color=HUES[0])
    return alt.layer(line, names).properties(width=470, height=220)


def _chart(kind: str, data: list[dict[str, Any]]) -> alt.Chart | alt.LayerChart:
    chart = alt.Chart(alt.Data(values=data))
    if kind == "curve":
        return _curve(chart, data)
    count = alt.X("count:Q", title=None, axis=alt.Axis(tickMinStep=1, tickCount=5, format="d"))
    if kind == "bars":
        names = alt.Y("name:N", sort=None, title=None, axis=alt.Axis(domain=False, ticks=False))
        return (
            chart.mark_bar(color=HUES[0], cornerRadiusEnd=2)
            .encode(x=count, y=names)
            .properties(width=210, height=alt.Step(26))
        )
    order = list(dict.fromkeys(str(row["name"]) for row in data))
    colour = alt.Color("name:N", title=None, sort=order, scale=alt.Scale(domain=order, range=list(HUES[: len(order)])))
    high = alt.Y("count:Q", title=None, axis=alt.Axis(tickMinStep=1, tickCount=5, format="d"))
    day = alt.X("day:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True))
    return (
        chart.mark_line(point=True, strokeWidth=2).encode(x=day, y=high, color=colour).properties(width=560, height=220)
    )


@functools.lru_cache(maxsize=64)
def _svg(content: str, label: str) -> SafeString:
    kind, data = json.loads(content)
    spec = _chart(kind, data).to_dict()
    spec["config"] = _CONFIG
    drawn = str(vl_convert.vegalite_to_svg(spec))
    _check(drawn)
    named = label.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return mark_safe(drawn.replace("<svg ", f'<svg role="img" aria-label="{named}" ', 1))  # noqa: S308  # nosec B308 B703


def _check(drawn: str) -> None:
    """Vega escapes what it draws; this is the second lock on the same door. Raises ValueError."""
    for element in fromstring(drawn).iter():
        tag = element.tag.rpartition("}")[2]
        if tag not in _SHAPES or any(name.lower().startswith(("on", "style")) for name in element.attrib):
            raise ValueError(f"a chart holds more than shapes and text: {tag}")
