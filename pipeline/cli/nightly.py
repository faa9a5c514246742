"""``zuofeng nightly``: the night and its table."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline.cli.common import Home, Model, Store, console, open_challenger, open_scorer, open_scoring, out_folder
from pipeline.cli.screen import say, short, table
from pipeline.cli.verbs import TABLE
from pipeline.settings import load_settings
from pipeline.taxonomy import Taxonomy

__all__ = ["Bar", "command", "show"]


def _writable(write_back: str | None) -> str | None:
    if write_back and write_back != TABLE:
        out_folder(Path(write_back).parent)
    return write_back


def command(
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            help="文件、目录或通配符：.csv .tsv .xlsx .jsonl .parquet .txt .docx；"
            "或数据库的表：postgresql+psycopg://…?table=表名，也可 ?query=",
        ),
    ] = None,
    store: Store = None,
    write_back: Annotated[
        str | None,
        typer.Option(
            "--write-back",
            callback=_writable,
            help="带分数的表另存为 .csv 或 .xlsx；来源是数据库时写 table（或不写值）即写回库里",
            metavar="[FILE|table]",
        ),
    ] = None,
    model: Model = None,
    cluster: Annotated[
        str | None, typer.Option("--cluster", help="在许多台机器上打分：dask 调度器的地址", metavar="tcp://主机:端口")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只说会做什么，不打分不写入。")] = False,
    home: Home = None,
) -> None:
    """夜间任务：读入新文本，打分，写回，列出先看哪些。

    来源是数据库时，--dry-run 会打印要执行的语句；键、水位、写到哪些列在 zuofeng.toml 的 [tables] 里设。
    """
    from pipeline.batch.child import Child
    from pipeline.batch.logs import configure_logs
    from pipeline.batch.sources import is_large
    from pipeline.batch.sources.names import shown_source

    settings = load_settings(home, store=store, source=source)
    if not settings.source:
        raise typer.BadParameter("没有数据来源：用 --source 指定，或在 zuofeng.toml 里设 source。")
    configure_logs(settings.log)
    out = console()
    many = is_large(settings.source)
    inbox = settings.home / settings.desk.api_inbox
    with ExitStack() as stack:
        child = None
        if many and not dry_run and not cluster:
            # What it loads besides the model takes as long as all that is done here before it is needed.
            child = stack.enter_context(Child("pipeline.batch.entry:prepare"))
        from pipeline.batch.nightly import nightly
        from pipeline.batch.patience import Patience
        from pipeline.batch.sources import ColumnMap, Limits
        from pipeline.batch.watch import watched

        watch = stack.enter_context(
            watched(
                metrics=settings.home / settings.metrics_file if settings.metrics_file and not dry_run else None,
                alert=[] if dry_run else settings.alert,
                source=shown_source(settings.source),
                awaited=Path(settings.source).resolve() != inbox.resolve(),
            )
        )
        scorer = open_scorer(settings, model, keep=not dry_run)
        scoring = stack.enter_context(
            open_scoring(settings, scorer, None if dry_run else cluster, many=many, child=child)
        )
        bar = stack.enter_context(Bar(out))
        report = watch.report = nightly(
            source=settings.source,
            scorer=scorer,
            store=settings.store_url,
            state=settings.path("state"),
            columns=ColumnMap().preferring(settings.columns),
            limits=Limits(max_text_bytes=settings.max_text_bytes),
            chunk=settings.chunk,
            dry_run=dry_run,
            write_back=None if write_back in (None, TABLE) else Path(write_back),
            write_tables=write_back == TABLE,
            tables=settings.tables,
            inbox=inbox,
            scoring=scoring,
            beside=lambda name: stack.enter_context(open_challenger(settings, name, scorer.bundle)),
            patience=Patience(settings.outage_seconds),
            lock_seconds=settings.lock_seconds,
            progress=bar,
        )
    for statement in report.statements:
        say(out, statement)
    show(report, scorer.bundle.taxonomy, out)
    raise typer.Exit(report.exit_code)


class Bar:
    """A bar on a terminal, one plain line per file in a log."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._named = 0
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[records]} 条"),
            TimeElapsedColumn(),
            console=out,
            transient=True,
            disable=not out.is_terminal,
        )
        self._task = self._progress.add_task("准备", total=None, records=0)

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, number: int, files: int, name: str, records: int) -> None:
        """Show how far the run is."""
        self._progress.update(self._task, description=name, total=files, completed=number - 1, records=records)
        # Files are told of when they are read and again when they are written.
        if not self._out.is_terminal and number > self._named:
            self._out.print(f"[{number}/{files}] {name}", markup=False, highlight=False)
            self._named = number


def show(report: Any, taxonomy: Taxonomy, out: Console, *, title: str = "夜间任务") -> None:
    """Print a run report: counts, labels, what was set aside, what to look at first."""
    from pipeline.batch.reasons import REASONS
    from pipeline.batch.report import label_rows

    heads = ("读入", "新增", "内容有变", "换模型重算", "未变", "搁置", "有问题", "待复核", "秒")
    # A rehearsal scores nothing: 0 would say that there is no problem in what comes.
    unknown = ("problems", "review") if report.dry_run else ()
    counts = (*("–" if n in unknown else str(v) for n, v in report.numbers().items()), f"{report.seconds:.1f}")
    title = f"{title}{'演练' if report.dry_run else ''} {report.run} · 模型 {report.model}"
    out.print(table(title, heads, [counts], words=0))
    if report.starts > 1:
        out.print(f"接着上次没做完的一次继续（第 {report.starts} 次启动），数字是合计。")
    if report.scored == 0 and report.read:
        others = "别的" if report.rejected else ""
        out.print(f"没有新内容：读到的{others}文本都已按现行模型打过分。" if report.unchanged else "没有新打分的文本。")
    if not (report.read or report.unreadable):
        out.print("一条也没有读到：没有新来件；本该有的，核对来源路径（zuofeng config）。")
    for notice in report.notices:
        say(out, f"注意：{notice}")
    if report.scored and not report.dry_run:
        labels = ((scheme, name, str(number)) for scheme, name, number in label_rows(report, taxonomy))
        out.print(table("本次判定", ("方案", "标签", "篇数"), labels, words=2))
    if report.reasons or report.unreadable:
        kept = "会搁置的记录" if report.dry_run else "搁置的记录（都已保存）"
        # Of a run that an older version began, reasons may be whole sentences.
        aside = [
            (f"{REASONS[code]}（{code}）" if code in REASONS else code, str(number))
            for code, number in report.reasons.most_common(len(REASONS))
        ]
        aside += [(_unread(u), "整个文件") for u in report.unreadable]
        out.print(table(kept, ("搁置原因", "条数"), aside, words=1))
    if report.top and not report.dry_run:
        out.print(_top(report.top, taxonomy))
    for chunk in report.aside:
        say(out, f"搁置一批 {chunk['records']} 条（{chunk['first']} 至 {chunk['last']}）：{chunk['reason']}")
    for name, path in (("搁置清单", report.rejected_file), ("运行报告", report.report_file)):
        if path:
            say(out, f"{name}：{path}")


def _unread(of: dict[str, str]) -> str:
    name, reason = Path(of["file"]).name, of["reason"]
    return f"{reason if name in reason else f'{name}：{reason}'} → {of['hint']}"


def _top(rows: list[dict[str, Any]], taxonomy: Taxonomy) -> Table:
    made = Table(title="先看这些", title_justify="left", show_lines=True)
    made.add_column("编号", overflow="fold", max_width=16)
    made.add_column("问题分", justify="right")
    for scheme in taxonomy.schemes:
        made.add_column(scheme.name, overflow="fold", max_width=22)
    made.add_column("证据", ratio=1)
    for row in rows:
        decided = [
            "\n".join(f"{taxonomy.label(d['id']).name} {d['score']:.2f}" for d in row[s.id]) for s in taxonomy.schemes
        ]
        quotes = list(dict.fromkeys(e["quote"].strip() for e in row["evidence"]))
        shown = "\n".join(f"“{short(q, 40)}”" for q in quotes[:3])
        made.add_row(row["id"], f"{row['problem_score']:.2f}", *decided, shown)
    return made
