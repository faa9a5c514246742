"""The values that the filters offer."""

from __future__ import annotations

from django.db.models import Count

from pipeline.desk.models import Document
from pipeline.desk.tallies import kept

__all__ = ["count_facets", "facets"]

MOST = 60


def facets() -> dict[str, list[str]]:
    """Return the most frequent units, districts and channels."""
    row = kept("facets")
    return count_facets() if row is None else dict(row.data)


def count_facets() -> dict[str, list[str]]:
    """Count them now."""
    return {f: _values(f) for f in ("unit", "district", "channel")}


def _values(field: str) -> list[str]:
    rows = Document.objects.exclude(**{field: ""}).values_list(field).annotate(n=Count("id")).order_by("-n", field)
    return [value for value, _ in rows[:MOST]]
