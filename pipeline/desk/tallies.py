"""Counts over the whole store, kept: made by the night and now and then while the desk is served, not per request."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from pipeline.desk.models import Run
from pipeline.desk.tables import AuditHead, Case, Tally

__all__ = ["SMALL", "kept", "roll_up", "roll_up_if_due"]

#: Up to so many cases everything is counted when it is asked for: exact, and as quick as reading what was kept.
SMALL = 5000
#: How old kept counts may grow while people work.
AGE = dt.timedelta(minutes=5)
_at: dict[str, tuple[object, ...]] = {}


def kept(name: str) -> Tally | None:
    """Return the kept counts ``name``; None where they are to be made now."""
    row: Tally | None = Tally.objects.filter(name=name).first()
    return None if row is None or row.cases <= SMALL else row


def roll_up() -> None:
    """Count everything and keep it."""
    from pipeline.desk.facets import count_facets
    from pipeline.desk.figures import count_figures

    at, cases = timezone.now(), Case.objects.count()
    for name, data in (("figures", count_figures()), ("facets", count_facets())):
        Tally.objects.update_or_create(name=name, defaults={"at": at, "cases": cases, "data": data})


def roll_up_if_due() -> bool:
    """Count again when something was done since and the kept counts are old; return whether it was."""
    from django.db import connection

    row = kept("figures")
    if row is None or timezone.now() - row.at < AGE:
        return False
    name, now = str(connection.settings_dict["NAME"]), _state()
    if _at.get(name) == now:
        return False
    roll_up()
    _at[name] = now
    return True


def _state() -> tuple[Any, ...]:
    """What changes whenever anybody does anything: the length of the trail, the last run."""
    last = Run.objects.values_list("id", "finished").first()
    return AuditHead.objects.values_list("number", flat=True).get(pk=1), last
