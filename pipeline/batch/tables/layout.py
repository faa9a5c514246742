"""What is read of a foreign table, found by reflection: its columns, its key, and whether they will do."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from pipeline.batch.sources import ColumnMap
from pipeline.batch.tables.address import Address
from pipeline.batch.tables.keys import suits
from pipeline.errors import SourceError
from pipeline.table_settings import TableSettings

__all__ = ["Layout", "columns_of", "missing_columns", "reflect"]

Types = Mapping[str, sa.types.TypeEngine[Any]]
_SHOWN = 20


@dataclass(frozen=True)
class Layout:
    """A table, view or query to read.

    ``columns`` are those that are selected, in their own order; ``types`` those of all columns, as far as known.
    ``unique`` says that the database itself keeps the key unique and never empty.
    """

    source: sa.FromClause
    columns: tuple[str, ...]
    key: tuple[str, ...]
    types: Types
    unique: bool
    is_table: bool
    watermark: str = ""


def reflect(connection: sa.Connection, address: Address, columns: ColumnMap, settings: TableSettings) -> Layout:
    """Look at the source; SourceError for a table, column or key that is not there or cannot be used."""
    is_table = fixed = False
    own_key: tuple[str, ...] = ()
    if address.query:
        types = _of_query(connection, address)
    else:
        types = columns_of(connection, address, address.table)
        is_table = address.table not in _views(sa.inspect(connection), address.schema)
        own_key = _primary_key(connection, address)
    names = tuple(types)
    fields = columns.resolve(names, name=address.name)
    key = tuple(settings.key) or own_key or ((names[fields["id"]],) if "id" in fields else ())
    if not key:
        raise SourceError(
            "ZF-TAB-KEY",
            f"{address.name} 没有主键，也没有认得的编号列",
            '在 zuofeng.toml 里写：[tables] key = ["列名"]。',
        )
    wanted = (*key, *filter(None, [settings.watermark]))
    missing_columns(address, wanted, names)
    odd = [f"{k} -> {types[k]}" for k in key if not suits(types[k])]
    if odd:
        raise SourceError("ZF-TAB-KEY-TYPE", "键列须是整数、文字或 UUID", "在 [tables] key 里换别的列。", odd)
    if is_table:
        fixed = key == own_key or _kept_unique(connection, address, key)
    used = {*wanted, *(names[at] for at in fields.values())}
    if "text" not in fields:  # a title alone: whether a column of another name holds the text is told row by row
        written = settings.write.values()
        used |= {n for n in names if not n.startswith("zuofeng_") and n not in written}
    selected = tuple(n for n in names if n in used)
    return Layout(_from(address, names), selected, key, types, fixed, is_table, settings.watermark)


def columns_of(connection: sa.Connection, address: Address, table: str) -> dict[str, sa.types.TypeEngine[Any]]:
    """Return the columns of a table or view and their types; SourceError naming similar ones when there is none."""
    inspector = sa.inspect(connection)
    try:
        found = inspector.get_columns(table, schema=address.schema)
    except sa.exc.NoSuchTableError as e:
        raise _no_table(inspector, address, table) from e
    if not found:
        raise _no_table(inspector, address, table)
    return {str(c["name"]): c["type"] for c in found}


def missing_columns(address: Address, wanted: Sequence[str], names: Sequence[str]) -> None:
    """Raise SourceError for all of ``wanted`` that are not among ``names``."""
    gone = [w for w in dict.fromkeys(wanted) if w not in names]
    if gone:
        shown = "、".join(n[:40] for n in list(names)[:_SHOWN])
        raise SourceError(
            "ZF-TAB-COLUMN",
            f"{address.name} 里没有这些列：{'、'.join(gone)}",
            "核对 zuofeng.toml 的 [tables]，区分大小写。",
            [f"有的列：{shown}"],
        )


def _views(inspector: sa.Inspector, schema: str | None) -> list[str]:
    views = inspector.get_view_names(schema=schema)
    with contextlib.suppress(NotImplementedError):  # most databases have no materialized ones
        views += inspector.get_materialized_view_names(schema=schema)
    return views


def _no_table(inspector: sa.Inspector, address: Address, table: str) -> SourceError:
    names = [*inspector.get_table_names(schema=address.schema), *_views(inspector, address.schema)]
    near = difflib.get_close_matches(table, names, _SHOWN, 0.3) or sorted(names)[:_SHOWN]
    return SourceError(
        "ZF-TAB-MISSING", f"库里没有表或视图“{table}”", "核对表名与 schema（?schema=），区分大小写。",
        [f"有的：{'、'.join(near) or '（一张也没有，或没有权限看到）'}"],
    )  # fmt: skip


def _of_query(connection: sa.Connection, address: Address) -> dict[str, sa.types.TypeEngine[Any]]:
    rows = connection.execute(sa.select(sa.text("*")).select_from(_from(address, ())).where(sa.false()))
    names = [str(k) for k in rows.keys()]  # noqa: SIM118  a result, not a mapping
    return dict.fromkeys(names, sa.types.NULLTYPE)


def _from(address: Address, names: Sequence[str]) -> sa.FromClause:
    """Return what stands behind FROM; columns carry no type, so that values come as the driver gives them."""
    if not address.query:
        return sa.table(address.table, *(sa.column(n) for n in names), schema=address.schema)
    # Colons are the query's own (casts, texts), never parameters; the line end closes a comment.
    text = sa.text(address.query.replace(":", "\\:") + "\n")
    return text.columns(*(sa.column(n) for n in names)).subquery("zuofeng_query")


def _primary_key(connection: sa.Connection, address: Address) -> tuple[str, ...]:
    found = sa.inspect(connection).get_pk_constraint(address.table, schema=address.schema)
    return tuple(found.get("constrained_columns") or ())


def _kept_unique(connection: sa.Connection, address: Address, key: Sequence[str]) -> bool:
    """Whether a constraint or a whole unique index covers the key and none of its columns may be empty."""
    inspector = sa.inspect(connection)
    columns = {c["name"]: c for c in inspector.get_columns(address.table, schema=address.schema)}
    if any(columns[k].get("nullable", True) for k in key):
        return False
    sets = [set(u["column_names"]) for u in inspector.get_unique_constraints(address.table, schema=address.schema)]
    for index in inspector.get_indexes(address.table, schema=address.schema):
        partial = any("where" in str(option) and value for option, value in index.get("dialect_options", {}).items())
        if index["unique"] and not partial and None not in index["column_names"] and not index.get("expressions"):
            sets.append({str(n) for n in index["column_names"]})
    return any(s and s <= set(key) for s in sets)
