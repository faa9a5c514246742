"""``zuofeng models`` and ``zuofeng promote``."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer
from rich.table import Table

from pipeline.cli.common import Home, Store, console
from pipeline.settings import Settings, load_settings

__all__ = ["list_command", "promote_command"]


def list_command(
    day: Annotated[
        dt.datetime | None,
        typer.Option("--on", formats=["%Y-%m-%d"], help="某一天在用的是哪个模型，那天有哪些运行。", show_default=False),
    ] = None,
    store: Store = None,
    home: Home = None,
) -> None:
    """列出模型：哪个在用、按什么训练、文件是否完好；--on 说明某一天在用的是哪个。"""
    if day is not None:
        _on(day.date(), load_settings(home, store=store))
        return
    from pipeline.errors import BundleError
    from pipeline.model.bundle import load_bundle
    from pipeline.model.registry import champion_id, list_models

    folder = load_settings(home).path("models")
    live = champion_id(folder)
    table = Table("在用", "模型", "标签体系", "语料", "状态")
    for model in list_models(folder):
        mark = "●" if model == live else ""
        try:
            bundle = load_bundle(folder / model)
        except BundleError as e:
            table.add_row(mark, model, "", "", f"{e.code} {e.message}")
            continue
        table.add_row(
            mark,
            model,
            f"{bundle.taxonomy.id} {bundle.taxonomy.version}",
            f"{bundle.manifest['corpus']['texts']} 条",
            "完好",
        )
    console().print(table)
    if live is not None and live not in list_models(folder):
        raise BundleError(
            "ZF-MODEL-MISSING", f"在用模型 {live} 不在 {folder}", "用 zuofeng promote 换一个，或重新训练。"
        )


def _on(day: dt.date, settings: Settings) -> None:
    """Print what was live on a day and the runs of that day."""
    from pipeline.desk.configure import open_store
    from pipeline.model.history import CHINA, live_during, switches
    from pipeline.model.registry import champion_id

    out = console()
    live = Table("起", "模型", title=f"{day} 在用的模型（北京时间）", title_justify="left")
    for switch in live_during(settings.path("models"), day):
        live.add_row(f"{switch.time.astimezone(CHINA):%Y-%m-%d %H:%M:%S}", switch.model)
    if live.row_count:
        out.print(live)
    else:
        first = next(iter(switches(settings.path("models"))), None)
        model = first.before if first else champion_id(settings.path("models"))
        out.print(f"{day} 还没有切换记录；第一次记录之前在用的是 {model or '（没有）'}。", highlight=False)
    open_store(settings.store_url)
    from pipeline.batch.ledger import runs_on

    runs = Table("运行", "种类", "状态", "模型", "读入", title="那天开始的运行", title_justify="left")
    for run in runs_on(day, CHINA):
        runs.add_row(run.id, run.kind, run.state, run.model, str(run.counts.get("read", "")))
    out.print(runs if runs.row_count else f"{day}：没有运行。")


def promote_command(model: Annotated[str, typer.Argument(help="模型编号")], home: Home = None) -> None:
    """把一个模型设为在用（原子切换）。"""
    from pipeline.model.registry import set_champion

    set_champion(load_settings(home).path("models"), model)
    console().print(f"在用模型：{model}")
