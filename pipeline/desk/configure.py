"""Start Django on a store URL: for the night bare, for the desk with its settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline.collecting import no_collecting
from pipeline.errors import ConfigError, UnfinishedError
from pipeline.settings import Settings

__all__ = [
    "MEMORY",
    "ask_for_store",
    "behind",
    "database",
    "embedded_file",
    "migrate",
    "open_desk",
    "open_store",
    "out_of_reach",
]

#: An empty store that leaves no trace.
MEMORY = "sqlite:///:memory:"
#: How long one statement waits for another's lock before the work is tried again, in seconds.
LOCK_SECONDS = 30.0
#: What is removed or written over is in no free page: not every SQLite is built to see to that itself.
_ALWAYS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;"
#: For one who writes much: indexes of a million rows in memory (KiB), and pages that are written over and over are
#: copied from the log to their places more rarely (pages of 4 KiB).
_BULK = "PRAGMA cache_size=-131072; PRAGMA wal_autocheckpoint=65536;"


def database(url: str, *, lock_seconds: float = LOCK_SECONDS, bulk: bool = False) -> dict[str, Any]:
    """Return Django's DATABASES entry for a store URL (``sqlite:///…``, ``postgresql://…``); ``bulk`` to write much."""
    entry = _entry(url)
    if (path := embedded_file(url)) is not None:
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        entry["OPTIONS"] = {
            # DEFERRED fails at once when a read turns into a write, whatever the timeout says.
            "transaction_mode": "IMMEDIATE",
            "timeout": lock_seconds,
            "init_command": _ALWAYS + _BULK * bulk,
        }
    else:
        # A host that is gone is noticed: when connecting, and while waiting for an answer.
        alive = {"connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
        # Many short questions at once: neither helpers nor compiled plans pay for themselves.
        wait = f"-c lock_timeout={round(lock_seconds * 1000)} -c max_parallel_workers_per_gather=0 -c jit=off"
        given = entry.get("OPTIONS", {})
        # The driver reads times as ISO only; a role or a database may be set to another way.
        entry["OPTIONS"] = {**alive, **given, "options": f"{wait} {given.get('options', '')} -c datestyle=ISO"}
    return entry


def embedded_file(url: str) -> Path | None:
    """Return the file of an SQLite store, None for any other; raises ConfigError ``ZF-STORE-URL``."""
    entry = _entry(url)
    return Path(entry["NAME"]) if "sqlite" in entry["ENGINE"] else None


def _entry(url: str) -> dict[str, Any]:
    import dj_database_url

    given, mark, rest = url.partition("://")
    scheme = given.partition("+")[0]
    if not mark or scheme not in ("sqlite", "postgresql", "postgres"):
        raise ConfigError("ZF-STORE-URL", "不支持这种存储地址", "用 sqlite:///路径 或 postgresql://用户@主机/库名。")
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        # Behind the host an @ comes from a password with / ? or # in it, which would name another host; behind a #
        # the rest of a file's path would be cut off.
        if not parts.fragment if scheme == "sqlite" else "@" not in "".join(parts[2:]):
            return dict(dj_database_url.parse(f"{scheme}://{rest}"))
    except ValueError:
        pass  # its words may quote the password
    raise ConfigError(
        "ZF-STORE-URL", "存储地址写得不对",
        "口令里的 # 写作 %23，@ 写作 %40，/ 写作 %2F，? 写作 %3F，% 写作 %25；或改用口令文件 store_password_file。"
        "文件路径里的 # 也写作 %23。",
    )  # fmt: skip


def ask_for_store(url: str) -> None:
    """Raise ConfigError where the embedded store of ``url`` is not there: opened it would be made, and hold nothing."""
    path = embedded_file(url)
    if path is not None and not path.is_file():
        raise ConfigError(
            "ZF-STORE-NONE", f"没有存储 {path}", "核对 store 与家目录；恢复时先放回存储，第一次用先跑 zuofeng nightly。"
        )


def open_store(
    url: str,
    *,
    bring_up: bool = True,
    lock_seconds: float = LOCK_SECONDS,
    bulk: bool = False,
    there: bool = False,
) -> None:
    """Point Django at ``url`` and bring its tables up to date; raises UnfinishedError when it is out of reach.

    ``bulk`` is for one who writes much; ``there`` is for one who reads, and raises as `ask_for_store` does.
    """
    if there:
        ask_for_store(url)
    import django
    from django.conf import settings

    from pipeline.desk.options import options

    entry = database(url, lock_seconds=lock_seconds, bulk=bulk)
    if not settings.configured:
        settings.configure(**options(entry))
        django.setup()
    else:
        _switch(entry)
    if bring_up:
        _bring_up()


def open_desk(settings: Settings, *, bring_up: bool = True, there: bool = False) -> None:
    """Point Django at the store of ``settings`` with everything the desk's pages need; ``there`` as `open_store`."""
    if there:
        ask_for_store(settings.store_url)
    import django
    from django.conf import settings as current

    from pipeline.desk.options import options
    from pipeline.desk.secret import secret_of

    wanted = options(
        database(settings.store_url), settings.desk, secret_of(settings.path("state")), home=str(settings.home)
    )
    if not current.configured:
        current.configure(**wanted)
        django.setup()
    else:
        _switch(wanted.pop("DATABASES")["default"])
        for name, value in wanted.items():
            setattr(current, name, value)
    if bring_up:
        _bring_up()


def out_of_reach(error: Exception) -> UnfinishedError:
    """Return what is said of a store that cannot be opened."""
    return UnfinishedError("ZF-STORE-DOWN", f"打不开存储：{error}", "检查地址、权限与数据库服务，之后重跑即可。")


def _switch(entry: dict[str, Any]) -> None:
    """Point an already configured process at another store (tests, notebooks)."""
    from django.db import connections

    current = connections["default"]
    if {k: current.settings_dict.get(k) for k in entry} == entry:
        return
    current.close()
    connections.settings["default"] = connections.configure_settings({"default": entry})["default"]
    del connections["default"]


def _bring_up() -> None:
    from django.db import DatabaseError

    try:
        migrate()
    except DatabaseError as e:
        raise out_of_reach(e) from e


def behind() -> int | None:
    """Return how many migrations the opened store lacks, None when it has no tables yet; nothing is changed."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if not executor.loader.applied_migrations:
        return None
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def migrate(meanwhile: Callable[[], None] = lambda: None) -> None:
    """Bring the store's tables up to date; each migration happens whole or not at all. Database errors pass.

    ``meanwhile`` is called before it begins, if there is anything to do.

    Django records a migration with deferred statements in a transaction of its own: a process killed in between leaves
    tables that the next start would create again. Hence one outer transaction around each.
    """
    from django.core.management import call_command
    from django.db import connection, transaction
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan:
        return
    meanwhile()
    # One state for all: made anew for each migration it would take most of the time.
    state = None
    with no_collecting():  # a state holds all models, and each step makes another
        try:
            for migration, _ in plan:
                # SQLite rebuilds tables, and cannot leave foreign keys alone once a transaction has begun.
                connection.disable_constraint_checking()
                with transaction.atomic():
                    target = (migration.app_label, migration.name)
                    state = executor.migrate([target], plan=[(migration, False)], state=state)
        finally:
            connection.enable_constraint_checking()
        # Nothing is left to apply: this tells the applications that their tables stand.
        call_command("migrate", verbosity=0, interactive=False)
