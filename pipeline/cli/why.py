"""``zuofeng why``: where a score came from, and the same score worked out again."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Annotated, Any

import typer
from rich.table import Table

from pipeline.cli.common import Home, Output, Store, console, open_as_it_was
from pipeline.cli.screen import table
from pipeline.settings import Settings, load_settings
from pipeline.taxonomy import load_taxonomy

__all__ = ["command"]

_NAMES = {
    "model": "模型", "run": "运行", "kind": "运行种类", "started": "运行开始", "program": "程序版本",
    "text_hash": "文本哈希", "taxonomy": "标签体系", "segmenter": "分词", "dictionary": "词典哈希",
    "thresholds": "校准与阈值",
}  # fmt: skip


def command(
    document: Annotated[str | None, typer.Argument(help="文本编号", show_default=False)] = None,
    sample: Annotated[int, typer.Option("--sample", min=0, help="不看单篇：随机抽这么多个已存的打分重算。")] = 0,
    seed: Annotated[int, typer.Option("--seed", help="抽样的种子，同样的种子抽到同样的打分。")] = 1,
    model: Annotated[str | None, typer.Option("--model", help="只看这个模型的打分。", show_default=False)] = None,
    output: Output = "table",
    store: Store = None,
    home: Home = None,
) -> None:
    """一篇文本的每个已存打分从哪里来，重算一遍，说明是否一位不差。

    --format json 时每个打分一行。
    """
    if (document is None) == (sample == 0):
        raise typer.BadParameter("给出一个文本编号，或者用 --sample 1000 抽查，二者选一。")
    from pipeline.desk.configure import open_store

    settings = load_settings(home, store=store)
    open_store(settings.store_url, there=True)
    from pipeline.batch import replay

    rows = replay.sample(sample, seed, model) if document is None else replay.stored_of(document, model)
    found = list(replay.replay(rows, lambda name: open_as_it_was(settings, name)))
    if output == "json":
        for r in found:
            line = {"document": r.document, **r.origin, "outcome": r.outcome.name.lower(),
                    "difference": r.difference, "reason": r.reason}  # fmt: skip
            sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    elif document is None:
        _summary(found, seed)
    else:
        for r in found:
            _one(r, settings)
    same = {replay.Outcome.SAME, replay.Outcome.DIGITS}
    raise typer.Exit(0 if all(r.outcome in same for r in found) else 1)


def _one(r: Any, settings: Settings) -> None:
    rows = [(label, r.origin[name] or "（当时没有记）") for name, label in _NAMES.items()]
    rows.append(("问题分", f"{r.stored['problem_score']:.6f}（{'有问题' if r.stored['is_problem'] else '无问题'}）"))
    names = {label.id: label.name for s in load_taxonomy(settings.taxonomy_file).schemes for label in s.labels}
    for scheme in r.stored["scores"]:
        rows += [("判定", f"{names.get(d['id'], d['id'])} {d['score']:.6f}") for d in r.stored[scheme]]
    for e in r.stored["evidence"]:
        where = f"{names.get(e['label'], e['label'])} {e['start']}–{e['end']}"
        rows.append(("证据", f"{where} {e['quote'] or '（原文已清除）'}（{e['weight']:+.3f}）"))
    rows.append(("重算", r.outcome.value + (f"：{r.reason}" if r.reason else "")))
    console().print(table(f"{r.document} · {r.origin['model']}", ("项目", "内容"), rows))


def _summary(found: list[Any], seed: int) -> None:
    from pipeline.batch.replay import Outcome

    counted = Table("模型", *(o.value for o in Outcome), title=f"抽查 {len(found)} 个打分（种子 {seed}）")
    for model in sorted({r.origin["model"] for r in found}):
        counts = Counter(r.outcome for r in found if r.origin["model"] == model)
        counted.add_row(model, *(str(counts[o]) for o in Outcome))
    out = console()
    out.print(counted)
    for reason, number in Counter(r.reason for r in found if r.reason).most_common(10):
        out.print(f"{number} 个：{reason}", highlight=False)
