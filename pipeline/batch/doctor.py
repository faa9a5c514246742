"""What an operator looks at first: each finding is in order, or says what to do."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import ZuofengError, first_line
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.desk.models import Run

__all__ = ["Finding", "examine"]

#: Less room than this beside the state folder is too little for a night, in bytes.
ROOM = 1 << 30
#: After so many runs in good order, the one that stands in the future was wrong, and nobody can mend it.
FORGIVEN = 14
#: Clocks this far apart confuse days and runs.
DRIFT = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Finding:
    """``said`` is what was found; ``todo`` what to do, empty when it is in order.

    ``late``: no night was done within the hours that the settings say.
    """

    name: str
    said: str
    todo: str = ""
    late: bool = False


def examine(settings: Settings, *, now: dt.datetime) -> list[Finding]:
    """Look at everything a night needs; nothing is changed and no error passes."""
    from django.db import Error

    found: list[Finding] = []
    readable = True
    for name, check in _CHECKS.items():
        if name in _OF_STORE and not readable:
            continue
        try:
            found += [Finding(name, *said) for said in check(settings, now)]
        except ZuofengError as e:
            found.append(Finding(name, f"{e.code} {e.message}", e.hint or "见上。"))
        except OSError as e:
            found.append(Finding(name, f"{e.filename}：{e.strerror}", "检查路径与权限。"))
        except Error as e:
            found.append(Finding(name, f"数据库报错：{first_line(e)}", "检查数据库服务与存储文件。"))
        if name in ("数据库", "表结构"):
            readable = not found[-1].todo
    return found


#: What was said, what to do, and for a night whether it is late.
Findings = Iterator[tuple[str, str] | tuple[str, str, bool]]


def _database(settings: Settings, now: dt.datetime) -> Findings:
    from django.db import DatabaseError

    from pipeline.desk.configure import embedded_file, open_store

    path = embedded_file(settings.store_url)
    if path is not None and not path.is_file():
        yield f"没有 {path}", "核对 store；第一次用就运行 zuofeng nightly，会建好。"
        return
    open_store(settings.store_url, bring_up=False, lock_seconds=settings.lock_seconds)
    from django.db import connection

    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as e:
        yield f"连不上：{first_line(e)}", "检查 store、口令与数据库服务。"
        return
    yield {"sqlite": "内嵌 SQLite", "postgresql": "PostgreSQL"}.get(connection.vendor, connection.vendor), ""


def _migrations(settings: Settings, now: dt.datetime) -> Findings:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    loader = executor.loader
    pending = executor.migration_plan(loader.graph.leaf_nodes())
    # A plan knows of the steps that this program has; those of a newer one are only in the store.
    if ahead := sorted(name for of, name in {*loader.applied_migrations} - {*loader.disk_migrations} if of == "desk"):
        yield (
            f"比本程序新：更新的版本升级过（{'、'.join(ahead)}），昨夜与时钟看不准",
            "停定时任务；装回升级过它的版本，或恢复升级之前的备份。",
        )
    elif pending:
        yield (
            f"有 {len(pending)} 步升级没做，昨夜与时钟要升级之后才看得了",
            "跑一次 zuofeng nightly，会自动升级；先备份。",
        )
    else:
        yield "表结构是最新的", ""


def _last_night(settings: Settings, now: dt.datetime) -> Findings:
    from pipeline.batch.sources.names import shown_source
    from pipeline.desk.models import Run

    nights = Run.objects.filter(kind="nightly")
    inbox = str(settings.home / settings.desk.api_inbox)
    # Expected every night: the source that is set, else the last one read; the interface's folder once it was read.
    main = shown_source(settings.source) or nights.values_list("source", flat=True).first()
    late = now - dt.timedelta(hours=settings.late_hours)
    tonight = nights.filter(started__gt=late).order_by("source").values_list("source", flat=True).distinct()
    for source in dict.fromkeys([main, inbox, *tonight]):
        last = nights.filter(source=source).first()
        if last is not None:
            yield from ((f"{source}：{said}", todo, late) for said, todo, late in _night(last, settings, now))
        elif source == main:
            yield f"{source or ''} 还没有跑过".strip(), "运行 zuofeng nightly。", True


def _night(last: Run, settings: Settings, now: dt.datetime) -> Iterator[tuple[str, str, bool]]:
    from pipeline.batch.ledger import STATES

    hours = _hours(now - (last.finished or last.started))
    ago = f"{hours:.0f} 小时前" if hours > -1 else "记的时间在未来"
    counts = f"{last.id} {STATES[last.state]}，读入 {last.counts.get('read', 0)}，{ago}"
    late = _since_done(last, now) > settings.late_hours
    lately = f"超过 {settings.late_hours:g} 小时没有完成过"
    if last.state == "done":
        said = f"{counts}；有来源没有读成（{last.reason}），看运行报告" if last.reason else counts
        yield said, f"{lately}：检查定时任务。" if late else "", late
    else:
        said = f"{counts}：{last.reason}" if last.reason else counts
        todo = "看运行报告，改正后重跑 zuofeng nightly。"
        if last.state == "running":
            todo = "正在运行，或被强行结束；没在运行就重跑 zuofeng nightly，会接着做。"
        yield f"{said}；{lately}" if late else said, todo, late
    set_aside = last.chunks.filter(state="aside").count()
    if set_aside:
        yield f"{last.id} 搁置了 {set_aside} 批", "看运行报告里的原因，改正后重跑。", False


def _since_done(last: Run, now: dt.datetime) -> float:
    """Return how many hours ago a night on the source of ``last`` was done, or the first one started."""
    nights = type(last).objects.filter(kind="nightly", source=last.source)
    done = nights.filter(state="done").first()
    first = nights.last() or last
    return _hours(now - ((done.finished or done.started) if done else first.started))


def _hours(time: dt.timedelta) -> float:
    return time.total_seconds() / 3600


def _clock(settings: Settings, now: dt.datetime) -> Findings:
    from django.db import connection

    from pipeline.desk.models import Run

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT now()")
            (theirs,) = cursor.fetchone()
        if abs(theirs - now) > DRIFT:
            yield f"与数据库的钟差 {abs(theirs - now).total_seconds():.0f} 秒", "用 NTP 校准两边的时钟。"
            return
    latest = Run.objects.filter(started__gt=now + DRIFT).first()
    if latest is not None:
        since = Run.objects.filter(serial__gt=latest.serial).count()
        said = f"现在 {now.astimezone():%Y-%m-%d %H:%M}；{latest.id} 那次记的时间在未来"
        todo = f"现在的时间不对，用 NTP 校准；对的，是那次的钟快了，不用管，再跑 {FORGIVEN} 次就不再提。"
        yield said, todo if since < FORGIVEN else ""
        return
    yield f"{now.astimezone():%Y-%m-%d %H:%M}", ""


def _disk(settings: Settings, now: dt.datetime) -> Findings:
    folder = settings.path("state")
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    yield f"{folder} 剩 {free / (1 << 30):.1f} GB", "" if free >= ROOM else "腾出空间，至少 1 GB。"


def _model(settings: Settings, now: dt.datetime) -> Findings:
    from pipeline.model.history import first_broken, read_history
    from pipeline.model.registry import champion_id, find_model
    from pipeline.taxonomy import load_taxonomy

    folder = settings.path("models")
    bundle = find_model(folder, taxonomy=load_taxonomy(settings.taxonomy_file))
    # No fault: it works, and finds less than it could.
    todo = "，还没有照本单位的来文定过说法：zuofeng adapt --unlabelled 去年的来文.xlsx --champion"
    yield bundle.id + todo * (bundle.home == "abroad"), ""
    noted = read_history(folder)
    if noted and noted[-1].model != champion_id(folder):
        yield "在用模型与沿革的最后一行不同", "有人直接改了 champion 文件；用 zuofeng promote 重新设一次。"
    if (line := first_broken(folder)) is not None:
        yield f"沿革 history.jsonl 第 {line} 行接不上前文，被改动过", "从备份恢复这个文件。"


def _dictionary(settings: Settings, now: dt.datetime) -> Findings:
    from pipeline.model.registry import find_model
    from pipeline.model.score import Scorer
    from pipeline.text.segment import dictionary_hash, load_dictionary

    words = load_dictionary(settings.dictionary_file)
    bundle = find_model(settings.path("models"), dictionary=dictionary_hash(words))
    Scorer(bundle, words, encoder=settings.encoder_folder)
    yield f"{len(words)} 个词，与模型一致；{bundle.manifest['segmenter']}", ""
    if "encoder" in bundle.manifest:
        yield f"编码器与模型一致，{bundle.manifest['encoder']['dimensions']} 维", ""


def _permissions(settings: Settings, now: dt.datetime) -> Findings:
    from pipeline.desk.secret import FILE as KEY

    state = settings.path("state")
    # What was put back from a backup may belong to another user, whoever has the folder above it.
    folders = state, state / "reports", settings.home / settings.desk.api_inbox, settings.path("models")
    wrong = [str(p) for p in folders if p.exists() and not os.access(p, os.W_OK)]
    wrong += [str(p) for p in (state / KEY,) if p.exists() and not os.access(p, os.R_OK)]
    if wrong:
        yield f"读写不了 {'、'.join(wrong)}", f"chown 给运行夜间任务的用户（现为 uid {os.geteuid()}）。"
    elif state.exists() and state.stat().st_mode & 0o007:
        yield f"{state} 对所有人开放，里面有原文", f"chmod o-rwx {state}"
    else:
        yield "可写；原文不对外人开放", ""


def _source(settings: Settings, now: dt.datetime) -> Findings:
    """Look at a table as a night would, and try what it will write there without touching a row."""
    if "://" not in settings.source:
        return
    from pipeline.batch.patience import Patience
    from pipeline.batch.report import RunReport
    from pipeline.batch.sources import ColumnMap, Limits
    from pipeline.batch.tables import Address, open_table
    from pipeline.taxonomy import load_taxonomy

    address = Address.parse(settings.source)
    written = bool(settings.tables.result or settings.tables.write)
    open_table(
        address, settings.tables, columns=ColumnMap().preferring(settings.columns), limits=Limits(),
        taxonomy=load_taxonomy(settings.taxonomy_file), report=RunReport(),
        patience=Patience(0), lock_seconds=settings.lock_seconds, chunk=1, write_back=written, dry_run=True,
    )  # fmt: skip
    yield f"{address.shown} 能读{'，能写回' * written}", ""


def _watching(settings: Settings, now: dt.datetime) -> Findings:
    if settings.alert and not shutil.which(settings.alert[0]):
        yield f"找不到告警命令 {settings.alert[0]}", "改 alert，写全路径。"
    elif settings.metrics_file and not os.access((settings.home / settings.metrics_file).parent, os.W_OK):
        yield f"写不了指标文件 {settings.metrics_file}", "建好目录并给写权限。"
    else:
        on = [name for name, value in (("指标", settings.metrics_file), ("告警", settings.alert)) if value]
        yield "、".join(on) or "没有配置（可选）", ""


_CHECKS: dict[str, Callable[[Settings, dt.datetime], Findings]] = {
    "数据库": _database,
    "表结构": _migrations,
    "昨夜": _last_night,
    "时钟": _clock,
    "磁盘": _disk,
    "模型": _model,
    "词典": _dictionary,
    "权限": _permissions,
    "来源": _source,
    "监控": _watching,
}
_OF_STORE = ("表结构", "昨夜", "时钟")
