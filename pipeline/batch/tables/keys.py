"""Keys of foreign rows: integers, texts and UUIDs, as numbers of documents and as marks in the ledger."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from pipeline.batch.sources.records import MAX_ID

__all__ = ["Key", "KeyTypeError", "fills_up", "identity", "mark_of", "plain", "read_mark", "suits"]

#: The value of each key column, in order.
Key = tuple[int | str | uuid.UUID, ...]


class KeyTypeError(ValueError):
    """A value that cannot be a key: it has no order, or no exact form."""


def suits(kind: sa.types.TypeEngine[Any]) -> bool:
    """Whether a column of this type may be a key; a type that is not known is judged by its values."""
    if isinstance(kind, sa.Enum):
        return False  # ordered by declaration, not by its text
    if isinstance(kind, sa.Numeric):
        return not isinstance(kind, sa.Float) and not kind.scale
    return isinstance(kind, sa.Integer | sa.String | sa.Uuid | sa.types.NullType)


def fills_up(kind: sa.types.TypeEngine[Any], dialect: str) -> bool:
    """Whether texts of this type come with blanks at their end that mean nothing, and are found without them.

    MySQL takes such blanks away itself; what others compare with them is not known.
    """
    return dialect == "postgresql" and isinstance(kind, sa.CHAR)


def plain(values: Sequence[Any], filled_up: Iterable[bool] = itertools.repeat(False)) -> Key:
    """Return a key as the driver gave it in exact form, without blanks that have filled it up.

    Raises KeyTypeError for anything but integers, texts, UUIDs.
    """
    return tuple(
        _plain(v.rstrip(" ") if f and isinstance(v, str) else v) for v, f in zip(values, filled_up, strict=False)
    )


def _plain(value: Any) -> int | str | uuid.UUID:
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    if isinstance(value, int | str | uuid.UUID) and not isinstance(value, bool):
        return value
    raise KeyTypeError(type(value).__name__)


def identity(key: Key, prefix: str) -> str:
    """Return the number of the document: the prefix, then the parts joined by ``/``; "" when it cannot be stored."""
    parts = [str(v) for v in key]
    if len(parts) > 1:
        parts = [p.replace("\\", "\\\\").replace("/", "\\/") for p in parts]
    made = prefix + "/".join(parts)
    unfit = not "".join(parts) or len(made) > MAX_ID or "\0" in made or any("\ud800" <= c <= "\udfff" for c in made)
    return "" if unfit else made


def mark_of(key: Key) -> str:
    """Return a key as ASCII text for the ledger."""
    return json.dumps([["uuid", str(v)] if isinstance(v, uuid.UUID) else ["plain", v] for v in key])


def read_mark(mark: str) -> Key:
    """Read what ``mark_of`` wrote."""
    return tuple(uuid.UUID(v) if kind == "uuid" else v for kind, v in json.loads(mark))
