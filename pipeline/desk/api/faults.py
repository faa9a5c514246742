"""What the interface answers when it says no: one shape, a code, a sentence, what to do next."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from pipeline.errors import ZuofengError

__all__ = ["RefusedError", "add_handlers"]


class RefusedError(ZuofengError):
    """A request that is not served: ``status`` of HTTP, ``wait`` in seconds before another try makes sense."""

    def __init__(
        self, status: int, code: str, message: str, hint: str = "", details: tuple[str, ...] = (), *, wait: int = 0
    ) -> None:
        super().__init__(code, message, hint, details)
        self.status = status
        self.wait = wait


def add_handlers(api: NinjaAPI) -> None:
    """Let ``api`` answer every foreseeable error in the one shape."""

    def say(request: HttpRequest, e: ZuofengError, status: int, wait: int = 0) -> HttpResponse:
        body = {"code": e.code, "message": e.message, "hint": e.hint, "details": list(e.details)}
        response: HttpResponse = api.create_response(request, body, status=status)
        if status == 401:
            response["WWW-Authenticate"] = "Bearer"
        if wait:
            response["Retry-After"] = str(wait)
        return response

    def refused(request: HttpRequest, e: Any) -> HttpResponse:
        return say(request, e, e.status, e.wait)

    def not_now(request: HttpRequest, e: Any) -> HttpResponse:
        return say(request, e, 503, 30)

    def shape(request: HttpRequest, e: Any) -> HttpResponse:
        # Where and what, never the value: it may be somebody's letter.
        found = tuple(f"{'.'.join(map(str, x['loc']))} -> {x['msg']}" for x in e.errors)
        return say(request, RefusedError(422, "ZF-API-SHAPE", "请求的内容不合格式", "按接口说明改正。", found), 422)

    def unreadable(request: HttpRequest, e: Any) -> HttpResponse:
        return say(request, RefusedError(400, "ZF-API-JSON", "请求正文不是合法的 JSON", "用 UTF-8 的 JSON。"), 400)

    def too_big(request: HttpRequest, e: Any) -> HttpResponse:
        return say(request, RefusedError(413, "ZF-API-SIZE", "请求正文太大", "分几次发，每次不超过 2 MB。"), 413)

    def store_down(request: HttpRequest, e: Any) -> HttpResponse:
        return say(request, RefusedError(503, "ZF-STORE-DOWN", "存储暂时用不了", "稍后再试。"), 503, 30)

    handlers = (
        (RefusedError, refused), (ZuofengError, not_now), (ValidationError, shape), (HttpError, unreadable),
        (RequestDataTooBig, too_big), (DatabaseError, store_down),
    )  # fmt: skip
    for kind, handler in handlers:
        api.add_exception_handler(kind, handler)
