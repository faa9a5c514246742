"""``zuofeng sample draw`` and ``measure``: live accuracy from a random sample labelled blind."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.table import Table

from pipeline.cli.common import Home, Model, Store, console, open_scorer
from pipeline.errors import CorpusError
from pipeline.settings import load_settings
from pipeline.taxonomy import Taxonomy

if TYPE_CHECKING:
    from pipeline.analyst.live import Estimate
    from pipeline.exchange.labelled import Labelled

__all__ = ["app"]

app = typer.Typer(help="真实准确度：随机抽样，盲标，加权估计。", no_args_is_help=True, rich_markup_mode=None)


@app.command("draw")
def draw_command(
    out: Annotated[Path, typer.Option("--out", help="写到哪里：.jsonl；只有原文和抽中概率，没有模型的结论")],
    rate: Annotated[float, typer.Option("--rate", min=0.0001, max=1, help="每篇抽中的概率")] = 0.02,
    decided: Annotated[
        float | None, typer.Option("--decided-rate", min=0.0001, max=1, help="模型判出标签的，抽中的概率；默认相同")
    ] = None,
    salt: Annotated[str, typer.Option("--salt", help="换一个词就换一批；同一个词总是抽中同样的文本")] = "zuofeng",
    store: Store = None,
    model: Model = None,
    home: Home = None,
) -> None:
    """从存储里随机抽文本供盲标。"""
    from pipeline.analyst.live import draw
    from pipeline.batch.stored import stored_documents

    settings = load_settings(home, store=store)
    stored = [
        s for s in stored_documents(settings.store_url, open_scorer(settings, model).bundle.id) if s.decided is not None
    ]
    chances = np.array([(decided or rate) if s.decided else rate for s in stored])
    drawn = draw([s.document.id for s in stored], chances, salt)
    with out.open("w", encoding="utf-8") as lines:
        for d in drawn:
            row = {"id": stored[d.row].document.id, "text": stored[d.row].document.text, "probability": d.probability}
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
    console().print(f"{out}：从 {len(stored)} 篇里抽出 {len(drawn)} 篇", highlight=False, soft_wrap=True)


@app.command("measure")
def measure_command(
    drawn: Annotated[Path, typer.Option("--drawn", help="sample draw 写出的文件")],
    reviewed: Annotated[list[Path], typer.Option("--reviewed", help="盲标的结果，任何带标签的格式；几个人的都给")],
    model: Model = None,
    home: Home = None,
) -> None:
    """按抽中概率加权，估计每个标签的查准率、查全率和区间；旁边列出人与人的一致程度。"""
    from pipeline.analyst.live import measure_live
    from pipeline.corpus.gold import label_matrix
    from pipeline.exchange.files import read_files
    from pipeline.exchange.settle import settle

    settings = load_settings(home)
    scorer = open_scorer(settings, model)
    taxonomy = scorer.bundle.taxonomy
    chances = _chances(drawn)
    items = [i for i in read_files(reviewed, taxonomy).items if i.gold.id in chances]
    settled, dropped = settle(items, taxonomy)
    if not settled:
        raise CorpusError(
            "ZF-SAMPLE-NONE", "盲标结果里没有一条是抽出来的文本", "检查 --drawn 与 --reviewed 是否同一批。"
        )
    gold = [i.gold for i in settled]
    called = scorer.decide(scorer.probabilities([g.text for g in gold]))
    labels = [label for _, label in scorer.columns]
    rows = measure_live(label_matrix(gold, taxonomy), called, np.array([chances[g.id] for g in gold]), labels)
    people = _people(items, taxonomy)
    missing = len(chances) - len({i.gold.id for i in items})
    table = Table(title=f"抽样 {len(chances)} 篇，已标 {len(gold)} 篇，模型 {scorer.bundle.id}", title_justify="left")
    for head in ("标签", "占全部来文", "查准率", "查全率", "人与人 F1"):
        table.add_column(head, justify="left" if head == "标签" else "right")
    for r in rows:
        name = taxonomy.label(r.label).name
        table.add_row(name, _say(r.share), _say(r.precision), _say(r.recall), people.get(r.label, "–"))
    screen = console()
    screen.print(table)
    for sentence in dropped:
        screen.print(f"不用 {sentence}", markup=False, soft_wrap=True)
    if missing:
        screen.print(f"还有 {missing} 篇抽中的没有标：只标了容易的，估计就会偏。")


def _chances(path: Path) -> dict[str, float]:
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return {str(r["id"]): float(r["probability"]) for r in rows}
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise CorpusError("ZF-SAMPLE-READ", f"读不了抽样文件 {path}：{e}", "用 zuofeng sample draw 写出的文件。") from e


def _people(items: list[Labelled], taxonomy: Taxonomy) -> dict[str, str]:
    """Return F1 of one person against another per label, over every pair who read the same text."""
    from pipeline.corpus.agreement import agreement
    from pipeline.corpus.gold import label_matrix

    by_text: dict[str, dict[str, Labelled]] = {}
    for i in items:
        by_text.setdefault(i.gold.id, {})[i.by] = i
    pairs = [pair for people in by_text.values() for pair in combinations(people.values(), 2)]
    if not pairs:
        return {}
    first, second = (label_matrix([p[side].gold for p in pairs], taxonomy) for side in (0, 1))
    return {a.label: f"{a.f1:.2f}（{len(pairs)} 对）" for a in agreement(first, second, taxonomy) if a.first + a.second}


def _say(e: Estimate) -> str:
    return f"{e.value:.3f} [{e.low:.2f}, {e.high:.2f}]（{e.texts}）" if e.texts else "–"
