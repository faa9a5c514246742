"""``zuofeng bench story``: the analysts' whole story on a fresh store."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.common import Home, console, out_folder, run_command
from pipeline.cli.screen import say
from pipeline.errors import ConfigError
from pipeline.settings import load_settings
from pipeline.taxonomy import load_taxonomy

__all__ = ["story"]


def story(
    texts: Annotated[int, typer.Option("--texts", min=60, help="起点的语料有多少条")] = 2000,
    reviews: Annotated[int, typer.Option("--reviews", min=20, help="模拟多少次复核")] = 300,
    out: Annotated[
        Path | None,
        typer.Option("--out", callback=out_folder, help="在这个空目录里做，留着看；默认临时目录", show_default=False),
    ] = None,
    home: Home = None,
) -> None:
    """从头走一遍：夜、复核、快照、重训、比较、陪跑、启用、退回；每一步都是真的命令，最后看留痕齐不齐。"""
    from pipeline.bench.story import tell
    from pipeline.corpus.gold import read_gold

    settings = load_settings(home)
    corpora = settings.path("corpora")
    if out is not None and out.exists() and any(out.iterdir()):
        raise ConfigError("ZF-STORY-OUT", f"{out} 不是空目录", "换一个空目录。")
    gold = read_gold(settings.gold_files, load_taxonomy(settings.taxonomy_file))
    screen = console()
    with tempfile.TemporaryDirectory(prefix="zuofeng-story-") as folder:
        found = tell(
            corpora, gold, (out or Path(folder)).resolve(), run_command, partial(say, screen),
            texts=texts, reviews=reviews,
        )  # fmt: skip
    missing = found.missing
    whole = f"留痕 {found.trail.total()} 条，" + (f"缺 {'、'.join(missing)}" if missing else "每一个动作都在")
    say(screen, f"\n{whole}；封签不符 {found.broken} 处。")
    raise typer.Exit(1 if missing or found.broken else 0)
