"""``zuofeng purge``: retention."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated

import typer

from pipeline.cli.common import Home, Store, console
from pipeline.cli.promote import whoami
from pipeline.cli.screen import table
from pipeline.settings import load_settings

__all__ = ["command"]

_NAMES = {
    "documents": "文本（正文与标题）",
    "quotes": "打分里的证据原文",
    "rejected": "搁置记录的原文",
    "files": "报告、接口交来的文件",
}


def command(
    older_than: Annotated[str, typer.Option("--older-than", help="存入多久以上的：730d 即 730 天", metavar="天数d")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只数会清除多少，不动任何内容。")] = False,
    store: Store = None,
    home: Home = None,
) -> None:
    """按保留期清除原文：正文、标题、证据引文、搁置记录原文；分数、来历和运行记录保留。不可撤销。"""
    from pipeline.batch.logs import configure_logs
    from pipeline.batch.patience import Patience
    from pipeline.batch.purge import purge
    from pipeline.batch.watch import watched
    from pipeline.model.live import CHINA

    if not (days := re.fullmatch(r"([1-9]\d{0,4})d", older_than)):
        raise typer.BadParameter(f"--older-than 应写作 730d 这样（天数加 d），现为 {older_than}")
    settings = load_settings(home, store=store)
    configure_logs(settings.log)
    # Whole days, so that what was stopped is continued by the same command.
    today = dt.datetime.combine(dt.datetime.now(CHINA).date(), dt.time(), CHINA)
    with watched(metrics=None, alert=[] if dry_run else settings.alert, work="按保留期清除"):
        done = purge(
            before=today - dt.timedelta(days=int(days[1])),
            store=settings.store_url,
            state=settings.path("state"),
            inbox=settings.home / settings.desk.api_inbox,
            dry_run=dry_run,
            actor=whoami(),
            patience=Patience(settings.outage_seconds),
            lock_seconds=settings.lock_seconds,
        )
    title = f"{'清除演练' if dry_run else '清除'} {done.run} · {done.before:%Y-%m-%d} 以前存入的"
    rows = ((label, str(done.counts[name])) for name, label in _NAMES.items())
    console().print(table(title, ("内容", "会清除" if dry_run else "已清除"), rows, words=1))
