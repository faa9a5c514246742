"""``zuofeng audit``: is the trail whole?"""

from __future__ import annotations

import typer

from pipeline.cli.common import Home, Store, console, open_desk

__all__ = ["app"]

app = typer.Typer(help="操作留痕：核验有没有被改过、删过。", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """Keep ``verify`` a verb of its own."""


@app.command("verify")
def verify(store: Store = None, home: Home = None) -> None:
    """逐条核验封签；完好退出码 0，有改动或缺失 1。末条封签可抄到别处，日后比对。"""
    open_desk(home, store)
    from pipeline.desk.audit import verify as check

    length, seal, broken = check()
    out = console()
    for b in broken:
        out.print(f"第 {b.number} 条：{b.what}", highlight=False)
    whole = f"{len(broken)} 处不符" if broken else "完好"
    out.print(f"共 {length} 条，{whole}。末条封签 {seal or '（无）'}", highlight=False)
    raise typer.Exit(1 if broken else 0)
