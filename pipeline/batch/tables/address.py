"""The address of a table in somebody else's database, and what may be shown of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import sqlalchemy as sa

from pipeline.errors import ConfigError
from pipeline.secrets import is_secret, scrub

__all__ = ["Address"]

#: SQLAlchemy's default driver is the old one; this project installs psycopg.
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_OURS = ("table", "query", "schema")
_FORM = "写成 postgresql+psycopg://用户@主机/库名?table=表名 或 sqlite:////路径/文件.db?table=表名；查询用 ?query=。"


@dataclass(frozen=True)
class Address:
    """A database URL with the table or the query to read; ``shown`` is the only form that may be printed or stored."""

    url: sa.URL = field(repr=False)
    table: str
    query: str
    schema: str | None
    shown: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``…://…?table=…``; ConfigError ``ZF-TAB-URL`` never repeats the text, which may hold a password."""
        scheme, mark, rest = text.partition("://")
        try:
            url = sa.make_url(_DRIVERS.get(scheme.lower(), scheme) + mark + rest)
        except (sa.exc.ArgumentError, ValueError) as e:
            raise ConfigError("ZF-TAB-URL", "数据库地址写得不对", _FORM) from e
        if "@" in (url.host or ""):
            raise ConfigError(
                "ZF-TAB-URL",
                "数据库地址里有不止一个 @",
                "密码里的 @ 写作 %40，: 写作 %3A，/ 写作 %2F；或改用密码文件。",
            )
        own = {k: v if isinstance(v, str) else v[-1] for k, v in url.query.items() if k in _OURS}
        table, query, schema = (own.get(name, "") for name in _OURS)
        query = query.strip().rstrip(";").strip()
        if bool(table) == bool(query):
            what = "又有 table 又有 query" if table else "没有说读哪张表"
            raise ConfigError("ZF-TAB-URL", f"数据库地址里{what}", _FORM)
        bare = sa.URL.create(url.drivername, url.username, None, url.host, url.port, url.database).render_as_string()
        part = "&".join(f"{k}={own[k]}" for k in _OURS if own.get(k))
        rest_of_query = {k: v for k, v in url.query.items() if k not in _OURS}
        return cls(url.set(query=rest_of_query), table, query, schema or None, f"{bare}?{part}")

    @property
    def name(self) -> str:
        """What places and messages call the source."""
        return self.table or "查询"

    def scrub(self, text: str) -> str:
        """Return ``text`` without any secret of this address."""
        secrets = [str(v) for k, v in self.url.query.items() if is_secret(k)]
        return scrub(text, [self.url.password or "", *secrets])
