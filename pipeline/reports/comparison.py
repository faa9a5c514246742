"""A comparison of two models as tables, a forest plot and a page."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.model.compare import LEVEL, SOURCES, Comparison, Flip, Row, Slice
from pipeline.model.paired import Contrast
from pipeline.model.slices import KINDS
from pipeline.reports.page import FAINT, INK, SOFT, Chart, Note, Table, page, svg
from pipeline.text.clean import clean

__all__ = ["comparison_chart", "comparison_page", "comparison_tables"]

#: How far a model is at home, as people are told.
_HOMES = {"adapted": "用复核", "accustomed": "定过说法", "abroad": "没有", "": "–"}
_STATES = {"kept": "守住", "open": "尚难断言", "broken": "违背"}
#: The figures of a label that nothing has.
_UNTOLD = ("–",) * 5 + ("没有正例",)
_AROUND = 24
_QUOTE = 60


def comparison_tables(found: Comparison, *, flips: int) -> list[Table]:
    """Return the tables of a comparison; the last one shows at most ``flips`` flips, mistakes of B first.

    Personal data in the words that it shows are starred out.
    """
    tables = [_sides(found), _rows(found), *_slices(found)]
    if found.b.promise or found.a.promise:
        tables.append(_promises(found))
    tables.append(_flips(found, flips))
    return tables


def comparison_page(found: Comparison) -> str:
    """Return one self-contained HTML page."""
    sides, rows, *rest = comparison_tables(found, flips=len(found.flips))
    worse = len(found.falls)
    lead = (
        f"{SOURCES[found.source]} {found.texts} 条文本（{found.clusters} 个情境）。差 = 乙 − 甲；"
        f"区间是按情境整组重抽的 95% 自助区间；"
        f"p 来自成对随机化检验（整组对调甲乙的判定），按 Holm 法对全部 {len(found.rows)} 项校正。"
        + (f"有 {worse} 项显著下降。" if worse else "没有一项显著下降。")
    )
    return page(
        f"模型比较：{found.a.model} 与 {found.b.model}",
        [
            Note(lead),
            sides,
            Note("", "逐标签"),
            comparison_chart(found),
            rows,
            Note("按语域和长度只给区间，不作检验。", "在哪里不同"),
            *rest[:-1],
            Note("判定只有一方给出的标签。先列乙错、差得最远的。", "翻转的文本"),
            rest[-1],
        ],
    )


def comparison_chart(found: Comparison) -> Chart:
    """Return the differences of all labels with their intervals."""
    return Chart("每个标签 F1 之差与 95% 区间，右边是乙更好；实心为校正后显著", _forest(found))


def _sides(found: Comparison) -> Table:
    a, b = found.a, found.b
    return Table(
        f"{SOURCES[found.source]} {found.texts} 条文本，{found.clusters} 个情境",
        ("", "甲", "乙"),
        (
            ("模型", a.model, b.model),
            ("照本单位重设", *(_HOMES[s.home] for s in (a, b))),
            ("许诺的查准率", *(f"{s.promise:.2f}" if s.promise else "无" for s in (a, b))),
            ("每秒条数", *(f"{s.speed:,.0f}" if s.speed else "未量" for s in (a, b))),
            ("权重大小", *(f"{s.size / 1e6:.1f} MB" for s in (a, b))),
            ("交人复核", *(f"{s.asked:.1%}" for s in (a, b))),
            ("期望校准误差", *(f"{s.calibration_error:.4f}" for s in (a, b))),
        ),
    )


def _rows(found: Comparison) -> Table:
    cells = tuple(
        (
            _name(found, r), str(r.positives),
            *((*_contrast(r.contrast), f"{r.contrast.adjusted:.4f}", _verdict(r)) if _told(r) else _UNTOLD),
        )
        for r in found.rows
    )  # fmt: skip
    return Table("F1，同样的文本成对比较", ("标签", "正例", "甲", "乙", "差", "95% 区间", "校正 p", "结论"), cells)


def _slices(found: Comparison) -> list[Table]:
    head = ("", "文本", "甲", "乙", "差", "95% 区间", "无标签的", "误报 甲 / 乙")

    def cells(s: Slice) -> tuple[str, ...]:
        figures = _contrast(s.contrast) if s.innocent < s.texts else ("–",) * 4
        return s.name, str(s.texts), *figures, str(s.innocent), " / ".join(map(str, s.alarms))

    return [
        Table(f"全部标签微 F1，按{title}", head, tuple(cells(s) for s in found.slices if s.kind == kind))
        for kind, title in KINDS.items()
    ]


def _promises(found: Comparison) -> Table:
    rows = []
    for who, side, kept in (("甲", found.a, found.promise_a), ("乙", found.b, found.promise_b)):
        rows += [
            (
                who, f"{side.promise:.2f}", found.taxonomy.label(k.label).name, str(k.called), str(k.hits),
                f"{k.precision:.3f} [{k.low:.2f}, {k.high:.2f}]" if k.called else "–", _STATES[k.state],
            )
            for k in kept
        ]  # fmt: skip
    return Table("许诺", ("", "许诺", "标签", "判出", "对", "查准率", "结论"), tuple(rows))


def _flips(found: Comparison, most: int) -> Table:
    better = sum(f.better for f in found.flips)
    title = f"翻转 {len(found.flips)} 处：乙改对 {better} 处，改错 {len(found.flips) - better} 处"
    rows = tuple(
        (
            f.id,
            found.taxonomy.label(f.label).name,
            f"{'甲' if f.decided_by == 'A' else '乙'}判出，{'有' if f.truth else '没有'}",
            "乙对" if f.better else "乙错",
            f"{f.a:.2f} → {f.b:.2f}",
            _evidence(f),
        )
        for f in found.flips[:most]
    )
    return Table(title, ("编号", "标签", "判定与实际", "", "分数", "判出一方的证据"), rows)


def _evidence(flip: Flip) -> str:
    # Starred out before it is cut: of half a number nobody can tell that it is one.
    text = clean(flip.text).masked_given()
    if not flip.evidence:
        return f"（无证据）{_short(text)}"
    e = flip.evidence[0]
    before, quote, after = text[max(0, e.start - _AROUND) : e.start], text[e.start : e.end], text[e.end :][:_AROUND]
    return " ".join(f"{before}【{_short(quote)}】{after}".split())


def _short(text: str) -> str:
    return text if len(text) <= _QUOTE else text[: _QUOTE - 1] + "…"


def _name(found: Comparison, row: Row) -> str:
    if row.kind == "label":
        return found.taxonomy.label(row.name).name
    if row.kind == "problem":
        return "有无问题"
    return f"{next(s.name for s in found.taxonomy.schemes if s.id == row.name)}宏平均"


def _told(row: Row) -> bool:
    """Whether the F1 says something: where nothing has the label it is 1 without, and 0 with, a single false alarm."""
    return row.positives > 0 or row.fell


def _verdict(row: Row) -> str:
    if row.fell:
        return "显著下降"
    return "显著上升" if row.contrast.adjusted <= LEVEL and row.contrast.difference > 0 else "看不出差别"


def _contrast(c: Contrast) -> Sequence[str]:
    return f"{c.a:.3f}", f"{c.b:.3f}", f"{c.difference:+.3f}", f"[{c.low:+.3f}, {c.high:+.3f}]"


def _forest(found: Comparison) -> str:
    import altair as alt
    import pandas as pd

    data = [
        {
            "name": _name(found, r), "difference": r.contrast.difference, "low": r.contrast.low,
            "high": r.contrast.high, "sure": _verdict(r) != "看不出差别",
        }
        for r in found.rows
        if _told(r)
    ]  # fmt: skip
    base = alt.Chart(pd.DataFrame(data)).encode(y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=240)))
    lines = base.mark_rule(color=SOFT).encode(x=alt.X("low:Q", title="F1 之差（乙 − 甲）"), x2="high:Q")
    dots = base.mark_point(size=60, color=INK).encode(
        x="difference:Q", fillOpacity=alt.condition("datum.sure", alt.value(1), alt.value(0)), fill=alt.value(INK)
    )
    zero = alt.Chart(pd.DataFrame({"x": [0]})).mark_rule(strokeDash=[4, 3], color=FAINT).encode(x="x:Q")
    return svg(alt.layer(zero, lines, dots).properties(width=460, height=alt.Step(22)))
