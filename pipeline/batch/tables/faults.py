"""What a foreign database answers, as errors this program knows how to wait for or to explain."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import django.db
import sqlalchemy as sa

from pipeline.batch.tables.address import Address
from pipeline.errors import SourceError, first_line

__all__ = ["explain", "translated"]

#: https://www.postgresql.org/docs/current/errcodes-appendix.html, the longest prefix first.
_STATES = {
    "25006": "READONLY",
    "28": "DENIED",
    "3D": "URL",
    "42501": "DENIED",
    "42P01": "MISSING",
    "42703": "COLUMN",
    "42": "QUERY",
}
#: https://www.sqlite.org/rescode.html
_SQLITE = {1: "QUERY", 3: "DENIED", 8: "READONLY", 14: "URL", 23: "DENIED", 26: "URL"}
#: Where a driver gives no code, its sentence has to do.
_WORDS = {
    "no such table": "MISSING",
    "no such column": "COLUMN",
    "authentication failed": "DENIED",
    "Access denied": "DENIED",
    "no pg_hba.conf entry": "DENIED",
    "does not exist": "URL",
    "invalid connection option": "URL",
}
_SAID = {
    "READONLY": ("不许改数据：读取本来只读，或者文件、服务器是只读的", "query 里只能是 SELECT；要写回的库须可写。"),
    "DENIED": (
        "数据库不许这样做：帐号、密码或权限不对",
        "核对帐号；读取要有 SELECT 权限，写回要有 UPDATE 权限，写进结果表（result）要有它的 SELECT、INSERT、UPDATE。",
    ),
    "URL": ("连不上这个数据库：地址、库名或文件不对", "核对地址；文件须是 SQLite 数据库。"),
    "MISSING": ("没有这张表", "核对表名与 schema（?schema=），区分大小写。"),
    "COLUMN": ("没有这一列", "核对列名，区分大小写；在 zuofeng.toml 里改对照。"),
    "QUERY": ("数据库不接受这条语句", "先在数据库里单独试一试 query；它要能放进 FROM (…)。"),
    "ERROR": ("数据库报错", "按数据库的提示处理，之后重跑即可。"),
}


@contextmanager
def translated(address: Address) -> Iterator[None]:
    """Raise what SQLAlchemy raises as Django's error of the same name, which the night waits for or counts.

    The message is the driver's first line without statement, values and secrets.
    """
    try:
        yield
    except sa.exc.DBAPIError as e:
        kind = getattr(django.db, type(e).__name__, django.db.DatabaseError)
        raise kind(address.scrub(first_line(e.orig or e))) from e.orig


def explain(error: django.db.Error, address: Address) -> SourceError:
    """Return the error to show for one that waiting does not mend."""
    cause, said = error.__cause__, str(error)
    state = str(getattr(cause, "sqlstate", None) or "")
    by_state = next((_STATES[s] for s in sorted(_STATES, key=len, reverse=True) if state.startswith(s)), "")
    by_words = next((kind for words, kind in _WORDS.items() if words in said), "")
    kind = by_state or by_words or _SQLITE.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF, "ERROR")
    what, hint = _SAID[kind]
    return SourceError(f"ZF-TAB-{kind}", f"{address.name}：{what}", hint, [said[:300]])
