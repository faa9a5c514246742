"""The one order in which rows are locked: accounts, cases, documents, each by ascending number, then the trail's head.

Two who came to the same rows from different ends would wait for each other until PostgreSQL gives one of them up. What
hangs on a case or a document (labels, signature, postings) comes after it. SQLite has one writer and no order.
"""

from __future__ import annotations

from django.db.models import QuerySet

__all__ = ["lock"]


def lock(rows: QuerySet) -> list[int]:
    """Lock ``rows`` in their order until the caller's transaction ends; return their numbers."""
    # Not their keys: who writes a row that only points to one of them need not wait.
    return list(rows.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
