"""``zuofeng bench desk``: how long people at the desk wait, on a store as it is after years."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from pipeline.cli.common import Home, console
from pipeline.cli.screen import say, table
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
    from pipeline.bench.desk.measure import lines_of, measure_desk
    from pipeline.corpus.gold import read_gold

    settings = load_settings(home)
    texts = [g.text for g in read_gold(settings.gold_files, load_taxonomy(settings.taxonomy_file))]
    out = console()
    if night:
        _beside(settings, texts, postgres=postgres, documents=documents, rows=night, users=users, think=think)
    with out.status("准备") as status, _furnished(settings, database, postgres=postgres) as used:
        crew = measure_desk(
            used, texts, documents=documents, reviews=reviews, users=users, seconds=seconds, think=think,
            told=status.update,
        )  # fmt: skip
        kind = "PostgreSQL" if used.store_url.startswith("postgres") else "SQLite"
    title = (
        f"{kind}，{documents:,} 件，{reviews:,} 件判过；{users} 人同时办件 {seconds:.0f} 秒，每步平均停 {think:g} 秒"
    )
    head = ("页面", "请求", "中位数（毫秒）", "p95（毫秒）", "最长（毫秒）", f"p95 < {PROMISE * 1000:.0f} 毫秒")
    found, rows = lines_of(crew), []
    for line in found:
        times = (f"{t * 1000:,.0f}" for t in (line.median, line.p95, line.longest))
        rows.append((line.page, f"{line.requests:,}", *times, "是" if line.p95 < PROMISE else "否"))
    out.print(table(title, head, rows, words=1))
    out.print(f"{len(crew.visits) / seconds:.1f} 个请求每秒；判定 {len(crew.made):,} 件，被挡回 {crew.refused} 件。")
    for error in crew.errors[:20]:
        say(out, f"出错 {error}")
    raise typer.Exit(3 if crew.errors or any(line.p95 >= PROMISE for line in found) else 0)


@contextmanager
def _furnished(settings: Settings, database: str | None, *, postgres: bool) -> Iterator[Settings]:
    """Yield the settings of a home of its own, with a store of its own unless ``database`` names one."""
    from pipeline.bench.desk.measure import furnish
    from pipeline.bench.postgres import SHARE, temporary_server

    with ExitStack() as stack, tempfile.TemporaryDirectory(prefix="zuofeng-desk-") as folder:
        store = database or (stack.enter_context(temporary_server(SHARE)).get_uri() if postgres else "")
        yield furnish(settings.path("corpora"), Path(folder) / "home", store)


def _beside(
    settings: Settings, texts: list[str], *, postgres: bool, documents: int, rows: int, users: int, think: float
) -> NoReturn:
    """A night beside people, on a store of its own; exits."""
    from pipeline.bench.desk.measure import lines_of
    from pipeline.bench.desk.night import measure_night

    out = console()
    with out.status("准备") as status, _furnished(settings, None, postgres=postgres) as used:
        found = measure_night(
            used, settings.home, texts, documents=documents, rows=rows, users=users, think=think, told=status.update
        )
    crew = found.crew
    kind = "PostgreSQL" if postgres else "SQLite"
    facts = [
        ("夜间任务", f"退出码 {found.night}，{found.seconds:.0f} 秒，新写打分 {found.rows:,} 个"),
        ("判定", f"存下 {len(crew.made):,} 件，因原文更新等被挡回 {crew.refused} 件"),
        ("出错的请求", f"{len(crew.errors)}（共 {len(crew.visits):,} 个）"),
        ("丢失的判定", str(len(found.lost))),
        ("被改掉的判定", str(len(found.overwritten))),
    ]
    facts += [(p.page, f"中位数 {p.median * 1000:,.0f}，p95 {p.p95 * 1000:,.0f} 毫秒") for p in lines_of(crew)]
    out.print(table(f"{kind}：一夜 {rows:,} 条，{users} 人同时办件", ("项目", "数值"), facts))
    for text in (*crew.errors[:10], *found.lost[:10], *found.overwritten[:10]):
        say(out, text)
    raise typer.Exit(3 if crew.errors or found.lost or found.overwritten or not crew.made else 0)
