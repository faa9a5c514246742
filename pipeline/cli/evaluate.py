"""``zuofeng evaluate``: figures per label with intervals, beside the plain baseline."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from pipeline.cli.common import Home, Model, Output, console, is_foreign, open_scorer, out_folder
from pipeline.cli.compare import test_texts
from pipeline.cli.screen import table
from pipeline.settings import load_settings
from pipeline.taxonomy import Taxonomy

__all__ = ["command"]

#: What the corpus's texts do not show of a model that is at home in an office.
NOTES = {
    "accustomed": "这是语料自己的文本，没有算照本单位来文定的说法；在本单位怎样，用 --gold 指定复核过的文本。",
    "adapted": "这是语料的文本，不是模型照着重设的那些；在本单位怎样，用 --gold 指定没有参与重设的复核。",
}


def command(
    gold: Annotated[
        list[Path] | None, typer.Option("--gold", help="语料 .jsonl，默认 corpora/gold 里的 test 部分")
    ] = None,
    output: Output = "table",
    baseline: Annotated[
        bool, typer.Option("--baseline/--no-baseline", help="同时训练并测量通常写法（jieba、TF-IDF、逻辑回归）。")
    ] = True,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            callback=out_folder,
            help="另写一份完整报告到这个目录：report.html、report.md 和图",
            metavar="目录",
        ),
    ] = None,
    rounds: Annotated[int, typer.Option("--rounds", min=10, help="自助抽样次数")] = 1000,
    model: Model = None,
    home: Home = None,
) -> None:
    """在带标签的文本上测量：逐标签的查准率、查全率、F1 与 95% 区间。"""
    from pipeline.corpus.gold import read_gold
    from pipeline.model.accustom import on_corpus
    from pipeline.model.evaluate import evaluate, plain_baseline
    from pipeline.model.familiar import familiar

    settings = load_settings(home)
    scorer = open_scorer(settings, model)
    taxonomy = scorer.bundle.taxonomy
    foreign = is_foreign(settings, scorer.bundle)
    test = test_texts(settings, gold, scorer.bundle)
    note = ""
    if not gold:
        note = NOTES.get(scorer.bundle.home, "")
        scorer = on_corpus(scorer)
    elif known := int(familiar(test, scorer.bundle.manifest).sum()):
        note = f"{len(test)} 条里有 {known} 条模型已用来重设过，它记得答案：量出来的偏高。"
    figures: dict[str, Any] = {}
    written = None
    if report:
        from pipeline.analyst.diagnosis import diagnose
        from pipeline.reports.evaluation import write_evaluation

        found = diagnose(scorer, test, rounds=rounds)
        written = write_evaluation(found, report, note)
        figures["model"] = dict(found.figures)
    else:
        figures["model"] = evaluate(scorer, test, rounds=rounds)
    if note:
        figures["model"]["note"] = note
    # The texts of this home have nothing to say of other labels.
    if baseline and not foreign:
        held = {key for g in test for key in (g.id, g.text)}
        corpus = read_gold(settings.gold_files, taxonomy)
        train = [g for g in corpus if g.part != "test" and held.isdisjoint((g.id, g.text))]
        figures["baseline"] = plain_baseline(train, test, taxonomy, rounds=rounds)
    if output == "json":
        sys.stdout.write(json.dumps(figures, ensure_ascii=False, indent=1) + "\n")
        if note:
            typer.echo(note, err=True)
        return
    screen = console()
    screen.print(_labels(figures, taxonomy.label))
    screen.print(_summary(figures, taxonomy))
    if baseline and foreign:
        screen.print("模型的标签与这里的语料不同，没有与通常写法对照。")
    if note:
        screen.print(note, highlight=False, soft_wrap=True)
    if written:
        screen.print(f"报告：{written}", markup=False, highlight=False, soft_wrap=True)


def _labels(figures: dict[str, Any], label: Any) -> Table:
    head = ("标签", "正例", "查准率", "查全率", "F1", *(["基线 F1"] if "baseline" in figures else []))
    made = table(f"{figures['model']['texts']} 条文本（方括号内为 95% 区间）", head, words=1)
    for key, row in figures["model"]["labels"].items():
        cells = [label(key).name, str(row["positives"]), *(_interval(row[m]) for m in ("precision", "recall", "f1"))]
        if "baseline" in figures:
            cells.append(_interval(figures["baseline"]["labels"][key]["f1"]))
        made.add_row(*cells)
    return made


def _summary(figures: dict[str, Any], taxonomy: Taxonomy) -> Table:
    heads = [head for s in taxonomy.schemes for head in (f"{s.name}宏 F1", "微 F1")]
    made = table("合计（宏平均只算有五个以上正例的标签）", ("模型", *heads, "有无问题 F1", "误报率"), words=1)
    for f in figures.values():
        cells = [c for s in f["schemes"].values() for c in (_interval(s["macro_f1"]), _interval(s["micro_f1"]))]
        made.add_row(f["model"], *cells, *(_interval(f["problem"][k]) for k in ("f1", "false_alarm_rate")))
    return made


def _interval(v: list[float] | None) -> str:
    return "–" if v is None else f"{v[0]:.3f} [{v[1]:.2f}, {v[2]:.2f}]"
