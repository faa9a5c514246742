"""Drift as a table and a page: what changed, by how much, how surely, in which texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.analyst.drift import KINDS, Finding
from pipeline.reports.page import Note, Table, page
from pipeline.taxonomy import Taxonomy
from pipeline.text.clean import clean

__all__ = ["drift_page", "drift_table"]

_EXCERPT = 120
_SHOWN = 3


def drift_table(found: Sequence[Finding], taxonomy: Taxonomy, title: str) -> Table:
    """Return the findings as a table with the ids of some documents behind each."""
    rows = tuple(
        (
            KINDS[f.kind], f.group or "全部", _name(f, taxonomy), *_figures(f), f"{f.adjusted:.4f}",
            "、".join(f.documents[:_SHOWN]),
        )
        for f in found
    )  # fmt: skip
    return Table(title, ("看什么", "哪里", "名称", "此前", "现在", "校正 p", "背后的文本"), rows)


def drift_page(found: Sequence[Finding], taxonomy: Taxonomy, title: str, texts: Mapping[str, str]) -> str:
    """Return one HTML page: the sure findings, each with the texts that are behind it, personal data starred out."""
    sure = [f for f in found if f.sure]
    parts: list[Table | Note] = [
        Note(f"比较了 {len(found)} 项，校正后站得住的有 {len(sure)} 项。" + ("" if sure else "这段时间没有看出变化。"))
    ]
    if sure:
        parts.append(drift_table(sure, taxonomy, "站得住的变化"))
    for f in sure:
        before, now = _figures(f)
        heading = f"{KINDS[f.kind]} · {f.group or '全部'} · {_name(f, taxonomy)}：{before} → {now}"
        rows = tuple((i, _excerpt(texts.get(i, ""))) for i in f.documents)
        parts += [Note("", heading), Table("背后的文本", ("编号", "开头"), rows)]
    return page(title, parts)


def _excerpt(text: str) -> str:
    # Starred out before it is cut: of half a number nobody can tell that it is one.
    return " ".join(clean(text).masked_given().split())[:_EXCERPT]


def _name(f: Finding, taxonomy: Taxonomy) -> str:
    if f.kind == "rate":
        return taxonomy.label(f.name).name
    if f.kind == "pair":
        return " + ".join(taxonomy.label(x).name for x in f.name.split(" + "))
    return f"“{f.name}”" if f.kind == "phrase" else ""


def _figures(f: Finding) -> tuple[str, str]:
    return (f"{f.before:.3f}", f"{f.now:.3f}") if f.kind == "score" else (f"{f.before:.1%}", f"{f.now:.1%}")
