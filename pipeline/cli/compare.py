"""``zuofeng compare A B``: two models on the same texts."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pipeline.cli.common import Home, console, open_as_it_was, out_file
from pipeline.settings import Settings, load_settings
from pipeline.taxonomy import Taxonomy

if TYPE_CHECKING:
    from pipeline.corpus.gold import Gold

__all__ = ["command", "test_texts"]

#: Flips shown on a terminal; the report has all.
SHOWN = 12


def command(
    a: Annotated[str, typer.Argument(help="甲：模型编号或目录，多半是在用的")],
    b: Annotated[str, typer.Argument(help="乙：模型编号或目录，多半是新训练的")],
    gold: Annotated[list[Path] | None, typer.Option("--gold", help="在这些文本上比较，默认语料的 test 部分")] = None,
    report: Annotated[Path | None, typer.Option("--report", callback=out_file, help="另存一份完整报告：.html")] = None,
    output: Annotated[str, typer.Option("--format", help="table 或 json")] = "table",
    home: Home = None,
) -> None:
    """成对比较两个模型：逐标签的差、区间与检验，翻转的文本和证据，按语域与长度，许诺，速度。"""
    from pipeline.model.compare import ask_for_same_labels, compare
    from pipeline.model.promote import objections

    if output not in ("table", "json"):
        raise typer.BadParameter("--format 只能是 table 或 json")
    settings = load_settings(home)
    one, other = open_as_it_was(settings, a), open_as_it_was(settings, b)
    # Before texts are read by the scheme of one of them.
    ask_for_same_labels(one.bundle, other.bundle)
    screen = console()
    with screen.status("比较") as status:
        texts = test_texts(settings, one.bundle.taxonomy, gold)
        found = compare(one, other, texts, progress=lambda step: status.update(f"比较：{step}"))
    if report:
        from pipeline.reports.comparison import comparison_page

        report.write_text(comparison_page(found), encoding="utf-8")
    if output == "json":
        sys.stdout.write(json.dumps(found.to_dict(), ensure_ascii=False, indent=1) + "\n")
        return
    from pipeline.reports.comparison import comparison_tables

    for table in comparison_tables(found, flips=SHOWN):
        drawn = Table(*table.head, title=table.title, title_justify="left")
        for row in table.rows:
            drawn.add_row(*row)
        screen.print(drawn)
    against = objections(found)
    for sentence in against:
        screen.print(f"反对启用乙：{sentence}", markup=False, soft_wrap=True)
    if not against:
        screen.print("没有标签显著下降，没有许诺被违背。")
    if report:
        screen.print(f"报告：{report}", markup=False, highlight=False, soft_wrap=True)


def test_texts(settings: Settings, taxonomy: Taxonomy, gold: list[Path] | None) -> list[Gold]:
    """Return the texts of ``gold``, or the test part of the home's corpus."""
    from pipeline.corpus.gold import read_gold

    if gold:
        return read_gold(gold, taxonomy)
    return [g for g in read_gold(settings.gold_files, taxonomy) if g.part == "test"]
