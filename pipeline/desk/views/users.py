"""Accounts, for the administrator."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from pipeline.desk.accounts import add_account, change_account, reset_password
from pipeline.desk.roles import ROLE_NAMES, Role, permission_rows
from pipeline.desk.second import take_away, with_second
from pipeline.desk.tables import User
from pipeline.errors import ConfigError

__all__ = ["change", "index"]


def index(request: HttpRequest) -> HttpResponse:
    """List accounts; a new one comes with a first password, shown once."""
    if request.method == "GET":
        return _page(request)
    try:
        user, password = add_account(
            username=request.POST.get("username", "").strip(),
            name=request.POST.get("name", "").strip(),
            role=request.POST.get("role", ""),
        )
    except ConfigError as e:
        return _page(request, status=400, errors=[e.message, *e.details])
    return _page(request, handed=(user, password))


def change(request: HttpRequest, number: int) -> HttpResponse:
    """Change role, switch on or off, give a new first password, take the second factor away."""
    user = get_object_or_404(User, pk=number)
    if "reset" in request.POST:
        return _page(request, handed=(user, reset_password(user)))
    if "second_off" in request.POST:
        take_away(user)
        return _page(request)
    role = request.POST.get("role", "")
    if role not in set(Role):
        return _page(request, status=400, errors=["没有这个角色"])
    try:
        change_account(user, role=role, active=request.POST.get("active") == "on")
    except ConfigError as e:
        return _page(request, status=400, errors=[e.message, e.hint])
    return _page(request)


def _page(request: HttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "people": User.objects.all(),
        "second": with_second(),
        "roles": list(ROLE_NAMES.items()),
        "grants": permission_rows(),
        **more,
    }
    return render(request, "desk/users.html", context, status=status)
