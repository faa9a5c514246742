"""``zuofeng corpus check`` and ``stats``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import table

from pipeline.cli.common import Home, console
from pipeline.errors import CorpusError
from pipeline.settings import load_settings
from pipeline.taxonomy import Taxonomy, load_taxonomy

if TYPE_CHECKING:
    from pipeline.corpus.gold import Gold
    from pipeline.corpus.tables import Table

__all__ = ["app"]

app = typer.Typer(help="语料的检查与统计。", no_args_is_help=True, rich_markup_mode=None)

Files = Annotated[list[Path] | None, typer.Argument(help="语料文件，默认 corpora/gold/*.jsonl", show_default=False)]


@app.command("check")
def check(
    files: Files = None,
    public: Annotated[
        Path | None, typer.Option("--public", help="不得与之雷同的公开数据目录（.jsonl.gz），默认 ../shared/data")
    ] = None,
    home: Home = None,
) -> None:
    """检查语料：格式、证据、近似重复、雷同字串、分组与划分、泄漏，并列出统计。"""
    from pipeline.corpus.check import find_mistakes
    from pipeline.corpus.leaks import leak_table
    from pipeline.corpus.tables import corpus_tables

    gold, taxonomy, beside = _read(files, home)
    public = public or (beside if beside.is_dir() else None)
    _print({**corpus_tables(gold, taxonomy), "泄漏（0.5 为随机）": leak_table(gold, taxonomy)})
    wrong = find_mistakes(gold, public)
    if wrong:
        raise CorpusError("ZF-GOLD-CHECK", f"语料有 {len(wrong)} 处不合格", "逐条改正。", wrong)
    compared = f"与 {public} 没有相同的十二字" if public else "没有公开数据目录，未与之比对"
    console().print(f"语料合格：{len(gold)} 条；{compared}。", highlight=False)


@app.command("stats")
def stats(files: Files = None, home: Home = None) -> None:
    """列出语料的统计表。"""
    from pipeline.corpus.tables import corpus_tables

    gold, taxonomy, _ = _read(files, home)
    _print(corpus_tables(gold, taxonomy))


def _read(files: list[Path] | None, home: Path | None) -> tuple[list[Gold], Taxonomy, Path]:
    from pipeline.corpus.gold import read_gold

    settings = load_settings(home)
    taxonomy = load_taxonomy(settings.taxonomy_file)
    paths = files or sorted((settings.path("corpora") / "gold").glob("*.jsonl"))
    return read_gold(paths, taxonomy), taxonomy, settings.home.parent / "shared" / "data"


def _print(tables: Mapping[str, Table]) -> None:
    out = console()
    for title, (head, *rows) in tables.items():
        drawn = table.Table(*head, title=title, title_justify="left")
        for row in rows:
            drawn.add_row(*row)
        out.print(drawn)
