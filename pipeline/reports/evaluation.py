"""A diagnosis as tables and pictures: one page, the same as Markdown, pictures as files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.analyst.diagnosis import Diagnosis
from pipeline.model.slices import KINDS
from pipeline.reports.markdown import markdown
from pipeline.reports.page import INK, SOFT, Chart, Note, Table, interval, page, svg
from pipeline.whole import write_file

if TYPE_CHECKING:
    import altair as alt

__all__ = ["evaluation_parts", "write_evaluation"]

HUES = (INK, "#1f5a7a", "#6b7a1f", "#7a1f6b", "#1f7a5a")
#: Labels that get a threshold curve, those with most positives; cells of a confusion picture; rows of its table.
CURVES = 24
CELLS = 30
SWAPS = 20


def write_evaluation(found: Diagnosis, folder: Path, note: str = "") -> Path:
    """Write report.html, report.md and its pictures into ``folder``, each file whole; return the page's path.

    ``note`` says what the figures leave out.
    """
    title = f"模型测量：{found.figures['model']}"
    parts = [*([Note(note)] if note else []), *evaluation_parts(found)]
    text, pictures = markdown(title, parts)
    for name, drawn in pictures.items():
        write_file(folder / name, drawn)
    write_file(folder / "report.md", text)
    write_file(folder / "report.html", page(title, parts))
    return folder / "report.html"


def evaluation_parts(found: Diagnosis) -> list[Table | Chart | Note]:
    """Return everything in the order it is read."""
    texts = found.figures["texts"]
    parts: list[Table | Chart | Note] = [
        Note(
            f"在 {texts:,} 条文本上；参与过训练的文本不算数。方括号里是按情境整组重抽的 95% 自助区间；"
            "宏 F1 只算五个以上正例的标签。"
        ),
        _totals(found),
        Note("", "逐标签"),
        Chart("每个标签的 F1 与 95% 区间", svg(_labels_chart(found))),
        _labels(found),
        Note("该判甲却判了乙的文本。挨着的标签最容易互相混淆。", "混淆"),
        *_swaps(found),
        Note("分数说的是多大把握：落在同一档的分数，平均分应等于其中真有此标签的比例。", "校准"),
        Chart("平均分（横）与真有的比例（纵）；点越大，分数越多；虚线上才是准的", svg(_reliability(found))),
        _bins(found),
        Note(f"阈值移动时查准、查全与 F1 怎样变；竖线是模型现用的阈值。正例最多的 {CURVES} 个标签。", "阈值曲线"),
        Chart("查准率、查全率、F1 随阈值的变化", svg(_curves(found))),
        _best_points(found),
        Note("", "按语域和长度"),
        *_slices(found),
        Note(
            "分数离阈值最远的错判，每个标签、每个方向至多四处。引文是最像此标签的字句，个人信息已隐去。", "最离谱的错判"
        ),
        _mistakes(found),
    ]
    return parts


def _totals(found: Diagnosis) -> Table:
    f = found.figures
    rows = []
    for s in found.taxonomy.schemes:
        mine = f["schemes"][s.id]
        macro = f"{s.name}宏 F1（{mine['labels_counted']} 个标签）"
        rows += [(macro, interval(mine["macro_f1"])), (f"{s.name}微 F1", interval(mine["micro_f1"]))]
    rows += [
        ("有无问题 F1", interval(f["problem"]["f1"])),
        ("无标签文本的误报率", interval(f["problem"]["false_alarm_rate"])),
    ]
    rows.append(("期望校准误差", f"{f['expected_calibration_error']:.4f}"))
    return Table("合计", ("", "数值"), tuple(rows))


def _labels(found: Diagnosis) -> Table:
    rows = tuple(
        (
            _name(found, label), str(row["positives"]), *(interval(row[m]) for m in ("precision", "recall", "f1")),
            _threshold(found.thresholds[label]),
        )
        for label, row in found.figures["labels"].items()
    )  # fmt: skip
    return Table("逐标签", ("标签", "正例", "查准率", "查全率", "F1", "阈值"), rows)


def _labels_chart(found: Diagnosis) -> alt.LayerChart:
    import altair as alt

    data = [
        {"name": _name(found, label), "f1": row["f1"][0], "low": row["f1"][1], "high": row["f1"][2]}
        for label, row in found.figures["labels"].items()
    ]
    base = alt.Chart(alt.Data(values=data)).encode(
        y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=240))
    )
    lines = base.mark_rule(color=SOFT).encode(
        x=alt.X("low:Q", title="F1", scale=alt.Scale(domain=[0, 1])), x2=alt.X2("high:Q")
    )
    dots = base.mark_point(size=60, color=INK, filled=True).encode(x="f1:Q")
    return alt.layer(lines, dots).properties(width=460, height=alt.Step(22))


def _swaps(found: Diagnosis) -> list[Table | Chart]:
    parts: list[Table | Chart] = []
    for s in found.taxonomy.schemes:
        mine = [w for w in found.swaps if w.scheme == s.id]
        if mine and len(s.labels) <= CELLS:
            parts.append(Chart(f"{s.name}：实为（行）却判成（列）的文本数", svg(_heat(found, mine, s.label_ids))))
    rows = tuple((_name(found, w.truth), _name(found, w.called), str(w.texts)) for w in found.swaps[:SWAPS])
    return [*parts, Table("最常见的混淆" if rows else "没有混淆", ("实为", "判成", "文本"), rows)]


def _heat(found: Diagnosis, swaps: Sequence[Any], labels: Sequence[str]) -> alt.LayerChart:
    import altair as alt

    data = [{"truth": _name(found, w.truth), "called": _name(found, w.called), "texts": w.texts} for w in swaps]
    order = [_name(found, label) for label in labels]
    scale = alt.Scale(domain=order)
    base = alt.Chart(alt.Data(values=data)).encode(
        x=alt.X("called:N", title="判成", scale=scale, axis=alt.Axis(labelAngle=-45, labelLimit=160)),
        y=alt.Y("truth:N", title="实为", scale=scale, axis=alt.Axis(labelLimit=200)),
    )
    cells = base.mark_rect().encode(
        color=alt.Color("texts:Q", title="文本", scale=alt.Scale(range=["#f6e4df", INK], domainMin=0))
    )
    numbers = base.mark_text(fontSize=11).encode(
        text="texts:Q",
        color=alt.condition(f"datum.texts > {max(w.texts for w in swaps) / 2}", alt.value("white"), alt.value("black")),
    )
    return alt.layer(cells, numbers).properties(width=alt.Step(28), height=alt.Step(24))


def _reliability(found: Diagnosis) -> alt.LayerChart:
    import altair as alt

    data = [
        {"scheme": _scheme(found, b.scheme), "score": b.score, "rate": b.rate, "scores": b.scores} for b in found.bins
    ]
    unit = alt.Scale(domain=[0, 1])
    base = alt.Chart(alt.Data(values=data)).encode(
        x=alt.X("score:Q", title="平均分", scale=unit),
        y=alt.Y("rate:Q", title="真有的比例", scale=unit),
        color=alt.Color("scheme:N", title=None, scale=alt.Scale(range=list(HUES))),
    )
    right = (
        alt.Chart(alt.Data(values=[{"x": 0, "y": 0}, {"x": 1, "y": 1}]))
        .mark_line(strokeDash=[4, 3], color=SOFT)
        .encode(x="x:Q", y="y:Q")
    )
    dots = base.mark_point(filled=True).encode(
        size=alt.Size("scores:Q", title="分数个数", scale=alt.Scale(type="log", range=[20, 260]))
    )
    return alt.layer(right, base.mark_line(), dots).properties(width=360, height=360)


def _bins(found: Diagnosis) -> Table:
    rows = tuple(
        (_scheme(found, b.scheme), f"{b.scores:,}", f"{b.score:.3f}", f"{b.rate:.3f}", f"{b.rate - b.score:+.3f}")
        for b in found.bins
    )
    return Table("分数分十档", ("", "分数个数", "平均分", "真有的比例", "差"), rows)


def _curves(found: Diagnosis) -> alt.FacetChart:
    import altair as alt

    by_positives = sorted(found.figures["labels"].items(), key=lambda f: -f[1]["positives"])[:CURVES]
    shown = {label: _name(found, label) for label, _ in by_positives}
    data = [
        {
            "label": shown[p.label], "threshold": p.threshold, "value": value, "measure": measure,
            "now": min(found.thresholds[p.label], 1.0),
        }
        for p in found.points
        if p.label in shown
        for measure, value in (("查准率", p.precision), ("查全率", p.recall), ("F1", p.f1))
    ]  # fmt: skip
    unit = alt.Scale(domain=[0, 1])
    base = alt.Chart().encode(x=alt.X("threshold:Q", title="阈值", scale=unit))
    lines = base.mark_line().encode(
        y=alt.Y("value:Q", title=None, scale=unit),
        color=alt.Color("measure:N", title=None, scale=alt.Scale(range=list(HUES[:3]))),
    )
    now = alt.Chart().mark_rule(strokeDash=[3, 3], color=SOFT).encode(x="now:Q")
    return (
        alt.layer(lines, now, data=alt.Data(values=data))
        .properties(width=150, height=100)
        .facet(alt.Facet("label:N", title=None, sort=list(shown.values())), columns=4)
    )


def _best_points(found: Diagnosis) -> Table:
    rows = []
    for label, row in found.figures["labels"].items():
        best = max((p for p in found.points if p.label == label), key=lambda p: p.f1)
        rows.append(
            (_name(found, label), _threshold(found.thresholds[label]), f"{row['f1'][0]:.3f}", f"{best.threshold:.2f}",
             f"{best.f1:.3f}")
        )  # fmt: skip
    head = ("标签", "现用阈值", "F1", "这些文本上最好的阈值", "F1（偏乐观）")
    return Table("换成别的阈值", head, tuple(rows))


def _slices(found: Diagnosis) -> list[Table]:
    head = ("", "文本", "微 F1", "其中无标签", "误报")
    return [
        Table(
            f"按{title}",
            head,
            tuple(
                (p.name, f"{p.texts:,}", interval(p.f1), f"{p.innocent:,}", f"{p.alarms:,}")
                for p in found.parts
                if p.kind == kind
            ),
        )
        for kind, title in KINDS.items()
    ]


def _mistakes(found: Diagnosis) -> Table:
    rows = tuple(
        (m.id, _name(found, m.label), "漏判" if m.truth else "误判", f"{m.score:.3f}", m.quote) for m in found.mistakes
    )
    return Table(f"错判 {len(rows)} 处", ("编号", "标签", "", "分数", "字句"), rows)


def _name(found: Diagnosis, label: str) -> str:
    return found.taxonomy.label(label).name


def _scheme(found: Diagnosis, scheme: str) -> str:
    return next((s.name for s in found.taxonomy.schemes if s.id == scheme), "有无问题")


def _threshold(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "一律交人"
