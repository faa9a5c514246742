"""``zuofeng shadow``: a challenger beside the live model for some nights."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from pipeline.cli.common import Home, Output, Store, console, open_challenger, open_desk, open_scorer
from pipeline.cli.promote import Author, whoami
from pipeline.cli.screen import say, table
from pipeline.errors import ConfigError
from pipeline.settings import load_settings
from pipeline.taxonomy import Taxonomy, load_taxonomy

if TYPE_CHECKING:
    from pipeline.desk.shadow_report import Trial

__all__ = ["app"]

app = typer.Typer(
    help="陪跑：新模型与在用模型一起给夜里的文本打分，复核台上看不到它。", no_args_is_help=True, rich_markup_mode=None
)
_STATES = {"on": "陪跑中", "done": "已跑完", "stopped": "已停"}
SHOWN = 20


@app.command("start")
def start_command(
    model: Annotated[str, typer.Argument(help="模型编号")],
    nights: Annotated[int, typer.Option("--nights", min=1, max=365, help="陪几夜；没有新文本的夜不算")] = 7,
    sample: Annotated[int, typer.Option("--sample", min=0, max=1000, help="每夜把多少件两者不一的送进队列")] = 20,
    author: Author = None,
    store: Store = None,
    home: Home = None,
) -> None:
    """让一个模型陪跑；每夜抽一些两者不一的，连同一样多的别的件，以“抽查”名义送进队列。"""
    settings = load_settings(home, store=store)
    live = open_scorer(settings, None).bundle
    if live.id == model:
        raise ConfigError("ZF-SHADOW-LIVE", f"{model} 就是在用模型", "陪跑的应是还没有启用的模型。")
    open_challenger(settings, model, live)
    open_desk(home, store)
    from pipeline.desk.shadows import start

    who = author or whoami()
    start(model, nights=nights, sample=sample, by=who, actor=who)
    say(console(), f"{model} 从下一夜起陪跑 {nights} 夜，每夜抽 {sample} 件不一致的送进队列。")


@app.command("stop")
def stop_command(
    model: Annotated[str, typer.Argument(help="模型编号")],
    author: Author = None,
    store: Store = None,
    home: Home = None,
) -> None:
    """提前停止陪跑；打过的分留着，report 还看得到。"""
    open_desk(home, store)
    from pipeline.desk.shadows import stop

    found = stop(model, actor=author or whoami())
    say(console(), f"{model} 停止陪跑，跑了 {found.done.count()} 夜。")


@app.command("report")
def report_command(
    model: Annotated[str | None, typer.Argument(help="模型编号，默认全部", show_default=False)] = None,
    output: Output = "table",
    store: Store = None,
    home: Home = None,
) -> None:
    """陪跑到现在：逐标签哪些只有一方判出，人看过的不一致里谁对。给分析员看，复核的人不必看。"""
    settings = open_desk(home, store)
    from pipeline.desk.shadow_report import report, trials_of

    taxonomy = load_taxonomy(settings.taxonomy_file)
    found = [report(s, [label for _, label in taxonomy.columns]) for s in trials_of(model)]
    if output == "json":
        sys.stdout.write(json.dumps([_plain(t) for t in found], ensure_ascii=False, indent=1) + "\n")
        return
    screen = console()
    if not found:
        screen.print("还没有陪跑过。")
    for trial in found:
        _show(trial, taxonomy, screen)


def _plain(trial: Trial) -> dict[str, object]:
    """Return plain data; what is not a number yet is null."""
    found = asdict(trial)
    for holder, key in ((found, "p"), (found["better"], "value")):
        holder[key] = None if holder[key] != holder[key] else holder[key]
    return found


def _show(t: Trial, taxonomy: Taxonomy, out: Console) -> None:
    names = {label: taxonomy.label(label).name for _, label in taxonomy.columns}
    rows = []
    for r in t.rows:
        counts = (r.live_only, r.challenger_only, r.live_right, r.challenger_right)
        if any(counts):
            rows.append((names[r.label], *map(str, counts)))
    title = f"{t.model}：{_STATES[t.state]}，{t.nights[0]} / {t.nights[1]} 夜"
    head = ("标签", "只有在用的判", "只有陪跑的判", "人看过：在用的对", "人看过：陪跑的对")
    out.print(table(title, head, rows, words=1))
    missing = f"，{t.missing} 件陪跑的没打成分" if t.missing else ""
    both = f"两者都打过分 {t.texts} 件{missing}，判定不一 {t.flips} 件"
    asked = "，".join(f"{who} {v:.1%}" for who, v in zip(("在用", "陪跑"), t.asked, strict=True))
    lines = [
        f"在用模型 {'、'.join(t.beside) or '–'}；{both}；交人的：{asked}。",
        f"抽进队列 {t.drawn} 件不一致的，人看过 {t.read} 件。",
    ]
    if sum(t.wins):
        b = t.better
        lines.append(
            f"其中在用的更近 {t.wins[0]} 件，陪跑的更近 {t.wins[1]} 件（按抽中概率加权 {b.value:.0%}，"
            f"95% 区间 [{b.low:.0%}, {b.high:.0%}]，符号检验 p = {t.p:.3f}）。"
        )
        lines.append("人判的时候看到的是在用模型的判定，若有偏向，偏向在用的。")
    for line in lines:
        say(out, line)
    if t.listed:
        flips = []
        for f in t.listed[:SHOWN]:
            cells = ("；".join(names.get(i, i) for i in ids) for ids in (f.live_only, f.challenger_only, f.people))
            flips.append((f.key, *cells))
        out.print(table("人看过的不一致", ("编号", "只有在用的判", "只有陪跑的判", "人判"), flips))
