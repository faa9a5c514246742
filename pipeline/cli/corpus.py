"""``zuofeng corpus check`` and ``stats``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from pipeline.cli.common import Home, console
from pipeline.corpus.check import Findings
from pipeline.errors import CorpusError
from pipeline.settings import load_settings
from pipeline.taxonomy import load_taxonomy

__all__ = ["app"]

app = typer.Typer(help="语料的检查与统计。", no_args_is_help=True, rich_markup_mode=None)

Files = Annotated[list[Path] | None, typer.Argument(help="语料文件，默认 corpora/gold/*.jsonl", show_default=False)]


@app.command("check")
def check(
    files: Files = None,
    public: Annotated[Path | None, typer.Option("--public", help="不得与之雷同的公开数据目录（.jsonl.gz）")] = None,
    home: Home = None,
) -> None:
    """检查语料：格式、证据、近似重复、雷同字串、分组与划分，并列出统计。"""
    found = _check(files, public, home)
    if found.wrong:
        raise CorpusError("ZF-GOLD-CHECK", f"语料有 {len(found.wrong)} 处不合格", "逐条改正。", found.wrong)
    console().print("语料合格。")


@app.command("stats")
def stats(files: Files = None, home: Home = None) -> None:
    """列出语料的统计表。"""
    _check(files, None, home)


def _check(files: list[Path] | None, public: Path | None, home: Path | None) -> Findings:
    from pipeline.corpus.check import check_corpus
    from pipeline.corpus.gold import read_gold

    settings = load_settings(home)
    taxonomy = load_taxonomy(settings.taxonomy_file)
    paths = files or sorted((settings.path("corpora") / "gold").glob("*.jsonl"))
    found = check_corpus(read_gold(paths, taxonomy), taxonomy, public)
    out = console()
    for title, (head, *rows) in found.tables.items():
        table = Table(*head, title=title, title_justify="left")
        for row in rows:
            table.add_row(*row)
        out.print(table)
    return found
