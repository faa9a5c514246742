"""Many values as one parameter: taken one by one, Django and the driver need longer for them than the database."""

from __future__ import annotations

import json
from collections.abc import Sequence

from django.db import connection
from django.db.models import BooleanField, F, Func, Q
from django.db.models.expressions import RawSQL

__all__ = ["among"]


def among(values: Sequence[int] | Sequence[str], column: str = "pk") -> Func | Q:
    """Return the condition that a row's ``column`` is one of ``values``, all numbers or all text."""
    if not values:  # of which kind, nothing says
        return Q(pk__in=())
    if connection.vendor == "postgresql":
        kind = "text" if isinstance(values[0], str) else "bigint"
        joiner, known = " = ANY ", RawSQL(f"%s::{kind}[]", [list(values)])  # noqa: S611  # nosec B611
    else:
        joiner, known = " IN ", RawSQL("SELECT value FROM json_each(%s)", [json.dumps(list(values))])  # nosec B611
    return Func(F(column), known, template="%(expressions)s", arg_joiner=joiner, output_field=BooleanField())
