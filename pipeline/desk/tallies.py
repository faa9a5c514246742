"""Counts over the whole store, kept: made by the night and now and then while the desk is served, not per request."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from pipeline.desk.models import Run
from pipeline.desk.tables import AuditEntry, AuditHead, Case, Tally

__all__ = ["SMALL", "kept", "roll_up", "roll_up_if_behind", "roll_up_if_due"]

#: Up to so many cases everything is counted when it is asked for: exact, and as quick as reading what was kept.
SMALL = 5000
#: How old kept counts may grow while people work, and in how many times what counting takes.
AGE, REST = dt.timedelta(minutes=5), 100
_at: dict[str, tuple[object, ...]] = {}
_took: dict[str, float] = {}


def kept(name: str) -> Tally | None:
    """Return the kept counts ``name``; None where they are to be made now."""
    row = Tally.objects.filter(name=name).first()
    return None if row is None or row.cases <= SMALL else row


def roll_up() -> None:
    """Count everything and keep it."""
    from pipeline.desk.dial import count_dial
    from pipeline.desk.facets import count_facets
    from pipeline.desk.figures import count_figures

    began, at = time.monotonic(), timezone.now()
    with _in_the_background():
        cases = Case.objects.count()
        counted = {"figures": count_figures(), "facets": count_facets(), "dial": count_dial()}
    for name, data in counted.items():
        Tally.objects.update_or_create(name=name, defaults={"at": at, "cases": cases, "data": data})
    _took[str(connection.settings_dict["NAME"])] = time.monotonic() - began


@contextmanager
def _in_the_background() -> Iterator[None]:
    """Leave processors to the people who are waiting: PostgreSQL would count with several at once."""
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        yield


def roll_up_if_due() -> bool:
    """Count again when something was done since and the kept counts are old; return whether it was."""
    row, name = kept("figures"), str(connection.settings_dict["NAME"])
    if row is None or timezone.now() - row.at < max(AGE, dt.timedelta(seconds=REST * _took.get(name, 0.0))):
        return False
    now = _state()
    if _at.get(name) == now:
        return False
    roll_up()
    _at[name] = now
    return True


def roll_up_if_behind() -> None:
    """Count again where anything stands in the trail since; for a night after which nothing else is to be counted."""
    row = Tally.objects.filter(name="figures").first()
    last = AuditEntry.objects.order_by("-number").values_list("at", flat=True).first()
    if row is None or (last is not None and dt.datetime.fromisoformat(last) >= row.at):
        roll_up()


def _state() -> tuple[Any, ...]:
    """What changes whenever anybody does anything: the length of the trail, the last run."""
    last = Run.objects.values_list("id", "finished").first()
    return AuditHead.objects.values_list("number", flat=True).get(pk=1), last
