"""``zuofeng serve``: the triage desk in a browser."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.common import Home, Store, console
from pipeline.settings import load_settings

__all__ = ["command"]


def command(
    host: Annotated[str, typer.Option("--host", help="监听地址；本机以外须有 HTTPS 反向代理。")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="端口。")] = 8000,
    store: Store = None,
    home: Home = None,
) -> None:
    """复核台：在浏览器里看队列、看证据、判定。按 Ctrl-C 停止。"""
    from pipeline.batch.logs import configure_logs
    from pipeline.desk.serve import serve

    settings = load_settings(home, store=store)
    configure_logs(settings.log)
    out = console()

    def ready(address: str) -> None:
        from pipeline.desk.tables import User

        if not User.objects.exists():
            out.print("还没有帐号。另开一个窗口运行：zuofeng user add 帐号 --role admin")
        out.print(f"复核台：{address}", highlight=False)
        # A log or a pipe sees the address at once.
        out.file.flush()

    serve(settings, host=host, port=port, ready=ready)
