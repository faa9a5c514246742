"""What every template knows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import translation

from pipeline.desk.language import LANGUAGES
from pipeline.desk.roles import Permission, permissions_of
from pipeline.desk.sign_on import must_choose
from pipeline.desk.talk import told

__all__ = ["desk"]


def desk(request: HttpRequest) -> dict[str, Any]:
    """Return the reader's permissions, what colleagues ask and answer, the chosen theme and language."""
    user = getattr(request, "user", None)
    me = user if user is not None and user.is_authenticated else None
    choosing = me is not None and must_choose(request)
    theme = request.COOKIES.get("theme", "auto")
    said = request.session.pop("said", "") if me and request.method == "GET" else ""
    return {
        **(told(me) if me and not choosing and me.may(Permission.REVIEW) else {"asked": 0, "answered": 0}),
        "said": [said] if said else [],
        "can": permissions_of(me.role) if me and not choosing else frozenset(),
        "theme": theme if theme in ("light", "dark") else "auto",
        "language": LANGUAGES.get(translation.get_language() or "", "zh-CN"),
        "me": me,
        "choosing": choosing,
    }
