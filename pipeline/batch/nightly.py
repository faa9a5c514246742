"""The main job: read everything new, score it, write it back, say what was done."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.batch.files import FileFeed
from pipeline.batch.lock import hold_store, only_one
from pipeline.batch.numbers import notices
from pipeline.batch.patience import Patience
from pipeline.batch.report import RunReport, write_rejected_csv, write_report
from pipeline.batch.sources import SUFFIXES, ColumnMap, Limits, expand, is_read, skipped, underway, unreadable
from pipeline.batch.sources.names import legible
from pipeline.batch.stop import stoppable
from pipeline.batch.worker import SPARE, Scoring, Worker, lanes_of
from pipeline.batch.writeback import WriteBack
from pipeline.collecting import rarely_collecting
from pipeline.documents import Document, Prediction, Rejected
from pipeline.errors import ConfigError, SourceError, UnfinishedError
from pipeline.model.bundle import Bundle
from pipeline.model.score import Scorer
from pipeline.table_settings import TableSettings

if TYPE_CHECKING:
    from pipeline.batch.feed import Feed, Target
    from pipeline.batch.night import Night
    from pipeline.batch.shadow import OpenModel

__all__ = ["InProcess", "Progress", "at_work", "bring_up", "nightly", "provenance", "run_feeds"]

log = logging.getLogger("zuofeng.night")

#: Called with the file's number, how many files there are, its name, and the records read so far.
Progress = Callable[[int, int, str, int], None]
#: Asked with the run's source and model for what its plan holds besides the size of chunks.
More = Callable[[str, str], Mapping[str, Any]]
TOP = 20
_PATIENCE = Patience()
_TABLES = TableSettings()


@dataclass(frozen=True)
class InProcess:
    """Scores in this process; what a scorer raises ends the run."""

    scorer: Scorer

    def score(self, documents: Sequence[Document]) -> list[Prediction | Rejected]:
        """Score ``documents``."""
        return [*self.scorer.score(documents)]


def nightly(
    *,
    source: str,
    scorer: Scorer,
    store: str,
    state: Path,
    columns: ColumnMap,
    limits: Limits,
    chunk: int = 4000,
    dry_run: bool = False,
    write_back: Path | None = None,
    write_tables: bool = False,
    tables: TableSettings = _TABLES,
    inbox: Path | None = None,
    scoring: Scoring | None = None,
    beside: OpenModel | None = None,
    patience: Patience = _PATIENCE,
    lock_seconds: float = 30.0,
    progress: Progress = lambda number, files, name, records: None,
) -> RunReport:
    """Run one night and return its report; raises SourceError when nothing can be read at all.

    Running it again is safe at any time: a run that stopped half-way is continued, what is stored for the same text
    and model stays as it is. A file that cannot be opened is named in the report and the night goes on with the
    others. ``scoring`` scores instead of ``scorer`` in this process, a Worker or a Cluster for instance; ``beside``
    opens the challengers that are on trial, which nobody sees. Raises UnfinishedError
    when another night runs, the store stays away or a signal came; what was written by then is whole chunks.

    A ``source`` with ``://`` is a table of a database, read as ``tables`` says; ``write_tables`` writes the scores
    into that database, ``write_back`` into a file. Files handed in over the interface, in ``inbox``, stay there for as
    long as their texts are kept: what another source brought or has changed since stays as it is.
    """
    with (
        at_work(store=store, state=state, patience=patience, lock_seconds=lock_seconds, dry_run=dry_run) as patience,
        ExitStack() as stack,
    ):
        report = RunReport(model=scorer.bundle.id, dry_run=dry_run)
        targets: list[Target] = []
        if write_back and not dry_run:
            targets.append(stack.enter_context(WriteBack(write_back, scorer.bundle.taxonomy)))
        feeds: list[Feed] = []
        more: More | None = None
        if "://" in source:
            from pipeline.batch.tables import Address, open_table

            address = Address.parse(source)
            table = open_table(
                address, tables, columns=columns, limits=limits, taxonomy=scorer.bundle.taxonomy, report=report,
                patience=patience, lock_seconds=lock_seconds, chunk=chunk, write_back=write_tables, dry_run=dry_run,
                ahead=lanes_of(scoring) + SPARE,
            )  # fmt: skip
            # From here on nobody sees a password.
            source, more = address.shown, table.plan
            feeds.append(table.feed)
            targets += [table.target] if table.target else []
            report.statements = [*table.statements] if dry_run else []
        elif write_tables:
            raise ConfigError(
                "ZF-TAB-WRITE", "来源是文件，不能写回数据库的表",
                "写进文件用 --write-back 结果.xlsx；写回表时 --source 写数据库地址。",
            )  # fmt: skip
        else:

            def unseen(path: Path, error: OSError) -> None:
                report.cannot_read(legible(path), unreadable(path, error))

            # The folder of what is handed in comes with the first of it.
            none = inbox is not None and Path(source).resolve() == inbox.resolve() and not inbox.exists()
            files = [] if none else expand(source, unseen)
            if write_back and is_read(write_back, source, files):
                # In place of the source it ends what else is in there; beside it, it is read as new the next night.
                raise ConfigError(
                    "ZF-WRITEBACK-SOURCE", f"写回文件 {write_back.name} 是来源之一，或在来源文件夹里",
                    "写到别处：来源原样留着，写出的结果也不会被当作来件读入。",
                )  # fmt: skip
            timid = inbox is not None and Path(source).resolve().is_relative_to(inbox.resolve())
            feeds += [FileFeed(p, columns, limits, report, timid=timid) for p in files]
            for path in skipped(source):
                if underway(path):
                    log.info("还没写完，留到下一夜", extra={"fields": {"file": legible(path)}})
                    continue
                hint = f"能读的有 {' '.join(SUFFIXES)}"
                report.cannot_read(legible(path), SourceError("ZF-SRC-SUFFIX", "不认得这种文件", hint))
            source = legible(source)
        report.sources = [f.name for f in feeds]
        return run_feeds(
            feeds, report, kind="nightly", source=source, bundle=scorer.bundle, scoring=scoring or InProcess(scorer),
            state=state, chunk=chunk, patience=patience, targets=targets, progress=progress, more=more, beside=beside,
        )  # fmt: skip


@contextmanager
def at_work(
    *, store: str, state: Path, patience: Patience, lock_seconds: float, dry_run: bool = False
) -> Iterator[Patience]:
    """Be the only run on a store, to be stopped by signals; yields the patience that knows of them.

    The store is opened, not yet looked at; for a ``dry_run`` an embedded one that is not there is not made. Raises
    UnfinishedError when another run is at work.
    """
    from pipeline.desk.configure import MEMORY, embedded_file, open_store

    path = embedded_file(store)
    if dry_run and path is not None and not path.exists():
        with stoppable() as stop:
            open_store(MEMORY, bring_up=False)
            yield replace(patience, stop=stop)
        return
    state.mkdir(mode=0o750, parents=True, exist_ok=True)  # texts are in there
    with only_one(state, path), stoppable() as stop:
        open_store(store, bring_up=False, lock_seconds=lock_seconds, bulk=True)
        yield replace(patience, stop=stop)


def run_feeds(
    feeds: Sequence[Feed],
    report: RunReport,
    *,
    kind: str,
    source: str,
    bundle: Bundle,
    scoring: Scoring,
    state: Path,
    chunk: int,
    patience: Patience,
    targets: Sequence[Target],
    progress: Progress,
    more: More | None = None,
    beside: OpenModel | None = None,
) -> RunReport:
    """Work through ``feeds`` on an opened store as one run, from where the last one stopped."""
    from pipeline.batch import ledger
    from pipeline.batch import store as rows
    from pipeline.batch.before import Before
    from pipeline.batch.night import Night
    from pipeline.batch.shadow import Beside
    from pipeline.desk.cases import take_in
    from pipeline.desk.shadows import close_night
    from pipeline.desk.tallies import roll_up_if_behind

    started, now = time.monotonic(), dt.datetime.now(dt.UTC)
    start = scoring.start if isinstance(scoring, Worker) and not report.dry_run else lambda: None
    bring_up(patience, start, dry_run=report.dry_run)
    run = None
    report.run, report.started = ledger.new_id(now), now.isoformat(timespec="seconds")
    crew = Beside()
    if beside is not None and not report.dry_run:
        crew = patience.run(lambda: Beside.of(bundle, beside))
    trials = crew.shadows
    plan = {"chunk": chunk, **crew.plan, **(patience.run(lambda: more(source, bundle.id)) if more else {})}
    before = Before()
    if kind == "nightly":
        before = patience.run(lambda: Before.night(source=source, model=bundle.id, plan=plan))
    if not before.chunks:
        start()  # else it is probably a quiet night
    if not report.dry_run:
        run = patience.run(lambda: ledger.begin(kind=kind, source=source, model=bundle.id, plan=plan, now=now))
        report.run, report.starts, report.started = run.id, run.starts, run.started.isoformat(timespec="seconds")
    log.info("开始", extra={"fields": {"run": report.run, "kind": kind, "model": bundle.id, "starts": report.starts}})
    night = Night(scoring, source, bundle.id, provenance(bundle), report, run, patience, chunk, targets, crew, before)

    def close(state_: str, reason: str = "") -> None:
        report.state = state_
        report.notices = [str(n) for n in notices(report)]
        report.finished = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        report.seconds = round(time.monotonic() - started, 2)
        if run is not None:
            _write_files(night, state / "reports")
            Patience(patience.seconds).run(lambda: ledger.finish(run, state_, counts=report.numbers(), reason=reason))
        ended = {"run": report.run, "state": state_, "seconds": report.seconds, **report.numbers()}
        log.info("结束", extra={"fields": ended})

    with rarely_collecting():
        night.take_all(feeds, lambda number, feed, read: progress(number, len(feeds), Path(feed.name).name, read))
    if isinstance(scoring, Worker):
        scoring.dismiss()  # its memory is better used by what follows
    if night.stopped:
        close("unfinished", "收到停止信号")
        raise UnfinishedError(
            "ZF-NIGHT-STOPPED", f"收到停止信号：已写完手上的一批（共 {report.read} 条）", "重跑即从这里接着做。"
        )
    if report.aside and not report.scored and not report.unchanged:
        close("failed", "没有一批做成")
        raise UnfinishedError(
            "ZF-NIGHT-ASIDE", f"没有一批做成：{report.aside[0]['reason']}", "运行 zuofeng doctor，改正后重跑即可。"
        )
    names = {f.name for f in feeds}
    # What was left out for its suffix is no source.
    broken = [u for u in report.unreadable if u["file"] in names]
    if feeds and len(broken) == len(feeds) and report.read == 0:
        first, *others = broken
        close("failed", first["code"])
        raise SourceError(
            first["code"], first["reason"], first["hint"], [f"{u['file']} -> {u['reason']}" for u in others]
        )
    if run is not None:
        # The desk's queue is ready before anybody opens it. Safe to repeat: only what is behind is touched.
        with report.spent("排队"):
            if before.quiet:
                # Nothing was written since the last run was taken in; people may have decided.
                patience.run(roll_up_if_behind)
            else:
                patience.run(lambda: take_in(bundle.id if kind == "nightly" else None))
        patience.run(lambda: close_night(run, trials))
    report.top = patience.run(lambda: rows.top_documents(report.model, TOP))
    # Done, yet not whole: said for the next night, which must not start behind what this one did not read.
    close("done", broken[0]["code"] if broken else "")
    return report


def provenance(bundle: Bundle) -> dict[str, str]:
    """Return what is stored with every score besides the model's id: where its figures came from."""
    return {
        "taxonomy": f"{bundle.taxonomy.id} {bundle.taxonomy.version}",
        "segmenter": str(bundle.manifest["segmenter"]),
        "dictionary": str(bundle.manifest["dictionary"]),
        "thresholds": str(bundle.manifest["files"]["calibration.json"]),
    }


def bring_up(patience: Patience, meanwhile: Callable[[], None] = lambda: None, *, dry_run: bool = False) -> None:
    """Hold an opened store and bring its tables up to date; raises UnfinishedError when it stays away.

    ``meanwhile`` is called first if that will take a while. A ``dry_run`` changes nothing: ConfigError ``ZF-STORE-OLD``
    where the tables are behind; for a store without any, an empty one in memory is opened instead.
    """
    from django.db import Error

    from pipeline.desk.configure import MEMORY, behind, migrate, open_store, out_of_reach

    def work() -> None:
        hold_store()
        if not dry_run:
            migrate(meanwhile)
        elif (steps := behind()) is None:
            open_store(MEMORY)
        elif steps:
            raise ConfigError(
                "ZF-STORE-OLD", f"存储的表结构还有 {steps} 步升级没做，演练不改它",
                "先备份，再跑一次不带 --dry-run 的 zuofeng nightly，会自动升级；之后再演练。",
            )  # fmt: skip

    try:
        patience.run(work)
    except Error as e:
        raise out_of_reach(e) from e


def _write_files(night: Night, folder: Path) -> None:
    report = night.report
    try:
        if night.rejected:
            listed = folder / f"{report.run}-rejected.csv"
            write_rejected_csv(night.rejected, listed)
            report.rejected_file = str(listed)
        write_report(report, folder)
    except OSError as e:
        raise UnfinishedError(
            "ZF-REPORT-WRITE", f"写不了运行报告：{e.strerror}", "检查磁盘空间与权限，之后重跑即可；打过的分都已保存。"
        ) from e
