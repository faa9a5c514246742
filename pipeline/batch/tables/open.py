"""Open a foreign table for one night."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import django.db
import sqlalchemy as sa

from pipeline.batch.patience import Patience
from pipeline.batch.report import RunReport
from pipeline.batch.sources import ColumnMap, Limits
from pipeline.batch.tables.address import Address
from pipeline.batch.tables.engine import connectable
from pipeline.batch.tables.faults import explain, translated
from pipeline.batch.tables.feed import TableFeed
from pipeline.batch.tables.fields import Fields
from pipeline.batch.tables.layout import Layout, reflect
from pipeline.batch.tables.plan import plan_writing, text_of
from pipeline.batch.tables.range import KeyRange
from pipeline.batch.tables.statements import doubled_keys, page
from pipeline.batch.tables.target import TableTarget
from pipeline.batch.tables.watermark import decode, next_mark, plan_of
from pipeline.errors import SourceError
from pipeline.table_settings import TableSettings
from pipeline.taxonomy import Taxonomy

__all__ = ["OpenTable", "open_table"]

T = TypeVar("T")


@dataclass(frozen=True)
class OpenTable:
    """What a night needs of a foreign table: a feed, a target when scores go back, and its part of the run's plan."""

    feed: TableFeed
    target: TableTarget | None
    statements: tuple[str, ...]
    digest: str
    upto: list[Any] | None

    def plan(self, source: str, model: str) -> dict[str, Any]:
        """Return the run's plan and let the feed start at its mark; asks the store."""
        made = plan_of(source=source, model=model, digest=self.digest, upto=self.upto)
        self.feed.above = decode(made["above"])
        return {"table": made}


def open_table(
    address: Address,
    settings: TableSettings,
    *,
    columns: ColumnMap,
    limits: Limits,
    taxonomy: Taxonomy,
    report: RunReport,
    patience: Patience,
    lock_seconds: float,
    chunk: int,
    write_back: bool,
    dry_run: bool,
    ahead: int = 1,
) -> OpenTable:
    """Look at the table, make what writing back needs unless ``dry_run``, and return feed and target.

    ``ahead`` is how many chunks may be read before the first of them is written.

    Raises ConfigError or SourceError, coded ``ZF-TAB-…``, before anything is scored; UnfinishedError when the
    database stays away.
    """
    patience = replace(patience, what="来源数据库", code="ZF-TAB")
    reading = connectable(address, read_only=True, lock_seconds=lock_seconds)

    def ask(engine: sa.Engine, work: Callable[[sa.Connection], T]) -> T:
        def once() -> T:
            with translated(address), engine.connect() as connection:
                return work(connection)

        try:
            return patience.run(once)
        except django.db.Error as e:
            raise explain(e, address) from e

    layout = ask(reading, lambda c: reflect(c, address, columns, settings))
    if not layout.unique:
        ask(reading, lambda c: _check_doubles(c, layout, address))
    dialect = reading.dialect
    upto = ask(reading, lambda c: _upto(c, layout)) if layout.watermark else None
    feed = TableFeed(
        address, reading, layout, columns, limits, report, patience, prefix=settings.prefix, size=chunk, ahead=ahead,
        division=KeyRange(address.shown, settings.model_dump_json(), columns, limits, lock_seconds),
    )  # fmt: skip
    statements = [text_of(page(layout, dialect.name, after=None, above=None, size=chunk), dialect)]
    target = None
    if write_back:
        writing = connectable(address, read_only=False, lock_seconds=lock_seconds)
        fields = Fields(taxonomy)
        plan = ask(reading, lambda c: plan_writing(c, address, layout, fields, settings))
        target = TableTarget(address, writing, plan, fields, feed.key, patience)
        statements += target.statements()
        try:
            target.prepare(dry_run=dry_run)
        except django.db.Error as e:
            raise explain(e, address) from e
    # All that an older row is read by: with other limits one may not be too long any more.
    means = {field: layout.columns[at] for field, at in columns.find(layout.columns).items()}
    told = settings.model_dump_json() + repr((sorted(layout.columns), means, limits)) + str(write_back)
    digest = hashlib.sha256(told.encode()).hexdigest()[:16]
    return OpenTable(feed, target, tuple(statements), digest, upto)


def _check_doubles(connection: sa.Connection, layout: Layout, address: Address) -> None:
    found = [tuple(row) for row in connection.execute(doubled_keys(layout, 5))]
    if found:
        shown = ["、".join(map(str, row)) for row in found]
        raise SourceError(
            "ZF-TAB-KEY-DOUBLE", f"{address.name} 的键 {'、'.join(layout.key)} 有重复，按它读会漏行",
            "在 [tables] key 里写能区分每一行的列（可以几列合用）。", [f"重复的如：{s[:100]}" for s in shown],
        )  # fmt: skip


def _upto(connection: sa.Connection, layout: Layout) -> list[Any] | None:
    highest = connection.execute(sa.select(sa.func.max(layout.source.c[layout.watermark]))).scalar()
    return next_mark(highest, dt.datetime.now(dt.UTC))
