"""``zuofeng train``: gold texts → a new bundle, live when there is none yet."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from pipeline.cli.common import Home, Promise, Schemes, console, note, out_folder, read_documents, read_promise
from pipeline.cli.promote import ask_beforehand, make_live, whoami
from pipeline.cli.screen import table
from pipeline.collecting import no_collecting
from pipeline.settings import load_settings
from pipeline.taxonomy import load_taxonomy
from pipeline.text.concepts import load_lexicon
from pipeline.text.segment import load_dictionary

if TYPE_CHECKING:
    from pipeline.corpus.gold import Gold
    from pipeline.model.bundle import Bundle
    from pipeline.model.score import Scorer
    from pipeline.model.search import Trial

__all__ = ["command"]

#: Of the trials so many are shown; all are in the record of the run.
SHOWN = 8
#: Bootstrap samples of the figures on record.
ROUNDS = 200


def command(
    taxonomy: Schemes = None,
    corpus: Annotated[
        list[Path] | None, typer.Option("--corpus", help="语料 .jsonl，可多次给出，默认 corpora/gold/*.jsonl")
    ] = None,
    more: Annotated[
        list[Path] | None,
        typer.Argument(help="更多语料文件，同 --corpus；通配符展开出来的也归到这里", show_default=False),
    ] = None,
    lexicon: Annotated[
        Path | None, typer.Option("--lexicon", help="概念词典，默认 corpora/concepts.toml；没有此文件就不用")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", callback=out_folder, help="模型写到哪个目录，默认 models")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option("--settings", help="训练设置，默认 corpora/training.toml；换了标签体系就不用它")
    ] = None,
    encoder: Annotated[
        Path | None,
        typer.Option(
            "--encoder",
            help="另加句子编码器的特征：含 model.onnx 与 tokenizer.json 的目录，默认照配置的 encoder",
            metavar="目录",
        ),
    ] = None,
    unlabelled: Annotated[
        list[Path] | None,
        typer.Option(
            "--unlabelled",
            help="本单位没有标注的来文，可多次给出：训练完照它们定说法有多陌生，同 adapt --unlabelled",
            metavar="文件",
        ),
    ] = None,
    all_parts: Annotated[bool, typer.Option("--all-parts", help="连标为 test 的文本一起训练（默认不用）。")] = False,
    champion: Annotated[bool, typer.Option("--champion", help="训练完与在用模型比较，没有反对理由就启用。")] = False,
    search: Annotated[
        float | None,
        typer.Option(
            "--search",
            min=0.01,
            help="先在训练文本里分组交叉验证，搜索 n 元、首句、c 等设置：按两核空闲机器约几分钟。"
            "分钟折算成看多少文本，同样的数在任何机器上搜出同样的设置",
            metavar="分钟",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", callback=out_folder, help="把这次训练写到这个目录：模型卡、测量的网页和图", metavar="目录"
        ),
    ] = None,
    promise: Promise = None,
    home: Home = None,
) -> None:
    """训练一个模型，并把这次训练记录在案。同样的语料得到逐字节相同的模型。"""
    from pipeline.corpus.gold import read_gold
    from pipeline.model.accustom import accustom, distinct, on_corpus
    from pipeline.model.bundle import load_bundle
    from pipeline.model.dictionaries import keep_dictionary
    from pipeline.model.familiar import keep_texts
    from pipeline.model.history import read_history
    from pipeline.model.promote import first
    from pipeline.model.recipe import Settings as Recipe
    from pipeline.model.recipe import read_settings
    from pipeline.model.registry import champion_id
    from pipeline.model.runs import record_run
    from pipeline.model.score import Scorer
    from pipeline.model.search import search as search_settings
    from pipeline.model.train import train
    from pipeline.reports.card import write_cards

    if champion and all_parts:
        raise typer.BadParameter("--champion 在 test 部分上比较，不能与 --all-parts 同用：训练完用 promote --gold")
    settings = load_settings(home, encoder=encoder and encoder.resolve())
    file = taxonomy or settings.taxonomy_file
    schemes = load_taxonomy(file)
    paths = [*(corpus or []), *(more or [])] or settings.gold_files
    sources: list[dict[str, str]] = []
    with no_collecting():
        gold = read_gold(paths, schemes, read=sources)
    used = [g for g in gold if all_parts or g.part != "test"]
    concepts = lexicon or settings.lexicon_file
    # The settings beside the corpus were chosen for it; another scheme starts from the defaults.
    chosen = recipe or (settings.training_file if taxonomy is None and settings.training_file.is_file() else None)
    turned = read_settings(chosen) if chosen else Recipe()
    if promise:
        turned = replace(turned, promise=read_promise(promise))
    target = out or settings.path("models")
    # In use here is only what has this home's own scheme.
    at_home = target.resolve() == settings.path("models").resolve() and settings.taxonomy_file.is_file()
    foreign = at_home and settings.taxonomy_file.read_bytes() != file.read_bytes()
    if foreign and champion:
        raise typer.BadParameter("--champion 要用这里的标签体系 corpora/taxonomy.toml；换了体系就先换这个文件")
    words = load_dictionary(settings.dictionary_file)
    screen = console()
    archive = [d.text for d in read_documents(unlabelled or (), settings, screen)]
    if unlabelled:
        if turned.promise or not turned.strange:
            raise typer.BadParameter(
                "--unlabelled 只定说法有多陌生，这份训练设置不给陌生的说法加分（strange 是 0，或有许诺）"
            )
        distinct(archive)
    live = champion_id(target)
    if champion and live:
        local = "accustomed" if unlabelled else "abroad" if turned.strange and not turned.promise else ""
        ask_beforehand(settings, str(target / live), schemes, home=local, promise=turned.promise)
    experiment = None
    if settings.mlflow.uri:
        from pipeline.analyst.tracking import Experiment

        experiment = Experiment(settings.mlflow.uri, settings.mlflow.experiment)
    started = time.monotonic()
    known = load_lexicon(concepts) if lexicon or concepts.is_file() else None
    trials: list[Trial] = []
    if search:
        with screen.status("搜索设置") as status:
            turned, trials = search_settings(
                used, schemes, words, known, turned, minutes=search, encoder=settings.encoder_folder,
                progress=lambda step: status.update(f"搜索设置：{step}"),
            )  # fmt: skip
        screen.print(_trials(trials))

    def score(bundle: Bundle) -> Scorer:
        return Scorer(bundle, words, encoder=settings.encoder_folder)

    with screen.status("训练") as status:
        learn = partial(
            train, taxonomy=schemes, taxonomy_source=file.read_bytes(), gold=used, words=words, lexicon=known,
            settings=turned, encoder=settings.encoder_folder, progress=lambda step: status.update(f"训练：{step}"),
        )  # fmt: skip
        if unlabelled:
            with TemporaryDirectory() as aside:
                folder, level = accustom(score(load_bundle(learn(out=Path(aside)))), archive, target)
        else:
            folder = learn(out=target)
    if unlabelled:
        screen.print(f"没有标注的来文 {len(archive)} 条，居中的一条说法陌生到 {level:.2f}，今后都照它算")
    bundle = load_bundle(folder)
    keep_dictionary(target, words)
    keep_texts(target, used, bundle.manifest)
    seconds = time.monotonic() - started
    held = [g for g in gold if not all_parts and g.part == "test"]
    with TemporaryDirectory() as aside:
        papers = report or (Path(aside) if experiment else None)
        run = record_run(
            target,
            folder.name,
            author=whoami(),
            sources=sources,
            held_back=len(held),
            seconds=seconds,
            figures=_measure(on_corpus(score(bundle)), held, papers) if held else None,
            search=[t.to_dict() for t in trials],
        )
        if papers:
            write_cards(bundle, run, read_history(target), papers)
        if experiment and papers:
            kept = experiment.record(run, papers)
            screen.print(f"MLflow：{settings.mlflow.experiment} 里的 {kept}", highlight=False)
    screen.print(f"模型 {folder.name}：{len(used)} 条文本（另留 {len(gold) - len(used)} 条作测试），{seconds:.1f} 秒")
    live = champion_id(target)
    if foreign:
        screen.print("标签体系不是这里的 corpora/taxonomy.toml，没有设为在用；打分时写 --model 编号。")
    elif live is None:
        first(target, folder.name, author=whoami(), reason="训练出的第一个模型")
    elif champion and live != folder.name:
        make_live(settings, target, folder.name, author=whoami(), reason="train --champion", screen=screen)
    if target == settings.path("models"):
        note(settings)
    if not foreign and (live is None or champion):
        screen.print("已设为在用模型。")
    if encoder and load_settings(home).encoder_folder != settings.encoder_folder:
        kept = f"encoder = {json.dumps(str(settings.encoder_folder), ensure_ascii=False)}"
        screen.print(f"用它打分也要编码器：在 zuofeng.toml 写 {kept}", markup=False, highlight=False, soft_wrap=True)


def _measure(scorer: Scorer, held: Sequence[Gold], papers: Path | None) -> dict[str, Any]:
    """Return the figures on texts held back, and write the report on them into ``papers``."""
    if papers is None:
        from pipeline.model.evaluate import evaluate

        return evaluate(scorer, held, rounds=ROUNDS)
    from pipeline.analyst.diagnosis import diagnose
    from pipeline.reports.evaluation import write_evaluation

    found = diagnose(scorer, held, rounds=ROUNDS)
    write_evaluation(found, papers)
    return dict(found.figures)


def _trials(trials: Sequence[Trial]) -> Table:
    head = ("文本", "宏 F1", "微 F1", "词", "字", "至少几条", "首句", "c", "学法", "频数比")
    made = table(f"试了 {len(trials)} 次，最好的几组；用的是第一组", head, words=0)
    for t in trials[:SHOWN]:
        s = t.settings
        made.add_row(
            f"{t.texts:,}", f"{t.macro:.4f}", f"{t.micro:.4f}", str(s.word_n), f"{s.char_shortest}–{s.char_longest}",
            str(s.min_texts), f"{s.lead:g}", f"{s.c:g}", s.learner, f"{s.ratio:g}",
        )  # fmt: skip
    return made
