"""``zuofeng suggest``: which texts to label next."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.common import (
    Home,
    Model,
    Store,
    columns_of,
    console,
    open_scorer,
    out_file,
    read_documents,
    say_passed,
)
from pipeline.cli.screen import say, table
from pipeline.settings import load_settings

__all__ = ["command"]


def command(
    files: Annotated[
        list[Path] | None, typer.Argument(help="从这些文件里挑（任何能读的格式），默认从存储里挑", show_default=False)
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="挑多少条")] = 50,
    reviewed: Annotated[
        list[Path] | None, typer.Option("--reviewed", help="已经标过的，不再挑（任何带标签的格式）", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", callback=out_file, help="写成待标注的文件：.jsonl，或 Label Studio 的 .json")
    ] = None,
    store: Store = None,
    model: Model = None,
    home: Home = None,
) -> None:
    """挑最值得标的文本：拿不准的、词典与模型不一的、证据单薄的、用词陌生的；各标签轮流，不挑雷同的。"""
    from pipeline.analyst.pool import suggest
    from pipeline.analyst.suggest import REASONS
    from pipeline.batch.stored import stored_documents
    from pipeline.corpus.identity import text_key
    from pipeline.exchange.files import read_files

    settings = load_settings(home, store=store)
    scorer = open_scorer(settings, model)
    taxonomy = scorer.bundle.taxonomy
    screen = console()
    with screen.status("挑选"):
        if files:
            pool = read_documents(files, settings, screen)
        else:
            pool = [s.document for s in stored_documents(settings.store_url, scorer.bundle.id)]
        done = read_files(reviewed or (), taxonomy, columns=columns_of(settings))
        say_passed(done.passed, screen)
        found = suggest(scorer, pool, count, reviewed={text_key(i.gold.text) for i in done.items})
    rows = []
    for s in found:
        words = " ".join("；".join(e.quote for e in s.evidence).split())[:60]
        score = f"{s.score:.2f}{' 判出' if s.decided else ''}"
        rows.append((s.document.id, taxonomy.label(s.label).name, REASONS[s.reason], score, words))
    title = f"从 {len(pool)} 条里挑出 {len(found)} 条"
    screen.print(table(title, ("编号", "为了哪个标签", "为什么", "分数", "词句"), rows, lines=True))
    if out:
        _write(out, found)
        say(screen, f"待标注：{out}")


def _write(out: Path, found: list) -> None:  # type: ignore[type-arg]
    import json

    from pipeline.exchange.label_studio import DOCUMENT

    rows = [
        {"id": s.document.id, "text": s.document.text, "for": s.label, "reason": s.reason, "score": round(s.score, 4)}
        for s in found
    ]
    if out.suffix == ".json":
        tasks = [{"data": {DOCUMENT: r["id"], **r}} for r in rows]
        out.write_text(json.dumps(tasks, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    else:
        out.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
