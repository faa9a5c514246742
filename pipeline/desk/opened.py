"""The document somebody only opened, out of the batch: held while it is on the screen, not for as long as a batch."""

from __future__ import annotations

from django.http import HttpRequest

from pipeline.desk.queue import put_back
from pipeline.desk.tables import Case

__all__ = ["OPENED", "close", "leave", "opening"]

#: Where the session keeps its number.
OPENED = "opened"


def leave(request: HttpRequest, number: int | None = None) -> None:
    """Give back what was opened before, unless it is document ``number``, whose page or papers come next."""
    if request.session.get(OPENED, number) != number:
        put_back(request.user, request.session.pop(OPENED))


def opening(request: HttpRequest, case: Case) -> str:
    """Return the mark of this opening of ``case``, as long as it is held for it; every other opening has its own."""
    ours = request.session.get(OPENED) == case.pk and case.holder_id == request.user.pk
    return str(case.held_until.isoformat()) if ours and case.held_until else ""


def close(request: HttpRequest, case: Case, mark: str) -> None:
    """Give back a document as its window is closed, unless it was opened once more since ``mark``.

    A page that is loaded anew says so of its old self only when the new one is there already.
    """
    if mark and opening(request, case) == mark:
        put_back(request.user, case.pk, until=case.held_until)
        del request.session[OPENED]
