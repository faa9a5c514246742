"""Scores into a foreign table, a chunk per transaction; only what differs is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from pipeline.batch.feed import Record
from pipeline.batch.patience import Patience
from pipeline.batch.tables.address import Address
from pipeline.batch.tables.faults import translated
from pipeline.batch.tables.fields import Fields
from pipeline.batch.tables.keys import Key
from pipeline.batch.tables.plan import Plan, text_of
from pipeline.batch.tables.statements import bound
from pipeline.documents import Document

__all__ = ["TableTarget"]

#: Parameters get names no caller's column has.
_KEY, _VALUE = "zuofeng__k{}", "zuofeng__v{}"
#: Holds for no row. In plain words: what SQLAlchemy knows to be false it leaves out, with the columns beside it and the
#: right to read them.
_NEVER = sa.text("1 = 0")


class TableTarget:
    """Writes results beside the rows they are of, or into an own table by the same key.

    Rows that hold the result already are left alone: triggers, replicas and change times of the caller see one write.
    A row that is gone meanwhile is no error.
    """

    whole = False

    def __init__(
        self,
        address: Address,
        engine: sa.Engine,
        plan: Plan,
        fields: Fields,
        key: Callable[[Record], Key | None],
        patience: Patience,
    ) -> None:
        self._address, self._engine, self._plan, self._fields = address, engine, plan, fields
        self._key, self._patience = key, patience
        self._update = _update(plan, engine.dialect.name)
        self._insert = _insert(plan, engine.dialect.name) if plan.inserts else None

    def prepare(self, *, dry_run: bool = False) -> None:
        """Make what is missing, then try statements that touch no row: rights and names are known before scoring.

        A ``dry_run`` makes nothing, and where something is missing there is nothing to try on.
        """
        if dry_run and self._plan.statements:
            return

        def work() -> None:
            with translated(self._address), self._engine.begin() as connection:
                for statement in self._plan.statements:
                    connection.execute(statement)
                nothing = [self._row([None] * len(self._plan.key), None, "")]
                if self._plan.inserts:
                    connection.execute(_insert(self._plan, self._engine.dialect.name, _NEVER), nothing)
                connection.execute(self._update.where(_NEVER), nothing)

        self._patience.run(work)

    def statements(self) -> list[str]:
        """Return what would be executed, as text."""
        written = [s for s in (self._insert, self._update) if s is not None]
        return [text_of(s, self._engine.dialect) for s in (*self._plan.statements, *written)]

    def write(
        self, records: Sequence[Record], results: Mapping[str, Mapping[str, Any]], notes: Mapping[str, str]
    ) -> None:
        """Write one chunk; a record that was set aside gets empty scores and the reason."""
        keyed = [(self._key(r), r) for r in records]
        rows = [
            self._row(key, results.get(r.id) if isinstance(r, Document) else None, notes.get(r.id, ""))
            for key, r in keyed
            if key is not None and r.id
        ]
        if not rows:
            return

        def work() -> None:
            with translated(self._address), self._engine.begin() as connection:
                if self._insert is not None:
                    connection.execute(self._insert, rows)
                connection.execute(self._update, rows)

        self._patience.run(work)

    def _row(self, key: Sequence[Any], result: Mapping[str, Any] | None, note: str) -> dict[str, Any]:
        values = (self._plan.fit[f](self._fields.value(f, result, note)) for f in self._plan.columns)
        return {_KEY.format(i): k for i, k in enumerate(key)} | {_VALUE.format(i): v for i, v in enumerate(values)}


def _binds(plan: Plan, dialect: str) -> tuple[dict[str, sa.ColumnElement[Any]], dict[str, sa.ColumnElement[Any]]]:
    """Return parameters for the key columns and for the result columns, by column."""

    def bind(name: str, column: str) -> sa.ColumnElement[Any]:
        kind = plan.table.c[column].type
        return bound(sa.bindparam(name, type_=kind), kind, dialect)

    keys = {k: bind(_KEY.format(i), k) for i, k in enumerate(plan.key)}
    return keys, {c: bind(_VALUE.format(i), c) for i, c in enumerate(plan.columns.values())}


def _update(plan: Plan, dialect: str) -> sa.Update:
    keys, values = _binds(plan, dialect)
    c = plan.table.c
    differs = sa.or_(*(c[n].is_distinct_from(v) for n, v in values.items()))
    return sa.update(plan.table).where(*(c[n] == v for n, v in keys.items()), differs).values(values)


def _insert(plan: Plan, dialect: str, *only: sa.ColumnElement[bool] | sa.TextClause) -> sa.Insert:
    """Return what makes the rows that are not there, ``only`` where that holds, in words every database knows."""
    keys, values = _binds(plan, dialect)
    same = sa.exists().where(*(plan.table.c[n] == v for n, v in keys.items()))
    both = {**keys, **values}
    return sa.insert(plan.table).from_select(list(both), sa.select(*both.values()).where(~same, *only))
