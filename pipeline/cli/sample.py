"""``zuofeng sample draw`` and ``measure``: live accuracy from a random sample labelled blind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from pipeline.cli.common import Home, Model, Store, columns_of, console, open_scorer, out_file, say_passed
from pipeline.cli.promote import whoami
from pipeline.cli.screen import say, table
from pipeline.errors import ConfigError, CorpusError
from pipeline.settings import Settings, load_settings
from pipeline.taxonomy import Taxonomy

if TYPE_CHECKING:
    from pipeline.analyst.live import Estimate, Shares
    from pipeline.corpus.gold import Gold
    from pipeline.exchange.labelled import Labelled

__all__ = ["app"]

app = typer.Typer(help="真实准确度：随机抽样，盲标，加权估计。", no_args_is_help=True, rich_markup_mode=None)


@app.command("draw")
def draw_command(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", callback=out_file, help="写到哪里：.jsonl；只有原文和抽中概率，没有模型的结论", show_default=False
        ),
    ] = None,
    desk: Annotated[bool, typer.Option("--desk", help="不写文件：放进复核台的队列，判完之前不显示模型的结论")] = False,
    rate: Annotated[float, typer.Option("--rate", min=0.0001, max=1, help="每篇抽中的概率")] = 0.02,
    decided: Annotated[
        float | None, typer.Option("--decided-rate", min=0.0001, max=1, help="模型判出标签的，抽中的概率；默认相同")
    ] = None,
    salt: Annotated[str, typer.Option("--salt", help="换一个词就换一批；同一个词总是抽中同样的文本")] = "zuofeng",
    store: Store = None,
    model: Model = None,
    home: Home = None,
) -> None:
    """从存储里随机抽文本供盲标：写成文件，或放进复核台的队列（每夜之后、上班之前运行一次，只添新来的）。"""
    if (out is None) != desk:
        raise typer.BadParameter("给 --out 或 --desk，二者选一。")
    from pipeline.analyst.live import draw
    from pipeline.batch.stored import stored_documents

    settings = load_settings(home, store=store)
    scored_by = open_scorer(settings, model).bundle.id
    stored = [s for s in stored_documents(settings.store_url, scored_by) if s.decided is not None]
    if not stored:
        raise ConfigError(
            "ZF-SAMPLE-NONE", f"存储里没有 {scored_by} 打过分的件，抽不出来",
            f"刚换过模型的，等下一夜，或先运行 zuofeng rescore --model {scored_by}；没有跑过夜的，先 zuofeng nightly。",
        )  # fmt: skip
    chances = np.array([(decided or rate) if s.decided else rate for s in stored])
    drawn = draw([s.document.id for s in stored], chances, salt)
    if out is None:
        _into_queue({stored[i].document.id: float(chances[i]) for i in drawn}, salt, settings, len(stored))
        return
    with out.open("w", encoding="utf-8") as lines:
        for i in drawn:
            document = stored[i].document
            row = {"id": document.id, "text": document.text, "probability": float(chances[i])}
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
    say(console(), f"{out}：从 {len(stored)} 篇里抽出 {len(drawn)} 篇")


@app.command("measure")
def measure_command(
    drawn: Annotated[Path | None, typer.Option("--drawn", help="sample draw 写出的文件", show_default=False)] = None,
    reviewed: Annotated[
        list[Path] | None,
        typer.Option("--reviewed", help="盲标的结果，任何带标签的格式；几个人的都给", show_default=False),
    ] = None,
    desk: Annotated[bool, typer.Option("--desk", help="不读文件：用复核台里盲判的结果")] = False,
    salt: Annotated[str, typer.Option("--salt", help="与 sample draw --desk 时同一个词")] = "zuofeng",
    store: Store = None,
    model: Model = None,
    home: Home = None,
) -> None:
    """按抽中概率加权，估计每个标签的查准率、查全率和区间；旁边列出人与人的一致程度。"""
    if desk == bool(drawn and reviewed):
        raise typer.BadParameter("给 --drawn 和 --reviewed，或者 --desk，二者选一。")
    from pipeline.analyst.live import measure_live
    from pipeline.model.familiar import remembered

    settings = load_settings(home, store=store)
    scorer = open_scorer(settings, model)
    taxonomy = scorer.bundle.taxonomy
    if drawn is None:
        chances, gold, truth, items = _from_desk(settings, salt, taxonomy)
    else:
        chances, gold, truth, items = _from_files(drawn, reviewed or [], taxonomy, settings)
    called = scorer.decide(scorer.probabilities([g.text for g in gold]))
    labels = [label for _, label in scorer.columns]
    rows = measure_live(truth, called, np.array([chances[g.id] for g in gold]), labels)
    people = _people(items, taxonomy)
    missing = len(chances) - len({g.id for g in gold} | {i.gold.id for i in items})
    shown = (
        (taxonomy.label(r.label).name, *map(_figure, (r.share, r.precision, r.recall)), people.get(r.label, "–"))
        for r in rows
    )
    title = f"抽样 {len(chances)} 篇，已标 {len(gold)} 篇，模型 {scorer.bundle.id}"
    screen = console()
    screen.print(table(title, ("标签", "占全部来文", "查准率", "查全率", "人与人 F1"), shown, words=1))
    split = {g.id: [labels[j] for j in np.flatnonzero(row == 0.5)] for g, row in zip(gold, truth, strict=True)}
    if split := {key: tied for key, tied in split.items() if tied}:
        for key, tied in split.items():
            names = "、".join(taxonomy.label(label).name for label in tied)
            say(screen, f"意见各半 {key}：{names}")
        say(screen, f"以上 {len(split)} 篇的这些标签，有和没有各算一半；请先裁定，再量一次。")
    if known := int(remembered(settings.path("models"), gold, scorer.bundle.manifest).sum()):
        say(screen, f"其中 {known} 篇模型已用来训练或重设过，它记得答案：查准率、查全率偏高；没有用过的另抽一份再量。")
    if missing:
        screen.print(f"还有 {missing} 篇抽中的没有标，或上面略过了：只算容易的，估计就会偏。")


def _into_queue(drawn: dict[str, float], salt: str, settings: Settings, population: int) -> None:
    from pipeline.desk.configure import open_desk

    open_desk(settings, there=True)
    from pipeline.desk.blind import put_into_queue

    put = put_into_queue(drawn, salt, actor=whoami())
    screen = console()
    screen.print(
        f"从 {population} 篇里抽中 {len(drawn)} 篇：新放进队列 {put.fresh} 篇，以前抽的 {put.known} 篇", highlight=False
    )
    if put.late:
        screen.print(
            f"{put.late} 篇已有人看过或判过，不能再盲判，没有放进：请在夜间任务之后、上班之前抽，否则估计会偏。",
            highlight=False,
        )


def _from_desk(
    settings: Settings, salt: str, taxonomy: Taxonomy
) -> tuple[Mapping[str, float], list[Gold], Shares, list[Labelled]]:
    from pipeline.corpus.gold import label_matrix
    from pipeline.desk.configure import open_desk

    open_desk(settings, there=True)
    from pipeline.desk.blind import read_sample

    found = read_sample(salt, taxonomy, actor=whoami())
    say_passed(found.passed, console())
    if not found.settled:
        raise CorpusError(
            "ZF-SAMPLE-DESK",
            f"复核台里还没有判完的盲判件（--salt {salt}，抽中 {len(found.chances)} 篇）",
            "先运行 zuofeng sample draw --desk，等分办员判过再量。",
        )
    return found.chances, list(found.settled), label_matrix(found.settled, taxonomy), list(found.people)


def _from_files(
    drawn: Path, reviewed: list[Path], taxonomy: Taxonomy, settings: Settings
) -> tuple[Mapping[str, float], list[Gold], Shares, list[Labelled]]:
    from pipeline.exchange.files import read_files
    from pipeline.exchange.settle import last_words, majority

    chances = _chances(drawn)
    read = read_files(reviewed, taxonomy, columns=columns_of(settings))
    say_passed(read.passed, console())
    items = [i for i in read.items if i.gold.id in chances]
    if not items:
        raise CorpusError(
            "ZF-SAMPLE-NONE", "盲标结果里没有一条是抽出来的文本", "检查 --drawn 与 --reviewed 是否同一批。"
        )
    # What was drawn is a document, so the same text under two numbers is two of them.
    by_document = last_words(items, lambda i: i.gold.id)
    truth = np.array([majority(people, taxonomy) for people in by_document])
    return chances, [people[0].gold for people in by_document], truth, items


def _chances(path: Path) -> dict[str, float]:
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8-sig").split("\n") if line.strip()]
        return {str(r["id"]): float(r["probability"]) for r in rows}
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise CorpusError("ZF-SAMPLE-READ", f"读不了抽样文件 {path}：{e}", "用 zuofeng sample draw 写出的文件。") from e


def _people(items: list[Labelled], taxonomy: Taxonomy) -> dict[str, str]:
    """Return F1 of one person against another per label, over every pair who read the same text."""
    from pipeline.corpus.agreement import agreement
    from pipeline.corpus.gold import label_matrix
    from pipeline.exchange.settle import last_words

    pairs = [pair for people in last_words(items, lambda i: i.gold.id) for pair in combinations(people, 2)]
    if not pairs:
        return {}
    first, second = (label_matrix([p[side].gold for p in pairs], taxonomy) for side in (0, 1))
    return {a.label: f"{a.f1:.2f}（{len(pairs)} 对）" for a in agreement(first, second, taxonomy) if a.first + a.second}


def _figure(e: Estimate) -> str:
    return f"{e.value:.3f} [{e.low:.2f}, {e.high:.2f}]（{e.texts}）" if e.texts else "–"
