"""One self-contained HTML page: headings, paragraphs, tables, charts as inline SVG. No script, nothing loaded."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import altair as alt

__all__ = ["FAINT", "INK", "SOFT", "Chart", "Note", "Table", "interval", "page", "part_html", "svg"]

#: Colours of charts: what is shown, what is shown beside it, what it is compared with.
INK, SOFT, FAINT = "#8c2d19", "#5b6670", "#8a939b"

_STYLE = """
:root{color-scheme:light dark;--ink:#1c1f23;--paper:#fff;--rule:#d5d9de;--soft:#f4f6f8}
@media(prefers-color-scheme:dark){:root{--ink:#e7e9ec;--paper:#15181b;--rule:#3a4046;--soft:#1f2428}}
body{font:16px/1.7 system-ui,"PingFang SC","Noto Sans CJK SC","Microsoft YaHei",sans-serif;color:var(--ink);
background:var(--paper);max-width:70rem;margin:0 auto;padding:2rem 1.2rem}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.4rem}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:.4rem 0}
th,td{border-bottom:1px solid var(--rule);padding:.3rem .8rem .3rem 0;text-align:left;vertical-align:top}
th{font-weight:600}figure{margin:1.5rem 0;background:#fff;padding:.6rem;border:1px solid var(--rule)}
figure svg{max-width:100%;height:auto}figcaption{color:#1c1f23}
"""
_ID = re.compile(r"<svg ", re.ASCII)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text cells under a title."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart with the sentence that says what is to be seen."""

    caption: str
    svg: str


@dataclass(frozen=True, slots=True)
class Note:
    """A paragraph; with ``heading`` it begins a section."""

    text: str
    heading: str = ""


def page(title: str, parts: Sequence[Table | Chart | Note]) -> str:
    """Return the page; every text is escaped, the SVG of charts is taken as it stands."""
    body = "\n".join(part_html(p) for p in parts)
    return (
        f'<!doctype html>\n<html lang="zh-CN">\n<head><meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style></head>\n"
        f"<body><main>\n<h1>{escape(title)}</h1>\n{body}\n</main></body></html>\n"
    )


def svg(chart: alt.TopLevelMixin) -> str:
    """Return an Altair chart as SVG, drawn without a browser."""
    drawn = io.StringIO()
    chart.save(drawn, format="svg")
    return drawn.getvalue()


def interval(figure: Sequence[float] | None) -> str:
    """Return a value with the ends of its interval as people read it, a dash for none."""
    return "–" if figure is None else "{:.3f} [{:.3f}, {:.3f}]".format(*figure)


def part_html(part: Table | Chart | Note) -> str:
    """Return one part as HTML, escaped."""
    if isinstance(part, Table):
        head = "".join(f'<th scope="col">{escape(c)}</th>' for c in part.head)
        rows = "\n".join("<tr>" + "".join(f"<td>{_lines(c)}</td>" for c in row) + "</tr>" for row in part.rows)
        return (
            f'<div class="wide"><table><caption>{escape(part.title)}</caption>'
            f"<thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table></div>"
        )
    if isinstance(part, Chart):
        drawn = _ID.sub(f'<svg role="img" aria-label="{escape(part.caption)}" ', part.svg, count=1)
        return f"<figure>{drawn}<figcaption>{escape(part.caption)}</figcaption></figure>"
    heading = f"<h2>{escape(part.heading)}</h2>\n" if part.heading else ""
    return heading + (f"<p>{_lines(part.text)}</p>" if part.text else "")


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")
