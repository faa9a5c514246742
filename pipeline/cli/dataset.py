"""``zuofeng corpus import``, ``export``, ``reviews`` and ``snapshot``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer
from rich.console import Console

from pipeline.cli.common import (
    Home,
    Schemes,
    Store,
    columns_of,
    console,
    note,
    open_desk,
    out_file,
    out_folder,
    read_day,
)
from pipeline.cli.promote import Author, whoami
from pipeline.cli.screen import say, table
from pipeline.settings import load_settings
from pipeline.taxonomy import load_taxonomy

__all__ = ["export_command", "import_command", "reviews_command", "snapshot_command"]

Labelled = Annotated[
    list[Path],
    typer.Argument(help="带标签的文件：语料或复核结果 .jsonl、Label Studio 的 .json、doccano 的 .jsonl、.csv、.xlsx"),
]
Kind = Annotated[str, typer.Option("--format", help="gold、label-studio、doccano、csv、xlsx，默认看文件")]


def import_command(
    files: Labelled,
    out: Annotated[Path, typer.Option("--out", callback=out_file, help="写成语料 .jsonl")],
    kind: Kind = "",
    schemes: Schemes = None,
    home: Home = None,
) -> None:
    """把别处的标注读成语料格式，逐条列出错误和略过的。"""
    from pipeline.exchange.files import read_files, write_file

    _check(kind)
    settings = load_settings(home)
    taxonomy = load_taxonomy(schemes or settings.taxonomy_file)
    read = read_files(files, taxonomy, kind, columns_of(settings))
    write_file(out, read.items, taxonomy, "gold")
    screen = console()
    _list(read.passed, screen)
    say(screen, f"{out}：{len(read.items)} 条标注，略过 {len(read.passed)} 条")


def export_command(
    files: Labelled,
    to: Annotated[str, typer.Option("--to", help="gold、label-studio、doccano、csv、xlsx")],
    out: Annotated[
        Path, typer.Option("--out", callback=out_file, help="写到哪个文件；label-studio 另写一份界面配置 .xml")
    ],
    schemes: Schemes = None,
    home: Home = None,
) -> None:
    """把语料写成别的工具的格式。"""
    from pipeline.exchange.files import check_name, read_files, write_file

    _check(to)
    check_name(out, to)
    settings = load_settings(home)
    taxonomy = load_taxonomy(schemes or settings.taxonomy_file)
    read = read_files(files, taxonomy, columns=columns_of(settings))
    write_file(out, read.items, taxonomy, to)
    screen = console()
    _list(read.passed, screen)
    say(screen, f"{out}：{len(read.items)} 条")


def reviews_command(
    out: Annotated[
        Path, typer.Option("--out", callback=out_file, help="写成复核结果 .jsonl，snapshot、adapt、train 都读")
    ],
    since: Annotated[str | None, typer.Option("--since", help="只要这天起办结的", show_default=False)] = None,
    until: Annotated[str | None, typer.Option("--until", help="只要到这天为止办结的（含）", show_default=False)] = None,
    author: Author = None,
    store: Store = None,
    home: Home = None,
) -> None:
    """把复核台上办结的判定取出来：谁、何时、几人一致；个人信息遮盖，取用记入留痕。"""
    from pipeline.exchange.files import write_file

    settings = open_desk(home, store)
    from pipeline.desk.reviews import take_reviews

    taxonomy = load_taxonomy(settings.taxonomy_file)
    first, last = read_day(since), read_day(until)
    read = take_reviews(taxonomy, actor=author or whoami(), since=first, until=last)
    write_file(out, read.items, taxonomy, "gold")
    screen = console()
    people = Counter(i.by for i in read.items).most_common()
    screen.print(table("办结的判定", ("谁", "件"), ((who, str(number)) for who, number in people)))
    for why, number in Counter(p.partition(" -> ")[2] for p in read.passed).most_common():
        screen.print(f"不取 {number} 件：{why}", soft_wrap=True)
    several = sum(i.sure is not None for i in read.items)
    say(screen, f"{out}：{len(read.items)} 件，其中 {several} 件不止一人看过；不取 {len(read.passed)} 件")


def snapshot_command(
    files: Labelled,
    out: Annotated[
        Path | None,
        typer.Option("--out", callback=out_folder, help="快照放在哪里，默认 corpora/snapshots", show_default=False),
    ] = None,
    kind: Kind = "",
    schemes: Schemes = None,
    home: Home = None,
) -> None:
    """把若干份标注合成一个快照：一文一判、近似重复归组、划分定了就不改。"""
    from pipeline.exchange.snapshot import take

    _check(kind)
    settings = load_settings(home)
    taxonomy = load_taxonomy(schemes or settings.taxonomy_file)
    folder = out or settings.path("corpora") / "snapshots"
    taken = take(files, taxonomy, folder, kind=kind, columns=columns_of(settings))
    about = taken.about
    if taken.fresh:
        note(
            settings, "corpus.snapshot", taken.folder.name, actor=whoami(), texts=about["texts"], sha256=about["sha256"]
        )
    screen = console()
    sources = ((s["file"], s["format"], s["sha256"][:12]) for s in about["sources"])
    screen.print(table(f"快照 {taken.folder.name}", ("来源", "格式", "sha256"), sources))
    for sentence in about["dropped"]:
        screen.print(f"不用 {sentence}", soft_wrap=True)
    parts = "，".join(f"{name} {n}" for name, n in about["parts"].items())
    screen.print(
        f"{about['judgements']} 条标注 → {about['texts']} 条文本、{about['groups']} 个情境（{parts}）；"
        f"不用的 {len(about['dropped'])} 条。" + ("" if taken.fresh else "内容与已有的快照相同。"),
        highlight=False,
    )
    by = f" --taxonomy {quote(str(schemes))}" if schemes else ""
    say(screen, f"训练：zuofeng train{by} --corpus {quote(str(taken.folder / 'data.jsonl'))}")


def _list(passed: Sequence[str], screen: Console) -> None:
    for sentence in passed:
        screen.print(f"略过 {sentence}", soft_wrap=True)


def _check(kind: str) -> None:
    from pipeline.exchange.files import FORMATS

    if kind and kind not in FORMATS:
        raise typer.BadParameter(f"格式只能是 {'、'.join(FORMATS)}")
