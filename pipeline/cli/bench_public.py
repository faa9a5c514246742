"""``zuofeng bench public``: other people's schemes with the same commands."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.bench import Public
from pipeline.cli.common import Home, console, run_command
from pipeline.cli.screen import say, table
from pipeline.settings import load_settings

__all__ = ["public"]


def public(
    data: Public = None,
    only: Annotated[
        list[str] | None, typer.Option("--set", help="只量这一套，可多次", metavar="名字", show_default="全部")
    ] = None,
    search: Annotated[float, typer.Option("--search", min=0, help="train --search 的分钟数；0 为不搜索")] = 3.0,
    home: Home = None,
) -> None:
    """别人的标签体系：公开数据各建一个家目录，用同样的命令训练、测量，与通常写法里最好的一种对照。"""
    from pipeline.bench.schemes import measure_set
    from pipeline.bench.sets import SETS, missing_sets

    names = only or list(SETS)
    if wrong := [n for n in names if n not in SETS]:
        raise typer.BadParameter(f"没有这一套：{'、'.join(wrong)}；有 {'、'.join(SETS)}")
    folder = data or load_settings(home).home.parent / "shared" / "data"
    missing_sets(folder, names)
    screen = console()
    rows, chosen = [], []
    for name in names:
        with tempfile.TemporaryDirectory(prefix="zuofeng-public-") as place:
            m = measure_set(SETS[name], folder, Path(place) / name, run_command, minutes=search)
        figures = [c for f in (m.own, m.peer) for c in (f"{f.macro:.3f}", "{:.3f} [{:.3f}, {:.3f}]".format(*f.micro))]
        counts = f"{m.train:,}", f"{m.test:,}"
        rows.append((name, *counts, *figures[:2], SETS[name].peer, *figures[2:], f"{m.seconds:.0f}"))
        s = m.settings
        chosen.append(
            f"{name}：词 {s['word_n']} 元，字 {s['char_shortest']}–{s['char_longest']} 元，至少 {s['min_texts']} 条，"
            f"首句 {s.get('lead', 0):g}，c {s['c']:g}，{s.get('learner', 'svm')}"
            f"{'，频数比 {:g}'.format(s['ratio']) if s.get('ratio') else ''}"
        )
    head = ("数据", "训练", "测试", "宏 F1", "微 F1", "通常写法", "宏 F1", "微 F1", "训练秒数")
    title = "公开数据，没有参与训练的文本；宏 F1 算出现的全部标签，微 F1 附 95% 区间"
    screen.print(table(title, head, rows))
    for line in chosen:
        say(screen, line)
