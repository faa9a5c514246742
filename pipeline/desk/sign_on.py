"""Signing in by what others vouch for: a trusted proxy's header, or an OpenID provider."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme

from pipeline.desk import audit
from pipeline.desk.tables import User
from pipeline.errors import ConfigError
from pipeline.secrets import is_private

__all__ = [
    "BACKEND", "PEER", "account_of", "admit", "must_choose", "named_by_proxy", "provider", "safe", "watch_proxy",
]  # fmt: skip

#: Set by the server: who the connection came from, whatever headers say.
PEER = "zuofeng.peer"
BACKEND = "pipeline.desk.login.PasswordBackend"
_HOW = "signed_on"


def admit(request: HttpRequest, user: User, how: str) -> None:
    """Begin a session for ``user``; ``how`` is password, header or oidc."""
    login(request, user, backend=BACKEND)
    request.session.clear_expired()  # in them stands what was last looked for
    request.session[_HOW] = how
    audit.record("session.login", user.username, actor=user.username, how=how)


def safe(request: HttpRequest, after: str) -> str:
    """Return ``after`` when it is an address on this host, else the first page."""
    fits = url_has_allowed_host_and_scheme(after, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return after if after.startswith("/") and fits else "home"


def must_choose(request: HttpRequest) -> bool:
    """Return whether the account has to change its first password first; who came without one has none to change."""
    return bool(request.user.must_change_password) and request.session.get(_HOW) not in ("header", "oidc")


def account_of(name: str) -> User | None:
    """Return the account in use of that name."""
    if not name or len(name) > 60 or "\0" in name:
        return None
    return User.objects.filter(username=User.normalize_username(name), is_active=True).first()


def named_by_proxy(request: HttpRequest) -> str:
    """Return the account that a trusted proxy names, empty when there is none or the connection is another's."""
    wanted = settings.ZUOFENG_DESK.sign_on
    peer = request.META.get(PEER) or request.META.get("REMOTE_ADDR", "")
    if not wanted.header or peer not in wanted.header_from:
        return ""
    return str(request.headers.get(wanted.header, "")).strip()


def watch_proxy(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """End a session that the proxy's word began once the proxy names somebody else, or nobody."""

    def handle(request: HttpRequest) -> HttpResponse:
        by_header = request.session.get(_HOW) == "header"
        if by_header and request.user.is_authenticated and account_of(named_by_proxy(request)) != request.user:
            logout(request)
        return get_response(request)

    return handle


def provider() -> Any:
    """Return the OpenID provider of the settings, None when there is none; raises ConfigError for a bad secret file."""
    wanted = settings.ZUOFENG_DESK.sign_on
    if not wanted.oidc_issuer:
        return None
    return _provider(wanted.oidc_issuer, wanted.oidc_client, str(Path(settings.ZUOFENG_HOME) / wanted.oidc_secret_file))


@functools.lru_cache(maxsize=4)
def _provider(issuer: str, client: str, secret_file: str) -> Any:
    from authlib.integrations.django_client import OAuth

    path = Path(secret_file)
    if not path.is_file() or not is_private(path):
        raise ConfigError("ZF-OIDC-SECRET", f"读不了 {path}，或别人也能读它", "写入客户端密钥，并 chmod 600。")
    return OAuth().register(
        "desk",
        client_id=client,
        client_secret=path.read_text(encoding="utf-8-sig").strip(),
        server_metadata_url=issuer.rstrip("/") + "/.well-known/openid-configuration",
        client_kwargs={"scope": "openid profile", "code_challenge_method": "S256", "default_timeout": 10},
    )
