"""Pages that say no, and what to do next."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

__all__ = ["broken", "csrf", "denied", "missing", "refuse"]


def refuse(request: HttpRequest, status: int, message: str, hint: str = "") -> HttpResponse:
    """Return a page with one sentence and a way on."""
    return render(request, "desk/refusal.html", {"message": message, "hint": hint, "status": status}, status=status)


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that did not come from our page, or a page that stood open over a sign-in."""
    return refuse(request, 403, "这张表单已失效，没有保存任何内容。", "回到上一页刷新后重做这一步。")


def denied(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """403."""
    return refuse(request, 403, "不能打开这一页。", "需要时请管理员调整角色。")


def missing(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """404."""
    return refuse(request, 404, "没有这一页，或者这件已不在。", "从队列重新打开。")


def broken(request: HttpRequest) -> HttpResponse:
    """500, plain: the store may be what is broken."""
    return HttpResponse(
        "<!doctype html><html lang='zh-CN'><meta charset='utf-8'><title>出错了</title>"
        "<p>出错了，这一步没有保存。请刷新重试；再出现时把时间告诉运维员。</p></html>",
        status=500,
    )
