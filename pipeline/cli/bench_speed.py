"""``zuofeng bench speed``: how fast, beside what others would build."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer
from rich.table import Table

from pipeline.cli.bench import Public
from pipeline.cli.common import Home, Model, console, open_scorer
from pipeline.cli.screen import table
from pipeline.settings import load_settings

__all__ = ["speed"]

_MEGA = 1 << 20


def speed(
    public: Public = None,
    texts: Annotated[int, typer.Option("--texts", min=1, help="每组读多少篇")] = 1000,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="轮流读几遍，取中位数")] = 5,
    learn: Annotated[
        int | None, typer.Option("--learn", min=50, help="对照用多少条语料学习，默认全部", show_default=False)
    ] = None,
    training: Annotated[bool, typer.Option("--training", help="另量训练：语料与 tnews 上的用时和内存")] = False,
    model: Model = None,
    home: Home = None,
) -> None:
    """速度：本系统与通常写法、fastText、spaCy 和下限并排，各在一个进程里轮流量。"""
    from pipeline.bench.ours import classes_taxonomy, read_with, train_ours
    from pipeline.bench.public import public_folder, speed_texts, tnews
    from pipeline.bench.speed import Lesson, machine, measure_speed
    from pipeline.corpus.gold import label_matrix, read_gold
    from pipeline.model.evaluate import macro_f1
    from pipeline.model.recipe import Settings, read_settings
    from pipeline.text.segment import load_dictionary

    settings = load_settings(home)
    folder = public_folder(public, settings.home)
    bundle = open_scorer(settings, model).bundle
    taxonomy, words = bundle.taxonomy, load_dictionary(settings.dictionary_file)
    gold = read_gold(settings.gold_files, taxonomy)
    test, known = ([g for g in gold if (g.part == "test") == wanted] for wanted in (True, False))
    known = known[:: -(-len(known) // (learn or len(known)))]
    truth = label_matrix(test, taxonomy)
    lesson = Lesson("语料", [g.text for g in known], label_matrix(known, taxonomy), [g.text for g in test])
    more = []
    if training:
        own = read_settings(settings.training_file) if settings.training_file.is_file() else Settings()
        names, headlines, classes = tnews(folder)
        ours = partial(train_ours, words=words, taxonomy=bundle.taxonomy_source, gold=known, settings=own)
        more.append((Lesson("语料训练", lesson.texts, lesson.truth), partial(ours, lexicon=settings.lexicon_file)))
        ours = partial(train_ours, words=words, taxonomy=classes_taxonomy(names), settings=Settings())
        more.append((Lesson("tnews 训练", headlines, classes), ours))
    sets = speed_texts(folder, texts)
    out = console()
    with out.status("量速度") as status:
        rows = measure_speed(
            sets, lesson,
            partial(
                read_with, bundle=settings.path("models") / bundle.id, words=words, encoder=settings.encoder_folder
            ),
            rounds=rounds, more=more, told=status.update,
        )  # fmt: skip
    heads = [f"{n}：{len(t)} 篇，均 {sum(map(len, t)) // len(t)} 字" for n, t in sets.items()]
    heads += [f"test 部分 {s.name} 宏 F1" for s in taxonomy.schemes]
    shown = table(f"一个核的处理器时间，{rounds} 遍中位数：本系统快几倍（百万字/秒）", ("", *heads))
    for row in rows:
        if row.missing:
            shown.add_row(row.name, f"没有装 {' '.join(row.missing)}")
            continue
        cells = [f"{row.ratio(n, rows[0]):.2f}×（{row.speed(n, sum(map(len, t))) / 1e6:.2f}）" for n, t in sets.items()]
        f1 = macro_f1(truth, row.called, taxonomy) if row.called is not None else {}
        shown.add_row(row.name, *cells, *(f"{f1[s.id]:.3f}" if f1 else "" for s in taxonomy.schemes))
    out.print(shown)
    if training:
        shown = Table("", *(f"{le.name}（{len(le.texts)} 条）" for le, _ in more), title="训练，一核秒（峰值内存）")
        for row in rows:
            if not (row.missing or row.floor):
                cells = [f"{row.learning[le.name]:.1f}（{row.memory[le.name] // _MEGA} MB）" for le, _ in more]
                shown.add_row(row.name, *cells)
        out.print(shown)
    out.print(f"{machine()}；模型 {bundle.id}，对照学 {len(known)} 条语料。", highlight=False)
