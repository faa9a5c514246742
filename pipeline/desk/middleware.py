"""What every request passes through: headers, a session that stays open, one gesture number for all it causes."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from pipeline.desk.audit import Gesture, current_gesture

__all__ = ["gesture", "headers", "stay"]

Handler = Callable[[HttpRequest], HttpResponse]
#: Seconds after which a session that is used is written again; so much sooner it can end.
MOVED = 30
_POLICY = "accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()"


def headers(get_response: Handler) -> Handler:
    """Add what Django's security middleware has no setting for; pages with documents are never cached."""

    def handle(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", _POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return handle


def stay(get_response: Handler) -> Handler:
    """Move the end of a session that is in use; written with every request, all who read would wait for the disk."""

    def handle(request: HttpRequest) -> HttpResponse:
        now = int(time.time())
        if request.user.is_authenticated and abs(now - request.session.get("moved", 0)) >= MOVED:
            request.session["moved"] = now
        return get_response(request)

    return handle


def gesture(get_response: Handler) -> Handler:
    """Tie all entries of one request together in the trail: who, from where, under one number."""

    def handle(request: HttpRequest) -> HttpResponse:
        actor = request.user.username if request.user.is_authenticated else ""
        token = current_gesture.set(Gesture(uuid.uuid4().hex, actor, request.META.get("REMOTE_ADDR", "")))
        try:
            return get_response(request)
        finally:
            current_gesture.reset(token)

    return handle
