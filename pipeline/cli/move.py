"""``zuofeng move``: from the embedded store to PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.common import Home, console
from pipeline.cli.promote import whoami
from pipeline.cli.screen import say
from pipeline.settings import load_settings

__all__ = ["command"]


def command(
    old: Annotated[
        Path | None, typer.Option("--from", help="内嵌的存储，默认 state/zuofeng.sqlite3。", metavar="文件")
    ] = None,
    home: Home = None,
) -> None:
    """把内嵌的存储整个搬进设置里的 PostgreSQL：件、分数、判定、帐号、留痕，或全搬或不搬。"""
    from pipeline.batch.move import move

    settings = load_settings(home)
    path = old or settings.path("state") / "zuofeng.sqlite3"
    counts = move(
        old=path, new=settings.store_url, state=settings.path("state"), actor=whoami(),
        lock_seconds=settings.lock_seconds,
    )  # fmt: skip
    out = console()
    shown = ("件", "document"), ("打分", "prediction"), ("判定", "decision"), ("帐号", "user"), ("留痕", "audit")
    say(out, "搬好了：" + "，".join(f"{name} {counts[f'zuofeng_{table}']}" for name, table in shown))
    say(out, "接着 zuofeng doctor、zuofeng audit verify、zuofeng why --sample 1000，都正常再开定时任务和复核台。")
    say(out, f"原来的 {path} 没有动，里面有原文：新库用稳、备份过之后删去。")
