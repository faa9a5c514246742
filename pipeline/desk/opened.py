"""The document somebody only opened, out of the batch: held while it is on the screen, not for as long as a batch."""

from __future__ import annotations

from django.http import HttpRequest

from pipeline.desk.queue import put_back

__all__ = ["OPENED", "leave"]

#: Where the session keeps its number.
OPENED = "opened"


def leave(request: HttpRequest, number: int | None = None) -> None:
    """Give back what was opened before, unless it is document ``number``, whose page or papers come next."""
    if request.session.get(OPENED, number) != number:
        put_back(request.user, request.session.pop(OPENED))
