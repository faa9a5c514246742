"""The door of the interface: token, rate, grant, in this order; every refusal is on the record."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja.security import HttpBearer

from pipeline.desk import audit
from pipeline.desk.api.faults import RefusedError
from pipeline.desk.clients import Grant, client_of
from pipeline.desk.tables import Client

__all__ = ["Door", "Meter"]

MINUTE = 60.0
#: Wrong tokens from one address that are recorded in a minute; beyond, they are only turned away.
MOST_DENIED = 20
#: Addresses remembered at once.
MOST_KEYS = 10_000


class Meter:
    """Counts requests by key over the last minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: dict[str, deque[float]] = {}

    def take(self, key: str, most: int, now: float) -> int:
        """Count one request at ``now`` (seconds); return 0, or the seconds to wait when ``most`` were made already."""
        with self._lock:
            if len(self._times) > MOST_KEYS:
                self._times = {k: t for k, t in self._times.items() if t and t[-1] > now - MINUTE}
            times = self._times.setdefault(key, deque())
            while times and times[0] <= now - MINUTE:
                times.popleft()
            if len(times) >= most:
                return max(1, math.ceil(times[0] + MINUTE - now))
            times.append(now)
            return 0

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._times.clear()


METER = Meter()


class Door(HttpBearer):
    """Lets clients with a grant in. Sessions of people count for nothing here, so no page can be made to call it."""

    def __init__(self, needs: Grant | None = None) -> None:
        super().__init__()
        self.needs = needs

    def __call__(self, request: HttpRequest) -> Any:
        """Return the client; raises RefusedError."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        return self.authenticate(request, token.strip() if kind.lower() == "bearer" else "")

    def authenticate(self, request: HttpRequest, token: str) -> Client:
        """Return the client that holds ``token`` and the grant; raises RefusedError."""
        address = request.META.get("REMOTE_ADDR", "")
        client = client_of(token) if token else None
        if client is None:
            _within(f"denied {address}", MOST_DENIED)
            audit.record("api.deny", request.path[:200], actor="", method=request.method)
            raise RefusedError(401, "ZF-API-TOKEN", "没有令牌，或令牌无效", "请管理员发令牌：zuofeng client add 名称。")
        # From here on the trail names the client.
        audit.current_gesture.set(audit.Gesture(audit.gesture_now().id, f"接口:{client.name}", address))
        _within(f"client {client.pk}", settings.ZUOFENG_DESK.api_per_minute)
        if self.needs is not None and self.needs.value not in client.may:
            audit.record("api.deny", request.path[:200], method=request.method, needs=self.needs.value)
            raise RefusedError(
                403, "ZF-API-GRANT", f"这个令牌没有 {self.needs.value} 的许可", "请管理员另发一个带此许可的令牌。"
            )
        return client


def _within(key: str, most: int) -> None:
    if wait := METER.take(key, most, time.monotonic()):
        raise RefusedError(429, "ZF-API-RATE", "请求太密", f"{wait} 秒后再试。", wait=wait)
