"""Rows of a foreign table by their keys, to be read on another machine."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import sqlalchemy as sa

from pipeline.batch.patience import Patience
from pipeline.batch.report import RunReport
from pipeline.batch.sources import ColumnMap, Limits
from pipeline.batch.tables.address import Address
from pipeline.batch.tables.engine import connectable
from pipeline.batch.tables.feed import TableFeed
from pipeline.batch.tables.layout import Layout, reflect
from pipeline.documents import Document, Rejected
from pipeline.errors import ZuofengError
from pipeline.settings import load_settings
from pipeline.table_settings import TableSettings

__all__ = ["KeyRange"]


@dataclass(frozen=True, slots=True)
class KeyRange:
    """``count`` rows behind the mark ``after``.

    ``shown`` holds no password: who reads here knows his own, from ``source`` in his settings or as libpq finds it.
    """

    shown: str
    settings: str
    columns: ColumnMap
    limits: Limits
    lock_seconds: float
    after: str | None = None
    above: Any = None
    count: int = 0

    def read(self) -> Iterator[Document | Rejected]:
        """Yield the records; what makes reading impossible yields none, or raises what the driver raises."""
        address, engine, layout = _open(self.shown, self.settings, self.columns, self.lock_seconds)
        feed = TableFeed(
            address, engine, layout, self.columns, self.limits, RunReport(), Patience(0), size=self.count,
            prefix=TableSettings.model_validate_json(self.settings).prefix, above=self.above,
        )  # fmt: skip
        return islice(feed.read(self.after), self.count)


@functools.lru_cache(4)
def _open(shown: str, settings: str, columns: ColumnMap, lock_seconds: float) -> tuple[Address, sa.Engine, Layout]:
    address = _own_address(shown)
    engine = connectable(address, read_only=True, lock_seconds=lock_seconds)
    with engine.connect() as connection:
        return address, engine, reflect(connection, address, columns, TableSettings.model_validate_json(settings))


def _own_address(shown: str) -> Address:
    """Return the address in this machine's own settings when it is the same one, since it may have the password."""
    try:
        own = Address.parse(load_settings().source)
    except ZuofengError:
        return Address.parse(shown)
    return own if own.shown == shown else Address.parse(shown)
