"""``zuofeng bench desk``: how long people at the desk wait, on a store as it is after years."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.table import Table

from pipeline.cli.common import Home, console
from pipeline.settings import Settings, load_settings
from pipeline.taxonomy import load_taxonomy

__all__ = ["desk"]

#: What staff are promised, in seconds.
PROMISE = 0.150


def desk(
    documents: Annotated[int, typer.Option("--documents", min=1000, help="存储里放多少件")] = 100_000,
    reviews: Annotated[int, typer.Option("--reviews", min=0, help="其中多少件有人判过")] = 30_000,
    users: Annotated[int, typer.Option("--users", min=1, max=100, help="同时办件的人数")] = 20,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="办多久")] = 120,
    think: Annotated[
        float, typer.Option("--think", min=0, help="每人两次请求之间平均停几秒；5 秒即每人约 13 秒判一件")
    ] = 5.0,
    postgres: Annotated[bool, typer.Option("--postgres", help="临时起一个 PostgreSQL；默认 SQLite")] = False,
    night: Annotated[
        int,
        typer.Option(
            "--night", min=0, help="改为：一夜写入这么多条的同时办件，看有没有判定丢失或被改", show_default=False
        ),
    ] = 0,
    database: Annotated[
        str | None,
        typer.Option("--database", help="用这个存储地址：空库会先放满，放满过的直接用", show_default=False),
    ] = None,
    home: Home = None,
) -> None:
    """复核台在大存储上有多快：放满文本（分数和判定都是编的），许多人同时办件，量每一页的用时。"""
    from pipeline.bench.desk.measure import furnish, lines_of, measure_desk
    from pipeline.bench.postgres import SHARE, temporary_server
    from pipeline.corpus.gold import read_gold

    settings = load_settings(home)
    texts = [g.text for g in read_gold(settings.gold_files, load_taxonomy(settings.taxonomy_file))]
    out = console()
    if night:
        _beside(settings, texts, postgres=postgres, documents=documents, rows=night, users=users, think=think)
    with (
        ExitStack() as stack,
        tempfile.TemporaryDirectory(prefix="zuofeng-desk-") as folder,
        out.status("准备") as status,
    ):
        store = database or (stack.enter_context(temporary_server(SHARE)).get_uri() if postgres else "")
        used = furnish(settings.path("corpora"), Path(folder) / "home", store)
        crew = measure_desk(
            used, texts, documents=documents, reviews=reviews, users=users, seconds=seconds, think=think,
            told=status.update,
        )  # fmt: skip
        kind = "PostgreSQL" if used.store_url.startswith("postgres") else "SQLite"
    title = (
        f"{kind}，{documents:,} 件，{reviews:,} 件判过；{users} 人同时办件 {seconds:.0f} 秒，每步平均停 {think:g} 秒"
    )
    table = Table(title=title, title_justify="left")
    for head in ("页面", "请求", "中位数（毫秒）", "p95（毫秒）", "最长（毫秒）", f"p95 < {PROMISE * 1000:.0f} 毫秒"):
        table.add_column(head, justify="left" if head == "页面" else "right")
    found = lines_of(crew)
    for line in found:
        times = (f"{t * 1000:,.0f}" for t in (line.median, line.p95, line.longest))
        table.add_row(line.page, f"{line.requests:,}", *times, "是" if line.p95 < PROMISE else "否")
    out.print(table)
    out.print(f"{len(crew.visits) / seconds:.1f} 个请求每秒；判定 {len(crew.made):,} 件，被挡回 {crew.refused} 件。")
    for error in crew.errors[:20]:
        out.print(f"出错 {error}", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(3 if crew.errors or any(line.p95 >= PROMISE for line in found) else 0)


def _beside(
    settings: Settings, texts: list[str], *, postgres: bool, documents: int, rows: int, users: int, think: float
) -> NoReturn:
    """A night beside people, on a store of its own; exits."""
    from pipeline.bench.desk.measure import furnish, lines_of
    from pipeline.bench.desk.night import measure_night
    from pipeline.bench.postgres import SHARE, temporary_server

    out = console()
    with (
        ExitStack() as stack,
        tempfile.TemporaryDirectory(prefix="zuofeng-desk-") as folder,
        out.status("准备") as status,
    ):
        store = stack.enter_context(temporary_server(SHARE)).get_uri() if postgres else ""
        used = furnish(settings.path("corpora"), Path(folder) / "home", store)
        found = measure_night(
            used, settings.home, texts, documents=documents, rows=rows, users=users, think=think, told=status.update
        )
    crew = found.crew
    kind = "PostgreSQL" if postgres else "SQLite"
    table = Table("项目", "数值", title=f"{kind}：一夜 {rows:,} 条，{users} 人同时办件", title_justify="left")
    table.add_row("夜间任务", f"退出码 {found.night}，{found.seconds:.0f} 秒，新写打分 {found.rows:,} 个")
    table.add_row("判定", f"存下 {len(crew.made):,} 件，因原文更新等被挡回 {crew.refused} 件")
    table.add_row("出错的请求", f"{len(crew.errors)}（共 {len(crew.visits):,} 个）")
    table.add_row("丢失的判定", str(len(found.lost)))
    table.add_row("被改掉的判定", str(len(found.overwritten)))
    for line in lines_of(crew):
        table.add_row(line.page, f"中位数 {line.median * 1000:,.0f}，p95 {line.p95 * 1000:,.0f} 毫秒")
    out.print(table)
    for text in (*crew.errors[:10], *found.lost[:10], *found.overwritten[:10]):
        out.print(text, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(3 if crew.errors or found.lost or found.overwritten or not crew.made else 0)
