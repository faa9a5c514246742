"""In and out, and one's own password."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate, logout, update_session_auth_hash
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from pipeline.desk import audit
from pipeline.desk.accounts import change_password
from pipeline.desk.language import COOKIE, LANGUAGES
from pipeline.desk.opened import leave as leave_document
from pipeline.desk.roles import Permission
from pipeline.desk.second import has_second
from pipeline.desk.sign_on import account_of, admit, named_by_proxy, safe
from pipeline.desk.tables import User
from pipeline.desk.views.refusal import refuse
from pipeline.desk.views.second import ask

__all__ = ["enter", "home", "language", "leave", "locked", "password", "theme"]


def enter(request: HttpRequest) -> HttpResponse:
    """Sign in; back to where one wanted to go, on this host only."""
    after = request.POST.get("next") or request.GET.get("next") or ""
    wanted = settings.ZUOFENG_DESK.sign_on
    context: dict[str, Any] = {"next": after, "oidc": wanted.oidc_name if wanted.oidc_issuer else ""}
    context["ended"] = "ended" in request.GET
    if not request.user.is_authenticated and (name := named_by_proxy(request)):
        return _vouched(request, name, after)
    if request.method == "POST":
        # As accounts are looked up: other ways of writing a name are no other name, and give no fresh attempts.
        username = User.normalize_username(request.POST.get("username", "")).strip()[:60]
        context["username"] = username
        user = authenticate(request, username=username, password=request.POST.get("password", ""))
        if user is not None:
            if has_second(user):
                return ask(request, user, after)
            admit(request, user, "password")
            return redirect(safe(request, after))
        # What was typed may be a password in the wrong field: only known accounts are named.
        known = User.objects.filter(username=username).exists()
        audit.record("session.fail", username if known else "（无此帐号）", actor="")
        context["error"] = "帐号或密码不对。"
        return render(request, "desk/login.html", context, status=400)
    if request.user.is_authenticated:
        return redirect(safe(request, after))
    return render(request, "desk/login.html", context)


def _vouched(request: HttpRequest, name: str, after: str) -> HttpResponse:
    """Let in whom the trusted proxy names; an account has to be there."""
    user = account_of(name)
    if user is None:
        audit.record("session.fail", "（代理：无此帐号）", actor="")
        return refuse(request, 403, "复核台里没有您的帐号，或已停用。", "请管理员按统一登录的用户名建帐号。")
    admit(request, user, "header")
    return redirect(safe(request, after))


def locked(request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
    """Too many wrong passwords for this account from this address; axes puts this in place of the page."""
    audit.record("session.lock", "", actor="")
    message = "错得太多了，这个帐号在这台机器上暂停登录 15 分钟。"
    return render(request, "desk/login.html", {"error": message}, status=429)


def leave(request: HttpRequest) -> HttpResponse:
    """Sign out."""
    leave_document(request)
    audit.record("session.logout", request.user.username)
    logout(request)
    return redirect("login")


def home(request: HttpRequest) -> HttpResponse:
    """The first page of a role: work for those who review, figures for the others."""
    return redirect("queue" if request.user.may(Permission.REVIEW) else "dashboard")


def password(request: HttpRequest) -> HttpResponse:
    """Choose a new password; the first one must go before anything else opens."""
    errors: list[str] = []
    if request.method == "POST":
        new = request.POST.get("new", "")
        try:
            if new != request.POST.get("again", ""):
                raise ValidationError("两次输入的新密码不一样。")
            change_password(request.user, old=request.POST.get("old", ""), new=new)
        except ValidationError as e:
            errors = e.messages
        else:
            update_session_auth_hash(request, request.user)
            return redirect("home")
    return render(request, "desk/password.html", {"errors": errors}, status=400 if errors else 200)


def theme(request: HttpRequest) -> HttpResponse:
    """Light, dark, or as the machine is set; kept in a cookie."""
    return _chosen(request, "theme", ("light", "dark", "auto"))


def language(request: HttpRequest) -> HttpResponse:
    """Chinese or English; kept in a cookie."""
    return _chosen(request, COOKIE, tuple(LANGUAGES))


def _chosen(request: HttpRequest, name: str, values: tuple[str, ...]) -> HttpResponse:
    chosen = request.POST.get(name, "")
    response = redirect(safe(request, request.POST.get("next", "")))
    if chosen in values:
        response.set_cookie(
            name, chosen, max_age=31_536_000, samesite="Strict", httponly=True, secure=request.is_secure()
        )
    return response
