"""In which language the pages speak: Chinese unless a reader chose otherwise. What a document says stays as it is."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import translation

from pipeline.desk.schemes import taxonomy

__all__ = ["COOKIE", "LANGUAGES", "language", "named"]

COOKIE = "language"
#: As the HTML says it, by Django's name.
LANGUAGES = {"zh-hans": "zh-CN", "en": "en"}


def language(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Speak the language of the cookie; what the browser would prefer is not asked."""

    def handle(request: HttpRequest) -> HttpResponse:
        chosen = request.COOKIES.get(COOKIE, "")
        with translation.override(chosen if chosen in LANGUAGES else "zh-hans"):
            return get_response(request)

    return handle


def named(name: str) -> str:
    """Return the name of a label or scheme in the page's language; anything else as it is."""
    if translation.get_language() != "en":
        return name
    schemes = taxonomy().schemes
    names = {s.name: s.english for s in schemes} | {x.name: x.english for s in schemes for x in s.labels}
    return names.get(name) or name
