"""``zuofeng rescore``: another model over what is stored."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from pipeline.cli.common import Home, Model, Store, console, open_scorer, open_worker
from pipeline.cli.nightly import Bar, show
from pipeline.settings import load_settings

__all__ = ["command"]


def command(
    since: Annotated[
        dt.datetime | None,
        typer.Option("--since", formats=["%Y-%m-%d"], help="只算这一天（含）以后存入的文本，默认全部。"),
    ] = None,
    model: Model = None,
    promote: Annotated[
        bool, typer.Option("--promote", help="全部算完、没有搁置时，把这个模型设为在用：先算后换，页面不会新旧混杂。")
    ] = False,
    store: Store = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只说要重算多少，不打分不写入。")] = False,
    home: Home = None,
) -> None:
    """用另一个模型重算存储里的文本；旧的打分保留可查，中断后重跑即接着做。"""
    from pipeline.batch.patience import Patience
    from pipeline.batch.rescore import rescore
    from pipeline.model.history import CHINA
    from pipeline.model.registry import set_champion

    settings = load_settings(home, store=store)
    scorer = open_scorer(settings, model, keep=not dry_run)
    out = console()
    with open_worker(settings, scorer) as worker, Bar(out) as bar:
        report = rescore(
            scorer=scorer,
            store=settings.store_url,
            state=settings.path("state"),
            since=since.replace(tzinfo=CHINA) if since else None,
            chunk=settings.chunk,
            dry_run=dry_run,
            scoring=worker,
            patience=Patience(settings.outage_seconds),
            lock_seconds=settings.lock_seconds,
            progress=bar,
        )
    show(report, scorer.bundle.taxonomy, out, title="重新打分")
    if promote and not dry_run:
        if report.exit_code:
            out.print("有搁置的记录，在用模型没有换。改正后重跑，或用 zuofeng promote 自行决定。")
        else:
            set_champion(settings.path("models"), scorer.bundle.id)
            out.print(f"在用模型：{scorer.bundle.id}", highlight=False)
    raise typer.Exit(report.exit_code)
