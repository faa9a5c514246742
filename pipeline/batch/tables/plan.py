"""Where the scores go in a foreign database: which table, which columns, and what has to be made first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from pipeline.batch.sources.records import MAX_ID
from pipeline.batch.tables.address import Address
from pipeline.batch.tables.fields import Fields, fitter
from pipeline.batch.tables.layout import Layout, Types, columns_of
from pipeline.errors import ConfigError, SourceError
from pipeline.table_settings import TableSettings

__all__ = ["Plan", "plan_writing", "text_of"]


class _AddColumn(sa.schema.ExecutableDDLElement):
    """``ALTER TABLE … ADD …``, which SQLAlchemy has no construct for; names are quoted by the dialect."""

    def __init__(self, table: sa.Table, column: str) -> None:
        self.table = table
        self.column = table.c[column]


@compiles(_AddColumn)
def _add_column(element: _AddColumn, compiler: Any, **_: Any) -> str:
    table = compiler.preparer.format_table(element.table)
    return f"ALTER TABLE {table} ADD {compiler.get_column_specification(element.column)}"


@dataclass(frozen=True)
class Plan:
    """``columns`` maps fields of a result to columns of ``table``; ``fit`` makes each value one its column holds.

    ``inserts`` says that the table is for results alone, so that rows are made in it. ``statements`` have to run
    before the first row is written.
    """

    table: sa.Table
    key: tuple[str, ...]
    columns: Mapping[str, str]
    fit: Mapping[str, Callable[[Any], Any]]
    inserts: bool
    statements: tuple[sa.schema.ExecutableDDLElement, ...]


def plan_writing(
    connection: sa.Connection, address: Address, layout: Layout, fields: Fields, settings: TableSettings
) -> Plan:
    """Decide where results go, or raise ConfigError or SourceError with every column that will not do."""
    own, name = bool(settings.result), settings.result or address.table
    wanted = dict(settings.write) or fields.default
    _check(address, layout, fields, settings, wanted)
    if not own:
        there: Types = layout.types
    elif sa.inspect(connection).has_table(name, schema=address.schema):
        there = columns_of(connection, address, name)
    else:
        there = {}
    if lacking := [k for k in layout.key if there and k not in there]:
        raise SourceError(
            "ZF-TAB-COLUMN", f"{name} 里没有键列：{'、'.join(lacking)}", "换一个 result，或给它加上同名的键列。"
        )
    types = {f: there.get(c) or fields.new_type(f) for f, c in wanted.items()}
    fit = {f: fitter(fields.kinds[f], kind) for f, kind in types.items()}
    unfit = [f"{f} -> {wanted[f]}：{types[f]} 放不下{fields.kinds[f]}" for f in wanted if fit[f] is None]
    if there:
        unfit += _never_empty(connection, address, name, set(wanted.values()))
    if unfit:
        raise SourceError("ZF-TAB-WRITE-TYPE", f"{name} 有 {len(unfit)} 列放不下结果", "换一列，或改列的类型。", unfit)
    table = sa.Table(
        name,
        sa.MetaData(),
        *(
            sa.Column(k, there.get(k) or _key_type(layout.types[k]), primary_key=own, autoincrement=False)
            for k in layout.key
        ),
        *(sa.Column(c, types[f]) for f, c in wanted.items()),
        schema=address.schema,
    )
    statements: list[sa.schema.ExecutableDDLElement] = [_AddColumn(table, c) for c in wanted.values() if c not in there]
    if there and statements and not settings.add_columns:
        raise SourceError(
            "ZF-TAB-COLUMN", f"{name} 里还没有写分数的列，而 add_columns = false",
            "请管理员执行上面的语句，或在 [tables.write] 里指定已有的列。",
            [text_of(s, connection.dialect) for s in statements],
        )  # fmt: skip
    if not there:
        statements = [sa.schema.CreateTable(table)]
    return Plan(table, layout.key, wanted, {f: made for f, made in fit.items() if made}, own, tuple(statements))


def text_of(statement: sa.ClauseElement | sa.schema.ExecutableDDLElement, dialect: sa.Dialect) -> str:
    """Return a statement on one line, values as parameters."""
    return " ".join(str(statement.compile(dialect=dialect)).split()) + ";"


def _check(
    address: Address, layout: Layout, fields: Fields, settings: TableSettings, wanted: Mapping[str, str]
) -> None:
    """Refuse what is wrong whatever the tables look like, all of it at once."""
    wrong = []
    if not settings.result and not layout.is_table:
        wrong.append(f'{address.name} 是视图或查询，写不回列 -> 在 [tables] 里写 result = "结果表名"')
    if settings.result and settings.result == address.table:
        wrong.append("result 就是来源表 -> 写回来源表的列时不要写 result")
    read = {c.casefold() for c in (layout.key if settings.result else layout.columns)}
    seen: dict[str, str] = {}
    for field, column in wanted.items():
        folded = column.casefold()
        if field not in fields.kinds:
            wrong.append(
                f"{field} -> 没有这种结果；有 {'、'.join(f for f in fields.kinds if '.' not in f)}、scores.方案.标签"
            )
        if not column.strip() or "\0" in column:
            wrong.append(f"{field} -> 没有写列名")
        if folded in seen:
            wrong.append(f"{field} -> 列“{column}”已用于 {seen[folded]}")
        if folded in read:
            wrong.append(f"{field} -> 列“{column}”是读入的列，写上去会毁掉原文")
        seen[folded] = field
    if wrong:
        raise ConfigError("ZF-TAB-WRITE", f"写回的设置有 {len(wrong)} 处不对", "改正 zuofeng.toml 的 [tables]。", wrong)


def _key_type(kind: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    """Return a portable type for a key column of an own table; a query tells none, so its keys become texts."""
    if isinstance(kind, sa.types.NullType | sa.String):
        return sa.String(getattr(kind, "length", None) or MAX_ID)
    return kind.as_generic()


def _never_empty(connection: sa.Connection, address: Address, name: str, used: set[str]) -> list[str]:
    found = sa.inspect(connection).get_columns(name, schema=address.schema)
    return [
        f"列“{c['name']}”不许为空（NOT NULL），而被搁置的记录没有分数"
        for c in found
        if c["name"] in used and not c.get("nullable", True)
    ]
