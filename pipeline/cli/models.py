"""``zuofeng models`` and ``zuofeng promote``."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from pipeline.cli.common import Home, console
from pipeline.settings import load_settings

__all__ = ["list_command", "promote_command"]


def list_command(home: Home = None) -> None:
    """列出模型：哪个在用、按什么训练、文件是否完好。"""
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


def promote_command(model: Annotated[str, typer.Argument(help="模型编号")], home: Home = None) -> None:
    """把一个模型设为在用（原子切换）。"""
    from pipeline.model.registry import set_champion

    set_champion(load_settings(home).path("models"), model)
    console().print(f"在用模型：{model}")
