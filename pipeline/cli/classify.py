"""``zuofeng classify``: texts in, one JSON object per document out, in input order."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline.cli.common import Home, Model, console, open_scorer, read_source
from pipeline.cli.screen import table
from pipeline.documents import Document, Prediction, Rejected
from pipeline.settings import Settings, load_settings
from pipeline.taxonomy import Label

__all__ = ["command"]

BATCH = 500


def command(
    files: Annotated[
        list[str] | None, typer.Argument(help="要读的文件，- 为标准输入的 JSONL。", show_default=False)
    ] = None,
    output: Annotated[Literal["jsonl", "table"], typer.Option("--format", help="打印成什么样")] = "jsonl",
    model: Model = None,
    home: Home = None,
) -> None:
    """给文本分类，逐条输出标签、分数和证据；不写入存储。"""
    settings = load_settings(home)
    scorer = open_scorer(settings, model)
    # Imported by now, which is why it is not imported above.
    from pipeline.model.score import batches

    rejected: list[Rejected] = []

    def documents() -> Iterator[Document]:
        for record in _read(files or ["-"], settings):
            if isinstance(record, Document):
                yield record
            else:
                rejected.append(record)

    label = scorer.bundle.taxonomy.label
    rows = []
    for batch in batches(documents(), BATCH):
        for document, prediction in zip(batch, scorer.score(batch), strict=True):
            if output == "jsonl":
                sys.stdout.write(
                    json.dumps(prediction.to_dict(), ensure_ascii=False).encode("utf-8", "replace").decode() + "\n"
                )
            else:
                rows.append((document.id, *_cells(prediction, label)))
    if output == "table":
        names = (s.name for s in scorer.bundle.taxonomy.schemes)
        console().print(table("", ("编号", "问题分", *names, "证据"), rows))
    for r in rejected:
        sys.stderr.write(f"[{r.code}] {r.place}：{r.reason}\n")
    if rejected:
        raise typer.Exit(1)


def _read(files: list[str], settings: Settings) -> Iterator[Document | Rejected]:
    for name in files:
        if name == "-":
            with tempfile.TemporaryDirectory() as folder:
                spool = Path(folder, "标准输入.jsonl")
                with spool.open("wb") as out:
                    shutil.copyfileobj(sys.stdin.buffer, out)
                yield from read_source(spool, settings)
        else:
            yield from read_source(name, settings)


def _cells(p: Prediction, label: Callable[[str], Label]) -> list[str]:
    decided = ["\n".join(f"{label(i).name} {v:.2f}" for i, v in chosen) for chosen in p.decided.values()]
    quotes = list(dict.fromkeys(e.quote.strip() for e in p.evidence))
    return [f"{p.problem_score:.2f}", *decided, "\n".join(f"“{q[:40]}”" for q in quotes[:3])]
