"""Connections to a foreign database: short, with bounded waiting, and read-only for reading."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from pipeline.batch.tables.address import Address
from pipeline.errors import ConfigError, SourceError

__all__ = ["connectable"]

_READ_ONLY = {
    "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "sqlite": "PRAGMA query_only = ON",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
}
#: The driver reads times with a zone, and intervals, in one way of writing them only; a role may have chosen another.
_TIMES = {"postgresql": "SET datestyle = ISO; SET intervalstyle = postgres"}
_LOCKS = {
    "postgresql": "SET lock_timeout = {ms}",
    "mysql": "SET SESSION innodb_lock_wait_timeout = {s}",
    "mariadb": "SET SESSION innodb_lock_wait_timeout = {s}",
    "sqlite": "PRAGMA busy_timeout = {ms}",
}
_EXTRAS = {"psycopg": "pip install 'zuofeng[postgres]'", "pymysql": "pip install pymysql"}


def connectable(address: Address, *, read_only: bool, lock_seconds: float) -> sa.Engine:
    """Return an engine that opens a connection per use and keeps none.

    Where the database can, reading is read-only by its own rule and not by ours; a lock of others is waited for
    ``lock_seconds`` at a time. Raises ConfigError when the address names a driver that is not there, SourceError when
    it names an SQLite file that is not there.
    """
    _check_file(address.url)
    try:
        # Parameters are people's texts: they stay out of messages.
        engine = sa.create_engine(address.url, poolclass=NullPool, hide_parameters=True)
    except sa.exc.NoSuchModuleError as e:
        scheme = address.url.drivername
        raise ConfigError(
            "ZF-TAB-DRIVER", f"不认得这种数据库：{scheme}", "常用 postgresql+psycopg、mysql+pymysql、sqlite。"
        ) from e
    except ImportError as e:
        hint = _EXTRAS.get(str(e.name), f"安装它，如 pip install {e.name}")
        raise ConfigError("ZF-TAB-DRIVER", f"没有安装数据库驱动 {e.name}", f"{hint}，之后重跑。") from e
    except (sa.exc.ArgumentError, TypeError, ValueError) as e:
        raise ConfigError("ZF-TAB-URL", "数据库地址里有不认得的参数", "去掉 ? 后面多余的参数。") from e
    statements = [
        _LOCKS.get(engine.dialect.name, "").format(ms=round(lock_seconds * 1000), s=max(1, round(lock_seconds))),
        _TIMES.get(engine.dialect.name, ""),
    ]
    if read_only:
        statements.append(_READ_ONLY.get(engine.dialect.name, ""))

    def opened(connection: Any, _: Any) -> None:
        if engine.dialect.name == "sqlite":
            connection.text_factory = _text
        if engine.dialect.driver == "psycopg":
            from pipeline.batch.tables.times import read_any_time

            read_any_time(connection)
        cursor = connection.cursor()
        for statement in filter(None, statements):
            cursor.execute(statement)
        cursor.close()
        connection.commit()

    sa.event.listen(engine, "connect", opened)
    return engine


def _check_file(url: sa.URL) -> None:
    # SQLite makes an empty database of any path it does not find.
    path = url.database or ""
    if url.drivername.startswith("sqlite") and not path.startswith("file:") and not Path(path).is_file():
        raise SourceError(
            "ZF-TAB-URL", f"找不到数据库文件：{path or '（没有写路径）'}", "核对路径；绝对路径是四条斜线。"
        )


def _text(raw: bytes) -> str | bytes:
    """SQLite checks no encoding; what is not UTF-8 goes on as bytes, to be judged with its record."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw
