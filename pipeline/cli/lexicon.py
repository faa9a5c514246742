"""``zuofeng lexicon try``: what a lexicon would change, before it counts."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pipeline.cli.common import Home, Model, Store, console, is_foreign, open_scorer, out_file, read_documents
from pipeline.cli.screen import say, table
from pipeline.errors import ConfigError
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from pipeline.analyst.rules import Rule
    from pipeline.model.score import Scorer

__all__ = ["app"]

app = typer.Typer(help="词典与规则：先试会改动哪些篇。", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def lexicon() -> None:
    """词典与规则：先试会改动哪些篇。"""


@app.command("try")
def try_command(
    file: Annotated[
        Path, typer.Argument(help="规则（[[rule]]：标签与写法）或改过的概念词典（[[concept]]），TOML 文件")
    ],
    source: Annotated[
        list[Path] | None, typer.Option("--source", help="在这些文件上试，默认在存储的文本上试", show_default=False)
    ] = None,
    most: Annotated[int, typer.Option("--most", min=1, help="最多列多少处；报告里是全部")] = 50,
    report: Annotated[Path | None, typer.Option("--report", callback=out_file, help="全部改动另存一份：.csv")] = None,
    store: Store = None,
    model: Model = None,
    home: Home = None,
) -> None:
    """试一份词典或规则：会改动多少篇、哪些篇，因为哪几个字；什么都不写入。"""
    from pipeline.analyst.rules import parse_rules
    from pipeline.analyst.trial import try_concepts, try_rules
    from pipeline.batch.stored import stored_documents
    from pipeline.text.concepts import parse_lexicon

    settings = load_settings(home, store=store)
    scorer = open_scorer(settings, model)
    taxonomy = scorer.bundle.taxonomy
    raw = _read(file)
    rules = parse_rules(raw, file.name, taxonomy) if b"[[concept]]" not in raw else []
    screen = console()
    with screen.status("试"):
        if source:
            documents = read_documents(source, settings, screen)
        else:
            documents = [s.document for s in stored_documents(settings.store_url, scorer.bundle.id)]
        trial = (
            try_rules(rules, scorer, documents)
            if rules
            else try_concepts(parse_lexicon(raw, file.name), scorer, documents)
        )
    rows = []
    for c in trial.changes[:most]:
        scores = f"{c.before:.2f}" if rules else f"{c.before:.2f} → {c.after:.2f}"
        words = " ".join(c.quote.split())[:60]
        rows.append((c.document.id, taxonomy.label(c.label).name, "加上" if c.added else "去掉", scores, words))
    title = f"会改动 {trial.changed:,} / {trial.documents:,} 篇"
    screen.print(table(title, ("编号", "标签", "改动", "分数", "词句"), rows, lines=True))
    for note in trial.notes:
        screen.print(note, soft_wrap=True)
    if report:
        from pipeline.batch.writeback import write_csv

        changes = (
            (c.document.id, taxonomy.label(c.label).name, "加上" if c.added else "去掉", c.quote, c.document.text)
            for c in trial.changes
        )
        write_csv(report, ("编号", "标签", "改动", "词句", "原文"), changes)
        say(screen, f"全部改动：{report}")
    if rules:
        known = settings.gold_files and not is_foreign(settings, scorer.bundle)
        why = "模型的标签与这里的语料不同" if settings.gold_files else "没有语料"
        screen.print(_standing(rules, settings, scorer) if known else f"{why}，不知道规则对几次。")


def _read(file: Path) -> bytes:
    try:
        raw = file.read_bytes()
        tomllib.loads(raw.decode("utf-8-sig"))
    except OSError as e:
        raise ConfigError("ZF-RULES-READ", f"读不到 {file}（{e.strerror}）", "检查路径。") from e
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as e:
        raise ConfigError("ZF-RULES-SYNTAX", f"{file} 不是合格的 TOML：{e}", "按提示的行列改正。") from e
    return raw


def _standing(rules: list[Rule], settings: Settings, scorer: Scorer) -> Table:
    from pipeline.analyst.trial import standing
    from pipeline.corpus.gold import read_gold

    taxonomy = scorer.bundle.taxonomy
    gold = read_gold(settings.gold_files, taxonomy)
    rows = []
    for s in standing(rules, gold):
        share = f"{s.right / s.hits:.2f}" if s.hits else "–"
        first = s.rule.phrases[0] + ("……" if len(s.rule.phrases) > 1 else "")
        name = taxonomy.label(s.rule.label).name
        rows.append((f"{s.rule.number} {first}", name, str(s.hits), str(s.right), share))
    return table(f"在 {len(gold)} 条语料上", ("规则", "标签", "说到", "对", "查准率"), rows)
