"""``zuofeng config``: the settings as they are in force."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from pipeline.cli.common import Home, Store, console
from pipeline.cli.screen import table
from pipeline.secrets import hidden
from pipeline.settings import Settings, load_settings, origins, unknown_variables

__all__ = ["command"]


def command(store: Store = None, home: Home = None) -> None:
    """现行配置：每一项的值和来处；口令不显示。"""
    settings = load_settings(home, store=store)
    came_from = origins(settings, store=store, home=home)
    rows = []
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if name == "alert" and value:
            value = [value[0], *["***"] * (len(value) - 1)]  # arguments may be keys
        rows.append((name, _shown(value), came_from[name]))
    out = console()
    out.print(table("", ("设置项", "值", "来自"), rows))
    for name in unknown_variables():
        out.print(f"环境变量 {name} 不对应任何设置项。", highlight=False)


def _shown(value: Any) -> str:
    # A table of settings is hidden from within, as plain data.
    value = hidden(value.model_dump(mode="json") if isinstance(value, BaseModel) else value)
    return (
        json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str("" if value is None else value)
    )
