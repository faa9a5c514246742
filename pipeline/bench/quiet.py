"""How often drift cries wolf on months where nothing changed, and how small a planted shift it sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.analyst.drift import Window, find_drift
from pipeline.model.promise import clopper_pearson
from pipeline.reports.page import INK, SOFT, svg

__all__ = ["Alarm", "draw_alarms", "measure_alarms"]

SHARES = (0.0, 0.02, 0.04, 0.08, 0.12)
DISTRICTS = 4


@dataclass(frozen=True, slots=True)
class Alarm:
    """Of so many months with a ``share`` of planted texts: in how many anything, and the planted label, was found."""

    share: float
    months: int
    any: int
    planted: int

    def interval(self, count: int) -> tuple[float, float]:
        """Return the Clopper–Pearson interval of ``count`` months."""
        return clopper_pearson(count, self.months)


def measure_alarms(
    pool: Window,
    labels: Sequence[str],
    *,
    size: int = 600,
    months: int = 200,
    shares: Sequence[float] = SHARES,
    progress: Callable[[str], None] = lambda step: None,
) -> list[Alarm]:
    """Draw pairs of windows of ``size`` texts from one pool; in the later one some give way to texts of one label.

    Districts are dealt at random. The label planted changes from month to month.
    """
    rng = np.random.default_rng(0)
    having = [j for j in range(len(labels)) if pool.decided[:, j].sum() >= max(shares) * size]
    found = []
    for share in shares:
        progress(f"埋 {share:.0%}")
        some = hit = 0
        for month in range(months):
            rows = rng.permutation(len(pool.ids))[: 2 * size]
            label = having[month % len(having)]
            now = rows[size:].copy()
            others = np.setdiff1d(np.flatnonzero(pool.decided[:, label]), rows)
            planted = round(share * size)
            now[:planted] = rng.choice(others, planted, replace=len(others) < planted)
            windows = [_dealt(pool.take(r.tolist()), rng) for r in (rows[:size], now)]
            sure = [f for f in find_drift(windows[0], windows[1], labels) if f.sure]
            some += bool(sure)
            hit += any(f.kind == "rate" and f.name == labels[label] for f in sure)
        found.append(Alarm(share, months, some, hit))
    return found


def _dealt(window: Window, rng: np.random.Generator) -> Window:
    return replace(window, groups=tuple((f"区县 {n}",) for n in rng.integers(0, DISTRICTS, len(window.ids)).tolist()))


def draw_alarms(found: Sequence[Alarm]) -> str:
    """Return the curve as SVG: share of months in which anything, and the planted label, was found."""
    import altair as alt
    import pandas as pd

    rows = []
    for a in found:
        for name, count in (("报出任何变化", a.any), ("报出所埋的标签", a.planted)):
            low, high = a.interval(count)
            rows.append({"埋入": a.share, "月份": count / a.months, "low": low, "high": high, "报出": name})
    base = alt.Chart(pd.DataFrame(rows)).encode(
        x=alt.X("埋入:Q", title="所埋标签的文本占比", axis=alt.Axis(format="%", grid=False)),
        color=alt.Color("报出:N", legend=alt.Legend(orient="bottom", title=None), scale=alt.Scale(range=[SOFT, INK])),
    )
    line = base.mark_line(point=True).encode(y=alt.Y("月份:Q", title="报出的月份", axis=alt.Axis(format="%")))
    bars = base.mark_rule().encode(y=alt.Y("low:Q", title="报出的月份"), y2="high:Q")
    return svg(alt.layer(bars, line).properties(width=460, height=260))
