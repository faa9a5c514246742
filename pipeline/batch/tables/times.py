"""Times that PostgreSQL holds and Python does not: ``infinity``, years behind 9999 or before 1, 24 o'clock."""

from __future__ import annotations

from typing import Any

from psycopg import Connection, DataError
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.types import datetime as types

__all__ = ["read_any_time"]


class _Any(Loader):
    """What the type's own loader refuses stays text: one such cell would cost the whole page."""

    def load(self, data: Buffer) -> Any:
        try:
            return super().load(data)  # type: ignore[safe-super]  # the type's own loader
        except DataError:
            return bytes(data).decode("utf-8", "replace")


class _Date(_Any, types.DateLoader): ...


class _Time(_Any, types.TimeLoader): ...


class _Timetz(_Any, types.TimetzLoader): ...


class _Timestamp(_Any, types.TimestampLoader): ...


class _Timestamptz(_Any, types.TimestamptzLoader): ...


class _Interval(_Any, types.IntervalLoader): ...


def read_any_time(connection: Connection[Any]) -> None:
    """Have a connection return times beyond Python's as the database writes them."""
    for name, loader in (
        ("date", _Date), ("time", _Time), ("timetz", _Timetz), ("timestamp", _Timestamp),
        ("timestamptz", _Timestamptz), ("interval", _Interval),
    ):  # fmt: skip
        connection.adapters.register_loader(name, loader)
