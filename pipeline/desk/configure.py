"""Start Django on a store URL, from a program that is not a web server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError, UnfinishedError

__all__ = ["database", "open_store"]

_SQLITE = {
    # DEFERRED fails at once when a read turns into a write, whatever the timeout says.
    "transaction_mode": "IMMEDIATE",
    "timeout": 30,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=30000;",
}


def database(url: str) -> dict[str, Any]:
    """Return Django's DATABASES entry for a store URL (``sqlite:///…``, ``postgresql://…``)."""
    import dj_database_url

    scheme = url.partition(":")[0].partition("+")[0]
    if scheme not in ("sqlite", "postgresql", "postgres"):
        raise ConfigError(
            "ZF-STORE-URL", f"不支持的存储地址 {scheme or url!r}", "用 sqlite:///路径 或 postgresql://用户@主机/库名。"
        )
    entry: dict[str, Any] = dict(dj_database_url.parse(scheme + url[url.index(":") :]))
    if scheme == "sqlite":
        Path(entry["NAME"]).parent.mkdir(parents=True, exist_ok=True)
        entry["OPTIONS"] = dict(_SQLITE)
    return entry


def open_store(url: str, *, migrate: bool = True) -> None:
    """Point Django at ``url`` and bring its tables up to date; raises UnfinishedError when it is out of reach."""
    import django
    from django.conf import settings

    entry = database(url)
    if not settings.configured:
        settings.configure(
            DATABASES={"default": entry},
            INSTALLED_APPS=["pipeline.desk.apps.DeskConfig"],
            USE_TZ=True,
            TIME_ZONE="Asia/Shanghai",
            LANGUAGE_CODE="zh-hans",
            SECRET_KEY=None,
        )
        django.setup()
    else:
        _switch(entry)
    if migrate:
        _migrate()


def _switch(entry: dict[str, Any]) -> None:
    """Point an already configured process at another store (tests, notebooks)."""
    from django.db import connections

    current = connections["default"]
    if {k: current.settings_dict.get(k) for k in entry} == entry:
        return
    current.close()
    connections.settings["default"] = connections.configure_settings({"default": entry})["default"]
    del connections["default"]


def _migrate() -> None:
    from django.core.management import call_command
    from django.db import DatabaseError

    try:
        call_command("migrate", verbosity=0, interactive=False)
    except DatabaseError as e:
        raise UnfinishedError("ZF-STORE-DOWN", f"打不开存储：{e}", "检查地址、权限与数据库服务，之后重跑即可。") from e
