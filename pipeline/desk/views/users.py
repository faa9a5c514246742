"""Accounts, for the administrator."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext

from pipeline.desk.accounts import Change, add_account, change_account, reset_password
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
    """Change role, switch on or off; give a new first password or take the second factor away, once more asked."""
    user = get_object_or_404(User, pk=number)
    if "sure" not in request.POST and (asked := request.POST.keys() & {"reset", "second_off"}):
        # Their buttons stand beside the one that saves, and what they do cannot be taken back.
        return _page(request, asking=(user, *asked))
    if "reset" in request.POST:
        return _page(request, handed=(user, reset_password(user)))
    if "second_off" in request.POST:
        take_away(user)
        return _page(request, done=gettext("%(who)s：两步登录已关掉") % {"who": user.username})
    role = request.POST.get("role", "")
    if role not in set(Role):
        return _page(request, status=400, errors=["没有这个角色"])
    try:
        before = change_account(user, role=role, active=request.POST.get("active") == "on")
    except ConfigError as e:
        return _page(request, status=400, errors=[e.message, e.hint])
    return _page(request, done=_said(user, before))


def _said(user: User, before: Change) -> str:
    """Return in words what was changed."""
    words = []
    if user.role != before.role:
        roles = {"was": gettext(ROLE_NAMES[Role(before.role)]), "now": gettext(user.role_name)}
        words.append(gettext("角色由“%(was)s”改为“%(now)s”") % roles)
    if user.is_active != before.active:
        words.append(gettext("恢复使用") if user.is_active else gettext("停用，不能再登录"))
    if before.freed:
        words.append(gettext("名下 %(n)s 件放回队列") % {"n": before.freed})
    said = gettext("；").join(words) or gettext("没有改动")
    return gettext("%(who)s：%(said)s") % {"who": user.username, "said": said}


def _page(request: HttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "people": User.objects.all(),
        "second": with_second(),
        "roles": list(ROLE_NAMES.items()),
        "grants": permission_rows(),
        **more,
    }
    return render(request, "desk/users.html", context, status=status)
