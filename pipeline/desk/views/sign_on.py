"""To an OpenID provider and back."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from pipeline.desk import audit
from pipeline.desk.sign_on import account_of, admit, provider
from pipeline.desk.views.refusal import refuse

__all__ = ["back", "start"]


def start(request: HttpRequest) -> HttpResponse:
    """Send the reader to the provider; state, nonce and code verifier wait in the session."""
    from authlib.integrations.base_client import OAuthError
    from requests import RequestException

    to = _known()
    try:
        return to.authorize_redirect(request, request.build_absolute_uri(reverse("oidc_back")))
    except (OAuthError, RequestException):
        return refuse(request, 503, "统一登录现在用不了。", "稍后再试，或用帐号密码登录。")


def back(request: HttpRequest) -> HttpResponse:
    """Take the provider's word: its signature, audience, issuer, nonce and our state have to fit."""
    from authlib.integrations.base_client import OAuthError
    from joserfc.errors import JoseError
    from requests import RequestException

    to = _known()
    try:
        said = to.authorize_access_token(request).get("userinfo") or {}
    except (OAuthError, JoseError, RequestException, ValueError) as e:
        audit.record("session.fail", "（统一登录）", actor="", why=type(e).__name__)
        return refuse(request, 400, "统一登录没有成功。", "从登录页重新开始；再不行时找管理员。")
    user = account_of(str(said.get(settings.ZUOFENG_DESK.sign_on.oidc_claim, "")))
    if user is None:
        audit.record("session.fail", "（统一登录：无此帐号）", actor="")
        return refuse(request, 403, "复核台里没有您的帐号，或已停用。", "请管理员按统一登录的用户名建帐号。")
    admit(request, user, "oidc")
    return redirect("home")


def _known() -> Any:
    to = provider()
    if to is None:
        raise Http404
    return to
