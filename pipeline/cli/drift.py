"""``zuofeng drift``: what has changed in the texts that come in."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.common import Home, Model, Store, console, open_scorer, out_file, read_day
from pipeline.cli.screen import say, table
from pipeline.errors import CorpusError
from pipeline.settings import load_settings

__all__ = ["command"]


def command(
    since: Annotated[
        str | None, typer.Option("--since", help="这段时间从哪天起，默认最近 30 天", show_default=False)
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="到哪天为止（含），默认存储里最新的一天", show_default=False)
    ] = None,
    reference: Annotated[int, typer.Option("--reference", min=1, help="与之前多少天比")] = 90,
    report: Annotated[Path | None, typer.Option("--report", callback=out_file, help="另存一份报告：.html")] = None,
    store: Store = None,
    model: Model = None,
    home: Home = None,
) -> None:
    """这段时间与此前相比变了什么：标签比例、同现、分数、生词、新说法，按区县和渠道；背后是哪些文本。"""
    from pipeline.analyst.drift import find_drift
    from pipeline.analyst.windows import make_window
    from pipeline.batch.stored import stored_documents
    from pipeline.reports.drifting import drift_page, drift_table

    settings = load_settings(home, store=store)
    scorer = open_scorer(settings, model)
    screen = console()
    with screen.status("比较"):
        stored = list(stored_documents(settings.store_url, scorer.bundle.id))
        last = read_day(until) or max((s.day for s in stored), default=dt.date.today())  # noqa: DTZ011  a day of the office
        first = read_day(since) or last - dt.timedelta(days=29)
        start = first - dt.timedelta(days=reference)
        before = [s.document for s in stored if start <= s.day < first]
        now = [s.document for s in stored if first <= s.day <= last]
        if not before or not now:
            raise CorpusError(
                "ZF-DRIFT-FEW",
                f"{start} 至 {first} 有 {len(before)} 条，{first} 至 {last} 有 {len(now)} 条，没法比",
                "换 --since、--until、--reference；先跑几夜 zuofeng nightly。",
            )
        windows = [make_window(scorer, of) for of in (before, now)]
        found = find_drift(windows[0], windows[1], [label for _, label in scorer.columns])
    title = f"{first} 至 {last}（{len(windows[1].ids)} 条）与此前 {reference} 天（{len(windows[0].ids)} 条）相比"
    sure = [f for f in found if f.sure]
    if sure:
        shown = drift_table(sure, scorer.bundle.taxonomy, title)
        screen.print(table(shown.title, shown.head, shown.rows))
    else:
        screen.print(f"{title}：比较了 {len(found)} 项，没有看出变化。")
    if report:
        texts = {d.id: d.text for d in now}
        report.write_text(drift_page(found, scorer.bundle.taxonomy, title, texts), encoding="utf-8")
        say(screen, f"报告：{report}")
