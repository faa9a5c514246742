"""``zuofeng bench night``: a night under load, twice, into each kind of store."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.common import Home, Model, console, open_scorer, out_folder
from pipeline.cli.screen import say, table
from pipeline.settings import load_settings
from pipeline.taxonomy import load_taxonomy

__all__ = ["night"]

_KINDS = ("csv", "parquet")
_MEGA = 1 << 20
#: Documents of a night that is not measured: enough for it to be read with compiled code (`batch.sources.inbox.LARGE`).
UNMEASURED = 10_000
#: Small lots, so that few documents keep several workers busy.
SCORED_AT_ONCE = 500


def night(
    documents: Annotated[list[int] | None, typer.Option("--documents", min=1, help="篇数，可多次；默认 20000")] = None,
    postgres: Annotated[bool, typer.Option("--postgres/--no-postgres", help="也写进临时的 PostgreSQL")] = True,
    kind: Annotated[list[str] | None, typer.Option("--kind", help="csv 或 parquet，可多次；默认两种")] = None,
    workers: Annotated[
        list[int] | None,
        typer.Option("--workers", min=0, help="在本机另起几个 dask worker 打分，可多次；0 是不用 dask，默认 0"),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option("--folder", callback=out_folder, help="放数据的目录，默认临时目录，用完即删")
    ] = None,
    model: Model = None,
    home: Home = None,
) -> None:
    """一夜多快：造许多与真实留言一样长短的文本，读出、打分、写库，再跑一遍。"""
    from pipeline.bench.machines import local_workers, scoring_rate
    from pipeline.bench.messages import sentences_of, write_messages
    from pipeline.bench.night import watch_night
    from pipeline.bench.postgres import SHARE, temporary_server
    from pipeline.bench.speed import machine
    from pipeline.corpus.gold import read_gold

    if wrong := sorted(set(kind or ()) - set(_KINDS)):
        raise typer.BadParameter(f"--kind 只认 csv 和 parquet，没有 {'、'.join(wrong)}")
    settings = load_settings(home)
    sentences = sentences_of([g.text for g in read_gold(settings.gold_files, load_taxonomy(settings.taxonomy_file))])
    out = console()
    head = (
        "篇数", "来源", "存储", "worker", "只打分每秒", "遍", "秒", "每篇毫秒", "处理器秒", "峰值内存", "新增",
        "主进程的秒花在",
    )  # fmt: skip
    shown = table("夜间任务（整个命令，从启动到退出）", head)
    with ExitStack() as stack, out.status("准备") as status:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zuofeng-night-")))
        folder.mkdir(parents=True, exist_ok=True)
        counts = documents or [20_000]
        if max(counts) > UNMEASURED:
            # Whoever comes first would have the code compiled for all, once in the life of an installation.
            status.update("编译")
            source, state = folder / "unmeasured.csv", folder / "unmeasured"
            write_messages(source, UNMEASURED, sentences)
            watch_night(source, f"sqlite:///{state / 'store.sqlite3'}", home=settings.home, state=state, model=model)
            source.unlink()
            shutil.rmtree(state)
        for count in counts:
            for suffix in (f".{k}" for k in kind or _KINDS):
                status.update(f"造 {count:,} 篇 {suffix}")
                source = folder / f"{count}{suffix}"
                write_messages(source, count, sentences)
                stores = ("SQLite", *(["PostgreSQL"] if postgres else []))
                for store, several in itertools.product(stores, workers or [0]):
                    with ExitStack() as one:
                        cluster = one.enter_context(local_workers(several, settings.home)) if several else None
                        rate = "-"
                        if cluster:
                            status.update(f"{count:,} 篇 {suffix}，{several} 个 worker，只打分")
                            bundle = open_scorer(settings, model).bundle
                            rate = f"{scoring_rate(source, cluster, bundle, chunk=SCORED_AT_ONCE):,.0f}"
                        state = folder / f"state-{count}{suffix}-{store}-{several}"
                        url = f"sqlite:///{state / 'store.sqlite3'}"
                        if store == "PostgreSQL":
                            url = one.enter_context(temporary_server(SHARE)).get_uri()
                        one.callback(shutil.rmtree, state, ignore_errors=True)
                        for again in (1, 2):
                            status.update(f"{count:,} 篇 {suffix} → {store}，第 {again} 遍")
                            seen = watch_night(
                                source, url, home=settings.home, state=state, model=model, cluster=cluster
                            )
                            steps = sorted(seen.report["steps"].items(), key=lambda s: -s[1])
                            shown.add_row(
                                f"{count:,}", suffix[1:], store, str(several or "-"), rate, str(again),
                                f"{seen.seconds:.1f}",
                                f"{seen.seconds / count * 1000:.2f}", f"{seen.cpu:.1f}", f"{seen.memory // _MEGA} MB",
                                f"{seen.report['new']:,}", "，".join(f"{name} {s:.1f}" for name, s in steps),
                            )  # fmt: skip
                source.unlink()
    out.print(shown)
    say(
        out,
        f"{machine()}；文本由语料的句子拼成，长短按 9,307 条真实留言的分布：只是负载，判出的比例比真实的高得多。"
        "机器码在计时之前编译好了（装好后第一夜要多几秒）。"
        "峰值内存是各进程之和，PostgreSQL 的服务器不算在内；有 dask worker 时它们的处理器秒和内存也不算。",
    )
