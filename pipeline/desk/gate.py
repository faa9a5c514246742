"""The one door in front of every page: method, sign-in, first password, permission, in this order."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import Resolver404, URLPattern, path, resolve, reverse

from pipeline.desk import audit
from pipeline.desk.opened import leave
from pipeline.desk.roles import Permission
from pipeline.desk.sign_on import must_choose
from pipeline.desk.views.refusal import refuse

__all__ = ["Page", "View"]

View = Callable[..., HttpResponse]
#: Databases hold no larger number.
_LARGEST = 2**63 - 1
#: Pages open to one who still has to choose a password.
_BEFORE_PASSWORD = frozenset({"password", "logout", "theme", "language"})


@dataclass(frozen=True, slots=True)
class Page:
    """An address with what it needs. ``needs`` is None only for the way in."""

    route: str
    name: str
    view: View
    needs: Permission | None
    methods: tuple[str, ...] = ("GET",)

    def pattern(self) -> URLPattern:
        """Return the address for Django, with this record attached for the tests."""
        guarded = _guard(self)
        guarded.page = self  # type: ignore[attr-defined]
        return path(self.route, guarded, name=self.name)


def _guard(page: Page) -> View:
    allowed = (*page.methods, "HEAD") if "GET" in page.methods else page.methods

    @functools.wraps(page.view)
    def handle(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method not in allowed:
            if request.method in ("GET", "HEAD"):
                return redirect(_above(request.path_info))
            return HttpResponseNotAllowed(allowed)
        if page.needs is None:
            return page.view(request, *args, **kwargs)
        if not request.user.is_authenticated:
            return _to_login(request, page)
        if must_choose(request) and page.name not in _BEFORE_PASSWORD:
            return redirect("password")
        if not request.user.may(page.needs):
            audit.record("access.deny", page.name, method=request.method, path=request.path[:200])
            return refuse(request, 403, "您的角色不能打开这一页。", "需要时请管理员调整角色。")
        if kwargs.get("number", 0) > _LARGEST:
            raise Http404
        if request.method == "GET":
            leave(request, kwargs.get("number"))
        return page.view(request, *args, **kwargs)

    return handle


def _above(address: str) -> str:
    """Return the nearest page above an address that only takes forms.

    It stands in the browser where the answer to a form is a page: whoever loads it anew wants what the form was on.
    """
    above = address.rpartition("/")[0]
    while above and not _opens(above):
        above = above.rpartition("/")[0]
    return reverse("home") + above.removeprefix("/")


def _opens(address: str) -> bool:
    try:
        page = getattr(resolve(address).func, "page", None)
    except Resolver404:
        return False
    return page is not None and "GET" in page.methods


def _to_login(request: HttpRequest, page: Page) -> HttpResponse:
    if request.method in ("GET", "HEAD"):
        after = f"?next={quote(request.get_full_path())}"
    elif page.needs == Permission.SELF:
        after = ""
    else:
        # What was sent is not saved: back to where it stands.
        here = request.path_info if "GET" in page.methods else _above(request.path_info)
        after = f"?next={quote(here)}&ended=1"
    return redirect(reverse("login") + after)
