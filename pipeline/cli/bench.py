"""``zuofeng bench``: the measurements behind the figures in the documents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from pipeline.cli.common import Home, console
from pipeline.settings import load_settings
from pipeline.taxonomy import load_taxonomy

__all__ = ["app"]

app = typer.Typer(help="量文档里的数字。", no_args_is_help=True, rich_markup_mode=None)

Public = Annotated[Path | None, typer.Option("--public", help="公开数据目录，默认 ../shared/data", show_default=False)]


@app.callback()
def bench() -> None:
    """量文档里的数字。"""


@app.command("corpus")
def corpus(
    public: Public = None,
    picture: Annotated[Path | None, typer.Option("--picture", help="曲线图存为 .svg")] = None,
    first: Annotated[str, typer.Option("--first", help="首批文本的编号以什么开头")] = "s-",
    home: Home = None,
) -> None:
    """学习曲线：通常写法用八分之一到全部语料训练，测在语料的 test 部分和带标签的真实留言上。"""
    from pipeline.bench.curve import draw_curve, learning_curve
    from pipeline.bench.public import labelled_messages, public_folder
    from pipeline.corpus.gold import read_gold

    settings = load_settings(home)
    taxonomy = load_taxonomy(settings.taxonomy_file)
    messages = labelled_messages(public_folder(public, settings.home), taxonomy)
    gold = read_gold(sorted((settings.path("corpora") / "gold").glob("*.jsonl")), taxonomy)
    out = console()
    with out.status("训练") as status:
        points = learning_curve(
            [g for g in gold if g.part != "test"],
            [g for g in gold if g.part == "test"],
            messages,
            taxonomy,
            first=lambda g: g.id.startswith(first),
            progress=lambda step: status.update(f"训练：{step}"),
        )
    table = Table(
        title=f"词 ∪ 字，TF-IDF，逻辑回归；真实留言 {len(messages)} 条（没有用于训练），宏 F1 只算五个以上正例的标签",
        title_justify="left",
    )
    for head in ("训练", "文本", "测在", "阈值", *(s.name for s in taxonomy.schemes)):
        table.add_column(head)
    for p in points:
        table.add_row(p.training, str(p.texts), p.test, p.thresholds, *(f"{v:.3f}" for v in p.macro_f1.values()))
    out.print(table)
    if picture:
        draw_curve(points, taxonomy, picture)
        out.print(f"图：{picture}")
