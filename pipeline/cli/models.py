"""``zuofeng models``: which there are, which is live, and how it came to be."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipeline.cli.common import Home, Store, console
from pipeline.cli.screen import table
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from pipeline.model.bundle import Bundle

__all__ = ["command"]


def command(
    history: Annotated[bool, typer.Option("--history", help="列出历次启用与退回：谁、何时、为什么。")] = False,
    runs: Annotated[bool, typer.Option("--runs", help="列出历次训练：设置、数据、数字。")] = False,
    card: Annotated[
        str | None, typer.Option("--card", help="打印这个模型的模型卡（Markdown）；live 是在用的", show_default=False)
    ] = None,
    language: Annotated[Literal["zh", "en"], typer.Option("--lang", help="模型卡的语言")] = "zh",
    day: Annotated[
        dt.datetime | None,
        typer.Option("--on", formats=["%Y-%m-%d"], help="某一天在用的是哪个模型，那天有哪些运行。", show_default=False),
    ] = None,
    store: Store = None,
    home: Home = None,
) -> None:
    """列出模型：哪个在用、按什么训练、文件是否完好；--on 说明某一天在用的是哪个。"""
    from pipeline.errors import BundleError
    from pipeline.model.registry import champion_id, list_models, load_model

    settings = load_settings(home, store=store)
    folder = settings.path("models")
    if day is not None:
        _on(day.date(), settings)
        return
    if card:
        _card(folder, card, language)
        return
    if history:
        _history(folder)
        return
    if runs:
        _runs(folder)
        return
    live, rows = champion_id(folder), []
    for model in list_models(folder):
        try:
            bundle = load_model(folder, model)
            made = f"{bundle.taxonomy.id} {bundle.taxonomy.version}", f"{bundle.manifest['corpus']['texts']} 条"
            said = (*made, _home(bundle), "完好")
        except BundleError as e:
            said = ("", "", "", f"{e.code} {e.message}")
        rows.append(("●" if model == live else "", model, *said))
    console().print(table("", ("在用", "模型", "标签体系", "语料", "照本单位重设", "状态"), rows))
    if live is not None and live not in list_models(folder):
        raise BundleError(
            "ZF-MODEL-MISSING", f"在用模型 {live} 不在 {folder}", "用 zuofeng promote 换一个，或重新训练。"
        )


def _home(bundle: Bundle) -> str:
    """Return how far a model is at home in an office, and what from."""
    how = {"adapted": "{documents} 条复核", "accustomed": "{documents} 条来文定说法", "abroad": "没有"}
    return how.get(bundle.home, "–").format(**{"documents": "", **bundle.manifest.get(bundle.home, {})})


def _card(folder: Path, model: str, language: str) -> None:
    from pipeline.model.history import read_history
    from pipeline.model.registry import find_model
    from pipeline.model.runs import read_runs
    from pipeline.reports.card import model_card

    bundle = find_model(folder, None if model == "live" else model)
    # On the corpus it says what the one says that it was made of by taking wording for otherwise strange.
    same = (bundle.id, bundle.manifest.get("accustomed", {}).get("from") if bundle.home == "accustomed" else None)
    run = next((r for r in reversed(read_runs(folder)) if r["model"] in same), None)
    sys.stdout.write(model_card(bundle, run, read_history(folder), language))


def _on(day: dt.date, settings: Settings) -> None:
    """Print what was live on a day and the runs of that day."""
    from pipeline.desk.configure import open_store
    from pipeline.model.history import read_history
    from pipeline.model.live import CHINA, live_during
    from pipeline.model.registry import champion_id

    out, folder = console(), settings.path("models")
    live = [
        (f"{dt.datetime.fromisoformat(entry.at).astimezone(CHINA):%Y-%m-%d %H:%M:%S}", entry.model)
        for entry in live_during(folder, day)
    ]
    if live:
        out.print(table(f"{day} 在用的模型（北京时间）", ("起", "模型"), live))
    else:
        first = next(iter(read_history(folder)), None)
        model = (first.before or (first.model if first.action == "found" else None)) if first else champion_id(folder)
        out.print(f"{day} 还没有切换记录；第一次记录之前在用的是 {model or '（没有）'}。", highlight=False)
    open_store(settings.store_url, there=True)
    from pipeline.batch.ledger import KINDS, STATES, runs_on

    runs = [
        (run.id, KINDS[run.kind], STATES[run.state], run.model, str(run.counts.get("read", "")))
        for run in runs_on(day, CHINA)
    ]
    head = ("运行", "种类", "状态", "模型", "读入")
    out.print(table("那天开始的运行", head, runs) if runs else f"{day}：没有运行。")


def _runs(folder: Path) -> None:
    from pipeline.model.runs import read_runs

    rows = []
    for r in read_runs(folder):
        macros = [s["macro_f1"] for s in r["figures"].get("schemes", {}).values()]
        figures = " / ".join(f"{m[0]:.3f}" if m else "–" for m in macros)
        rows.append((
            r["at"][:19].replace("T", " "), r["model"], r["author"], str(r["corpus"]["texts"]),
            r["corpus"]["sha256"][:8], r["code"][:8], str(r["seconds"]), figures or "没有留出测试",
        ))  # fmt: skip
    head = ("时间（UTC）", "模型", "谁", "文本", "数据", "代码", "秒", "宏 F1（测试部分）")
    console().print(table("训练记录", head, rows))


def _history(folder: Path) -> None:
    from pipeline.errors import BundleError
    from pipeline.model.compare import SOURCES
    from pipeline.model.history import ACTIONS, first_broken, read_history

    rows = []
    for e in read_history(folder):
        forced = "（强行）" if e.forced else ""
        texts = f"比在{SOURCES[e.summary['source']]} {e.summary['texts']} 条上" if "source" in e.summary else ""
        reason = "\n".join(filter(None, [e.reason, texts, *(f"不顾：{o}" for o in e.objections)]))
        rows.append((
            str(e.number), e.at[:19].replace("T", " "), ACTIONS.get(e.action, e.action) + forced,
            e.model, e.before or "", e.author, reason,
        ))  # fmt: skip
    console().print(table("模型沿革", ("", "时间（UTC）", "动作", "模型", "此前", "谁", "理由"), rows))
    if (wrong := first_broken(folder)) is not None:
        raise BundleError(
            "ZF-HISTORY-CHANGED",
            f"{folder / 'history.jsonl'} 被改动过：第 {wrong} 行接不上前文",
            "从备份恢复；只增不改的文件不应编辑。",
        )
