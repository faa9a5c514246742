"""``zuofeng audit-labels``: labels that look wrong, with the words that say so."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.common import Home, Model, columns_of, console, is_foreign, open_scorer, out_file, say_passed
from pipeline.cli.screen import say, short, table
from pipeline.settings import load_settings

__all__ = ["command"]


def command(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="带标签的文件（语料、复核结果、表格……），默认 corpora/gold/*.jsonl", show_default=False),
    ] = None,
    unseen: Annotated[
        bool, typer.Option("--unseen", help="模型没用这些文本训练过：直接用它的分数，不另做交叉验证。")
    ] = False,
    most: Annotated[int, typer.Option("--most", min=1, help="最多列多少处")] = 50,
    out: Annotated[Path | None, typer.Option("--out", callback=out_file, help="另存一份 .csv")] = None,
    model: Model = None,
    home: Home = None,
) -> None:
    """找可能标错的标签：多标的、漏标的，最可疑的在前，附证据。"""
    from pipeline.analyst.held_out import held_out_probabilities
    from pipeline.analyst.label_errors import find_suspects
    from pipeline.exchange.files import read_files
    from pipeline.model.familiar import remembered

    settings = load_settings(home)
    scorer = open_scorer(settings, model)
    taxonomy = scorer.bundle.taxonomy
    if not files and is_foreign(settings, scorer.bundle):
        raise typer.BadParameter(f"模型 {scorer.bundle.id} 的标签与这里的语料不同：给出按它的标签标过的文件")
    paths = files or settings.gold_files
    screen = console()
    with screen.status("查标签"):
        read = read_files(paths, taxonomy, columns=columns_of(settings))
        say_passed(read.passed, screen)
        gold = [i.gold for i in read.items]
        scores = (
            scorer.probabilities([g.text for g in gold])[:, :-1] if unseen else held_out_probabilities(scorer, gold)
        )
        found = find_suspects(scorer, gold, scores, most=most)
        known = int(remembered(settings.path("models"), gold, scorer.bundle.manifest).sum()) if unseen else 0
    shown = (
        (
            s.id, taxonomy.label(s.label).name, "有" if s.given else "没有", f"{s.probability:.2f}",
            short("；".join(f"“{e.quote}”" for e in s.evidence) or s.text, 60),
        )
        for s in found
    )  # fmt: skip
    head = ("编号", "标签", "现在", "应有概率", "证据或原文")
    screen.print(table(f"{len(gold)} 条文本里最可疑的 {len(found)} 处", head, shown, lines=True))
    if known:
        say(screen, f"其中 {known} 条模型已用来训练或重设过，它多半照着标的说：去掉 --unseen 再查。")
    if out:
        from pipeline.batch.writeback import write_csv

        rows = (
            (
                s.id, s.label, taxonomy.label(s.label).name, "有" if s.given else "没有", f"{s.probability:.4f}",
                f"{s.quality:.4f}", "；".join(e.quote for e in s.evidence), s.text,
            )
            for s in found
        )  # fmt: skip
        write_csv(out, ("编号", "标签", "名称", "现在", "应有概率", "标签质量", "证据", "原文"), rows)
        say(screen, f"表：{out}")
