"""``zuofeng corpus check`` and ``stats``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from pipeline.cli import dataset
from pipeline.cli.common import Home, Schemes, console, read_documents
from pipeline.cli.screen import table
from pipeline.errors import CorpusError
from pipeline.settings import load_settings
from pipeline.taxonomy import Taxonomy, load_taxonomy

if TYPE_CHECKING:
    from pipeline.corpus.gold import Gold
    from pipeline.corpus.tables import Table

__all__ = ["app"]

app = typer.Typer(
    help="语料：检查与统计，取出复核、合成快照，与别的标注工具往来。", no_args_is_help=True, rich_markup_mode=None
)
app.command("import")(dataset.import_command)
app.command("export")(dataset.export_command)
app.command("reviews")(dataset.reviews_command)
app.command("snapshot")(dataset.snapshot_command)

Files = Annotated[list[Path] | None, typer.Argument(help="语料文件，默认 corpora/gold/*.jsonl", show_default=False)]


@app.command("check")
def check(
    files: Files = None,
    public: Annotated[
        Path | None, typer.Option("--public", help="不得与之雷同的公开数据目录（.jsonl.gz），默认 ../shared/data")
    ] = None,
    schemes: Schemes = None,
    home: Home = None,
) -> None:
    """检查语料：格式、证据、近似重复、雷同字串、分组与划分、泄漏，并列出统计。"""
    from pipeline.bench.public import LABELS, labelled_messages
    from pipeline.corpus.check import find_mistakes
    from pipeline.corpus.leaks import leak_table
    from pipeline.corpus.tables import corpus_tables

    gold, taxonomy, beside = _read(files, home, schemes)
    public = public or (beside if beside.is_dir() else None)
    _print({**corpus_tables(gold, taxonomy), "泄漏（0.5 为随机）": leak_table(gold, taxonomy)})
    if public and (public / LABELS).is_file():
        real = labelled_messages(public, taxonomy)
        _print({f"同样的分类器在 {len(real)} 条带标签的真实留言上": leak_table(real, taxonomy)})
    wrong = find_mistakes(gold, public)
    if wrong:
        raise CorpusError("ZF-GOLD-CHECK", f"语料有 {len(wrong)} 处不合格", "逐条改正。", wrong)
    compared = f"与 {public} 没有相同的十二字" if public else "没有公开数据目录，未与之比对"
    console().print(f"语料合格：{len(gold)} 条；{compared}。", highlight=False)


@app.command("stats")
def stats(files: Files = None, schemes: Schemes = None, home: Home = None) -> None:
    """列出语料的统计表。"""
    from pipeline.corpus.tables import corpus_tables

    gold, taxonomy, _ = _read(files, home, schemes)
    _print(corpus_tables(gold, taxonomy))


@app.command("agreement")
def agreement(
    pairs: Annotated[
        Path | None, typer.Option("--pairs", help="两人各自的标注，默认 corpora/second.jsonl", show_default=False)
    ] = None,
    schemes: Schemes = None,
    home: Home = None,
) -> None:
    """第二人盲标与第一人的一致程度：逐标签的 kappa 与 F1。"""
    from pipeline.corpus.agreement import agreement as measure
    from pipeline.corpus.agreement import mean_f1, mean_kappa, read_pairs

    settings = load_settings(home)
    taxonomy = load_taxonomy(schemes or settings.taxonomy_file)
    first, second = read_pairs(pairs or settings.path("corpora") / "second.jsonl", taxonomy)
    found = measure(first, second, taxonomy)
    rows = []
    for a in found:
        counts = map(str, (a.first, a.second, a.both))
        rows.append((a.scheme, taxonomy.label(a.label).name, *counts, a.said, f"{a.f1:.2f}"))
    of = {s.name: (mean_kappa(found, s.id), mean_f1(found, s.id)) for s in taxonomy.schemes}
    means = [(name, *("–" if np.isnan(v) else f"{v:.3f}" for v in both)) for name, both in of.items()]
    out, title = console(), f"{len(first)} 条文本的两人标注（裁决之前）"
    out.print(table(title, ("方案", "标签", "第一人", "第二人", "都标", "kappa", "F1"), rows))
    out.print(table("逐标签的平均", ("方案", "kappa", "F1"), means))


@app.command("concepts")
def concepts(
    files: Files = None,
    messages: Annotated[
        list[Path] | None, typer.Option("--messages", help="别处的来文，量其中的命中率；默认公开数据中的未标注留言")
    ] = None,
    forms: Annotated[bool, typer.Option("--forms", help="逐条写法列出，不只列概念。")] = False,
    home: Home = None,
) -> None:
    """列出概念词典每个概念（或每条写法）在语料和别处来文中的命中率。"""
    from pipeline.bench.public import unlabelled_messages
    from pipeline.corpus.usage import concept_usage, form_texts
    from pipeline.text.clean import clean
    from pipeline.text.concepts import load_lexicon

    gold, _, beside = _read(files, home)
    settings = load_settings(home)
    lexicon = load_lexicon(settings.lexicon_file)
    out = console()
    with out.status("数写法") as status:
        corpus = form_texts(lexicon, [clean(g.text).text for g in gold])
        status.update("数别处来文中的写法")
        given = [d.text for d in read_documents(messages or (), settings, out)]
        if messages is None and beside.is_dir():
            given = unlabelled_messages(beside)
        outside = form_texts(lexicon, [clean(t).text for t in given])
    positive = np.array([g.positive for g in gold])
    by_concept, by_form = concept_usage(lexicon, corpus, positive, outside)
    rows = (
        [(lexicon.concepts[c].name, f, u) for c, f, u in zip(lexicon.owner, lexicon.forms, by_form, strict=True)]
        if forms
        else [(c.name, str(len(c.forms)), u) for c, u in zip(lexicon.concepts, by_concept, strict=True)]
    )
    title = (
        f"{len(lexicon.concepts)} 个概念、{len(lexicon.forms)} 条写法；语料 {len(gold)} 条，别处来文 {len(given)} 条"
    )
    shares = (
        (name, form, f"{u.positive:.2%}", f"{u.negative:.2%}", f"{u.lift:.1f}", f"{u.outside:.2%}")
        for name, form, u in rows
    )
    out.print(table(title, ("概念", "写法", "有标签的", "空标签的", "倍数", "别处来文"), shares))


def _read(
    files: list[Path] | None, home: Path | None, schemes: Path | None = None
) -> tuple[list[Gold], Taxonomy, Path]:
    from pipeline.corpus.gold import read_gold

    settings = load_settings(home)
    taxonomy = load_taxonomy(schemes or settings.taxonomy_file)
    paths = files or settings.gold_files
    return read_gold(paths, taxonomy), taxonomy, settings.home.parent / "shared" / "data"


def _print(tables: Mapping[str, Table]) -> None:
    out = console()
    for title, (head, *rows) in tables.items():
        out.print(table(title, head, rows))
