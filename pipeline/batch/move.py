"""Bring the embedded store into a PostgreSQL that is still empty: all of it or nothing.

The embedded one stays as it is, but for its tables, which are brought up to date first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pipeline.batch.lock import only_one
from pipeline.batch.nightly import bring_up
from pipeline.batch.patience import Patience
from pipeline.desk.configure import database, embedded_file, open_store
from pipeline.errors import ConfigError

__all__ = ["move"]

_OLD = "old"
_CHUNK = 2000
#: Sign-ins and attempts at it are not worth it: everybody signs in anew.
_APPS = ("desk", "otp_totp", "otp_static")
#: What a store has as soon as it has tables.
_BORN_WITH = ("AuditHead", "Tally")


def move(*, old: Path, new: str, state: Path, actor: str = "", lock_seconds: float = 30.0) -> dict[str, int]:
    """Copy the embedded store ``old`` into the store ``new``; return how many rows of each table that were.

    It stands in the new trail under ``actor``. Raises ConfigError when there is no old store, or the new one is no
    PostgreSQL or holds anything; UnfinishedError when a run is at work or the new one is out of reach.
    """
    if embedded_file(new) is not None:
        raise ConfigError(
            "ZF-MOVE-TO", "设置里的 store 还是内嵌的 SQLite，没有地方可搬",
            "先在 zuofeng.toml 里写 store = \"postgresql://用户@主机/库\" 和 store_password_file，再运行。",
        )  # fmt: skip
    here = f"sqlite:///{quote(str(old.resolve()))}"
    with only_one(state, old):
        open_store(here, lock_seconds=lock_seconds, there=True)
        open_store(new, lock_seconds=lock_seconds, bring_up=False)
        bring_up(Patience(0))
        from django.conf import settings
        from django.db import connections

        from pipeline.desk.audit import record
        from pipeline.desk.secret import secret_of

        # The trail is sealed with the desk's secret.
        settings.SECRET_KEY = secret_of(state)
        entry = database(here, lock_seconds=lock_seconds)
        connections.settings[_OLD] = connections.configure_settings({"default": entry})["default"]
        try:
            counts = _copy()
        finally:
            connections[_OLD].close()
            del connections[_OLD], connections.settings[_OLD]
        record("store.move", str(old), actor=actor, rows=sum(counts.values()))
    return counts


def _copy() -> dict[str, int]:
    from django.apps import apps
    from django.core.management.color import no_style
    from django.db import connection, transaction

    models = [m for app in _APPS for m in apps.get_app_config(app).get_models()]
    if [m for m in models if m.__name__ not in _BORN_WITH and m._base_manager.exists()]:
        raise ConfigError(
            "ZF-MOVE-FULL", "要搬去的库里已经有内容，搬进去会混在一起",
            "换一个空库，或先清空：dropdb 库名 && createdb --owner=zuofeng 库名；之后重跑。",
        )  # fmt: skip
    counts = {}
    # Nobody writes into the old one meanwhile; keys of the new one are looked at when all is there.
    with transaction.atomic(using=_OLD), transaction.atomic():
        for model in models:
            if model.__name__ in _BORN_WITH:
                model._base_manager.all().delete()
            counts[model._meta.db_table] = _copy_table(model)
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), models):
                cursor.execute(statement)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return counts


def _copy_table(model: type[Any]) -> int:
    from pipeline.desk.upsert import insert

    names = [f.attname for f in model._meta.concrete_fields]
    count = 0
    left = _rows(model, names)
    while rows := list(islice(left, _CHUNK)):
        insert(model, names, rows, encoded=True)
        count += len(rows)
    return count


def _rows(model: type[Any], names: list[str]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of the old store; JSON as text, so that none stays none."""
    from django.db.models import JSONField

    plain = [isinstance(f, JSONField) for f in model._meta.concrete_fields]
    rows = model._base_manager.using(_OLD).order_by("pk").values_list(*names).iterator(chunk_size=_CHUNK)
    if not any(plain):
        yield from rows
        return
    for row in rows:
        yield tuple(json.dumps(v) if j and v is not None else v for j, v in zip(plain, row, strict=True))
