"""``zuofeng bench drift``, ``label-errors`` and ``suggest``: the measured curves of the analysts' tools."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.bench import Picture
from pipeline.cli.common import Home, Model, console, open_scorer, save_picture
from pipeline.cli.screen import table
from pipeline.settings import load_settings

__all__ = ["drift", "label_errors", "suggest"]

Every = Annotated[int, typer.Option("--every", min=1, help="每几条取一条，快些")]


def label_errors(
    share: Annotated[float, typer.Option("--share", min=0.001, max=0.5, help="埋错的文本占多少")] = 0.05,
    every: Every = 2,
    picture: Picture = None,
    model: Model = None,
    home: Home = None,
) -> None:
    """在语料里埋下标错的标签，看 audit-labels 找回多少。"""
    from pipeline.bench.planted import draw_recovery, recover
    from pipeline.corpus.gold import read_gold

    settings = load_settings(home)
    scorer = open_scorer(settings, model)
    gold = read_gold(settings.gold_files, scorer.bundle.taxonomy)[::every]
    screen = console()
    with screen.status("埋错、查错"):
        found = recover(scorer, gold, share=share)
    planted = len(found.rank)
    at_random = found.flagged * planted / found.cells
    rows = [("判为标错", f"{found.flagged} 处，其中埋的 {found.hits} 处（随机应为 {at_random:.0f}）")]
    looked = (planted, 2 * planted, 4 * planted)
    rows += [(f"看最可疑的 {most} 处，找到", f"{found.found(most):.1%}") for most in looked]
    rows.append(("随机看同样多（四倍），找到", f"{4 * planted / found.cells:.1%}"))
    screen.print(table(f"{found.texts} 条文本，埋错 {planted} 处", ("项目", "数值"), rows))
    save_picture(picture, lambda: draw_recovery(found), screen)


def suggest(
    every: Every = 2,
    positives: Annotated[
        float, typer.Option("--positives", min=0.01, max=1, help="待标文本里有标签的占多少；真实来文里是少数")
    ] = 0.2,
    batch: Annotated[int, typer.Option("--batch", min=10, help="每批标多少条")] = 100,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="标多少批")] = 8,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="重复几遍")] = 3,
    picture: Picture = None,
    model: Model = None,
    home: Home = None,
) -> None:
    """在语料上重演标注：按 suggest 挑与随机挑，同样的宏 F1 各要标多少条。"""
    from pipeline.bench.saved import draw_saved, replay, saved
    from pipeline.corpus.gold import read_gold

    settings = load_settings(home)
    scorer = open_scorer(settings, model)
    gold = read_gold(settings.gold_files, scorer.bundle.taxonomy)
    innocent = [g for g in gold if g.part != "test" and not g.positive][::every]
    having = [g for g in gold if g.part != "test" and g.positive]
    wanted = min(len(having), round(len(innocent) * positives / max(1 - positives, 1e-9)))
    pool = innocent + having[:: max(1, len(having) // max(wanted, 1))][:wanted]
    test = [g for g in gold if g.part == "test"]
    screen = console()
    with screen.status("重演") as status:
        points = replay(scorer, pool, test, batch=batch, rounds=rounds, seeds=range(seeds), progress=status.update)
    rows = (
        (f"{f1:.3f}", f"{at_random:.0f}", f"{chosen:.0f}", f"{1 - chosen / at_random:.0%}")
        for f1, at_random, chosen in saved(points)
    )
    title = f"从 {len(pool)} 条里标，测在 {len(test)} 条上，{seeds} 遍平均"
    screen.print(table(title, ("宏 F1", "随机要标", "按建议要标", "省下"), rows, words=0))
    save_picture(picture, lambda: draw_saved(points), screen)


def drift(
    months: Annotated[int, typer.Option("--months", min=2, help="每种埋法试多少个月")] = 100,
    size: Annotated[int, typer.Option("--size", min=60, help="每个月多少条")] = 600,
    picture: Picture = None,
    model: Model = None,
    home: Home = None,
) -> None:
    """在没有变化的月份和埋了变化的月份上，量 drift 的误报率和发现率。"""
    from pipeline.analyst.windows import make_window
    from pipeline.bench.quiet import draw_alarms, measure_alarms
    from pipeline.corpus.gold import read_gold
    from pipeline.documents import Document

    settings = load_settings(home)
    scorer = open_scorer(settings, model)
    gold = read_gold(settings.gold_files, scorer.bundle.taxonomy)
    screen = console()
    with screen.status("打分") as status:
        pool = make_window(scorer, [Document(g.id, g.text) for g in gold])
        labels = [label for _, label in scorer.columns]
        found = measure_alarms(pool, labels, size=size, months=months, progress=status.update)
    rows = []
    for a in found:
        cells = ("{:.1%} [{:.1%}, {:.1%}]".format(n / a.months, *a.interval(n)) for n in (a.any, a.planted))
        rows.append((f"{a.share:.0%}" if a.share else "没有变化", *cells))
    head = ("埋入", "报出任何变化（95% 区间）", "报出所埋的标签（95% 区间）")
    screen.print(table(f"每月 {size} 条，与另外 {size} 条相比，各 {months} 个月", head, rows, words=0))
    save_picture(picture, lambda: draw_alarms(found), screen)
