"""The values that the filters offer, counted at most once per night."""

from __future__ import annotations

from django.db.models import Count

from pipeline.desk.models import Document, Run

__all__ = ["facets"]

MOST = 60
_kept: dict[str, tuple[object, dict[str, list[str]]]] = {}


def facets() -> dict[str, list[str]]:
    """Return the most frequent units, districts and channels; fresh after each night."""
    from django.db import connection

    name = str(connection.settings_dict["NAME"])
    stamp = Run.objects.order_by("-started").values_list("id", "finished").first()
    kept = _kept.get(name)
    if kept is None or kept[0] != stamp:
        kept = _kept[name] = (stamp, {f: _values(f) for f in ("unit", "district", "channel")})
    return kept[1]


def _values(field: str) -> list[str]:
    rows = Document.objects.exclude(**{field: ""}).values_list(field).annotate(n=Count("id")).order_by("-n", field)
    return [value for value, _ in rows[:MOST]]
