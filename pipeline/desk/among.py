"""Many numbers as one parameter: taken one by one, Django and the driver need longer for them than the database."""

from __future__ import annotations

import json
from collections.abc import Sequence

from django.db import connection
from django.db.models import BooleanField, F, Func
from django.db.models.expressions import RawSQL

__all__ = ["among"]


def among(numbers: Sequence[int]) -> Func:
    """Return the condition that a row's primary key is one of ``numbers``."""
    if connection.vendor == "postgresql":
        joiner, known = " = ANY ", RawSQL("%s::bigint[]", [list(numbers)])  # nosec B611
    else:
        joiner, known = " IN ", RawSQL("SELECT value FROM json_each(%s)", [json.dumps(list(numbers))])  # nosec B611
    return Func(F("pk"), known, template="%(expressions)s", arg_joiner=joiner, output_field=BooleanField())
