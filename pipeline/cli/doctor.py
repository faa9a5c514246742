"""``zuofeng doctor``: is everything in order, and if not, what to do."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from pipeline.cli.common import Home, Store, console
from pipeline.cli.screen import table
from pipeline.settings import load_settings

__all__ = ["command"]


def command(
    alert: Annotated[bool, typer.Option("--alert", help="有不正常的就运行告警命令，供每天早上的定时检查用。")] = False,
    store: Store = None,
    home: Home = None,
) -> None:
    """体检：数据库、表结构、昨夜、时钟、磁盘、模型、词典、权限、数据库来源、监控，逐项说明是否正常、该做什么。"""
    from pipeline.batch.alert import Alert, send
    from pipeline.batch.doctor import examine

    settings = load_settings(home, store=store)
    found = examine(settings, now=dt.datetime.now(dt.UTC))
    console().print(table("", ("项目", "现状", "要做什么"), ((f.name, f.said, f.todo or "正常") for f in found)))
    wrong = [f for f in found if f.todo]
    if wrong and alert:
        said: dict[str, list[str]] = {}
        for f in wrong:
            said.setdefault("late" if f.late else "doctor", []).append(f"{f.name}：{f.said} → {f.todo}")
        send(settings.alert, [Alert(kind, "；".join(s)) for kind, s in said.items()], run="")
    raise typer.Exit(1 if wrong else 0)
