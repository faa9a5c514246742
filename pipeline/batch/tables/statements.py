"""The statements that read a foreign table, built from quoted names and bound values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from pipeline.batch.tables.keys import Key
from pipeline.batch.tables.layout import Layout

__all__ = ["bound", "doubled_keys", "keyless", "page"]

_Condition = sa.ColumnElement[bool]


def bound(value: Any, kind: sa.types.TypeEngine[Any], dialect: str) -> sa.ColumnElement[Any]:
    """Return a value to compare with a column of this type.

    PostgreSQL compares a text with a CITEXT or CHAR column by other rules than it sorts the column by; a cast to the
    column's type makes both the same, and rounds to what the column can hold. SQLite's casts would change values.
    """
    given = value if isinstance(value, sa.BindParameter) else sa.literal(value)
    known = dialect == "postgresql" and not isinstance(kind, sa.types.NullType)
    return sa.cast(given, kind) if known else given


def page(layout: Layout, dialect: str, *, after: Key | None, above: Any, size: int) -> sa.Select[Any]:
    """Return the next ``size`` rows behind the key ``after``, with a watermark above ``above`` or none at all."""
    keys = [layout.source.c[k] for k in layout.key]
    chosen = sa.select(*(layout.source.c[c] for c in layout.columns)).order_by(*keys).limit(size)
    # Rows with an empty key are read apart; without this they would come first or last by the database's taste.
    chosen = chosen if layout.unique else chosen.where(*(k.is_not(None) for k in keys))
    if after is not None:
        chosen = chosen.where(_behind(layout, keys, after, dialect))
    return _newer(chosen, layout, above)


def keyless(layout: Layout, above: Any, most: int) -> sa.Select[Any]:
    """Return rows that have no key."""
    keys = [layout.source.c[k] for k in layout.key]
    chosen = sa.select(*(layout.source.c[c] for c in layout.columns)).where(sa.or_(*(k.is_(None) for k in keys)))
    order = [layout.source.c[c] for c in layout.columns]
    return _newer(chosen.order_by(*order).limit(most), layout, above)


def doubled_keys(layout: Layout, most: int) -> sa.Select[Any]:
    """Return keys that several rows share."""
    keys = [layout.source.c[k] for k in layout.key]
    return (
        sa.select(*keys).where(*(k.is_not(None) for k in keys)).group_by(*keys).having(sa.func.count() > 1).limit(most)
    )


def _behind(layout: Layout, keys: Sequence[sa.ColumnElement[Any]], after: Key, dialect: str) -> _Condition:
    # Written out: comparing whole rows is not known to every database.
    last = [bound(v, layout.types[k], dialect) for v, k in zip(after, layout.key, strict=True)]
    steps = [
        sa.and_(*(k == v for k, v in zip(keys[:at], last[:at], strict=True)), keys[at] > last[at])
        for at in range(len(keys))
    ]
    return sa.or_(*steps) if len(keys) == 1 else sa.and_(keys[0] >= last[0], sa.or_(*steps))


def _newer(chosen: sa.Select[Any], layout: Layout, above: Any) -> sa.Select[Any]:
    if above is None:
        return chosen
    column = layout.source.c[layout.watermark]
    return chosen.where(sa.or_(column > above, column.is_(None)))
