"""The page on how well two people agree."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from pipeline.desk.pairs import pairs

__all__ = ["index"]


def index(request: HttpRequest) -> HttpResponse:
    """Show agreement per label with Cohen's kappa."""
    found = pairs()
    return render(request, "desk/agreement.html", {"p": found, "share": found.same / found.texts if found.texts else 0})
