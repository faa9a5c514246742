"""``zuofeng train``: gold texts → a new bundle, live when there is none yet."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.common import Home, Promise, console, read_promise
from pipeline.settings import load_settings
from pipeline.taxonomy import load_taxonomy
from pipeline.text.concepts import load_lexicon
from pipeline.text.segment import load_dictionary

__all__ = ["command"]


def command(
    taxonomy: Annotated[
        Path | None, typer.Option("--taxonomy", help="标签体系文件，默认 corpora/taxonomy.toml")
    ] = None,
    corpus: Annotated[
        list[Path] | None, typer.Option("--corpus", help="语料 .jsonl，可多次给出，默认 corpora/gold/*.jsonl")
    ] = None,
    more: Annotated[list[Path] | None, typer.Argument(help="更多语料文件", show_default=False)] = None,
    lexicon: Annotated[
        Path | None, typer.Option("--lexicon", help="概念词典，默认 corpora/concepts.toml；没有此文件就不用")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="模型写到哪个目录，默认 models")] = None,
    all_parts: Annotated[bool, typer.Option("--all-parts", help="连标为 test 的文本一起训练（默认不用）。")] = False,
    champion: Annotated[bool, typer.Option("--champion", help="训练完就设为在用模型。")] = False,
    promise: Promise = None,
    home: Home = None,
) -> None:
    """训练一个模型。同样的语料得到逐字节相同的模型。"""
    from pipeline.corpus.gold import read_gold
    from pipeline.model.dictionaries import keep_dictionary
    from pipeline.model.registry import champion_id, set_champion
    from pipeline.model.train import Settings, train

    settings = load_settings(home)
    file = taxonomy or settings.taxonomy_file
    schemes = load_taxonomy(file)
    paths = [*(corpus or []), *(more or [])] or sorted((settings.path("corpora") / "gold").glob("*.jsonl"))
    gold = read_gold(paths, schemes)
    used = [g for g in gold if all_parts or g.part != "test"]
    concepts = lexicon or settings.lexicon_file
    target = out or settings.path("models")
    words = load_dictionary(settings.dictionary_file)
    screen = console()
    started = time.monotonic()
    with screen.status("训练") as status:
        folder = train(
            taxonomy=schemes,
            taxonomy_source=file.read_bytes(),
            gold=used,
            words=words,
            lexicon=load_lexicon(concepts) if lexicon or concepts.is_file() else None,
            out=target,
            settings=Settings(promise=read_promise(promise)),
            progress=lambda step: status.update(f"训练：{step}"),
        )
    keep_dictionary(target, words)
    seconds = time.monotonic() - started
    screen.print(f"模型 {folder.name}：{len(used)} 条文本（另留 {len(gold) - len(used)} 条作测试），{seconds:.1f} 秒")
    if champion or champion_id(target) is None:
        set_champion(target, folder.name)
        screen.print("已设为在用模型。")
