"""The pages of the second factor: at sign-in, and to take it on or leave it."""

from __future__ import annotations

import time
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe

from pipeline.desk import audit
from pipeline.desk.second import begin, check, confirm, has_second, picture, secret_of, take_away
from pipeline.desk.sign_on import admit, safe
from pipeline.desk.tables import User

__all__ = ["ask", "code", "own"]

#: So long a right password waits for its code, in seconds.
PATIENCE = 300
_WAITING = "waiting_for_code"


def ask(request: HttpRequest, user: User, after: str) -> HttpResponse:
    """Remember that the password was right, and ask for the code."""
    request.session.cycle_key()
    request.session[_WAITING] = {"user": user.pk, "at": time.time(), "next": after}
    return redirect("code")


def code(request: HttpRequest) -> HttpResponse:
    """Take the six digits, or a recovery code."""
    waiting: dict[str, Any] = request.session.get(_WAITING) or {}
    user = User.objects.filter(pk=waiting.get("user"), is_active=True).first()
    if user is None or not 0 <= time.time() - waiting["at"] <= PATIENCE:
        request.session.pop(_WAITING, None)
        return redirect("login")
    if request.method == "GET":
        return render(request, "desk/code.html")
    if not check(user, request.POST.get("code", "").strip().replace(" ", "").lower()[:32]):
        audit.record("session.fail", user.username, actor="", second=True)
        return render(request, "desk/code.html", {"wrong": True}, status=400)
    del request.session[_WAITING]
    admit(request, user, "password")
    return redirect(safe(request, waiting["next"]))


def own(request: HttpRequest) -> HttpResponse:
    """Take the second factor on or leave it; both take the password again."""
    user: User = request.user
    if request.method == "GET":
        return _page(request)
    if not user.check_password(request.POST.get("password", "")):
        return _page(request, 400, wrong="password")
    if "off" in request.POST:
        take_away(user)
        return _page(request)
    codes = confirm(user, request.POST.get("code", "").strip().replace(" ", ""))
    return _page(request, 400, wrong="code") if codes is None else _page(request, codes=codes)


def _page(request: HttpRequest, status: int = 200, **more: Any) -> HttpResponse:
    context: dict[str, Any] = {"on": has_second(request.user), **more}
    if not context["on"]:
        device = begin(request.user)
        # Drawn here from a secret of ours: nothing in it came from outside.
        context |= {"secret": secret_of(device), "picture": mark_safe(picture(device))}  # noqa: S308  # nosec B308 B703
    return render(request, "desk/second.html", context, status=status)
