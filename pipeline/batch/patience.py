"""Waiting for a database that is away: with jitter, not for ever, and not past a signal to stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from django.db import DatabaseError, Error, InterfaceError, OperationalError, connection, connections
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    sleep_using_event,
    stop_after_delay,
    stop_when_event_set,
    wait_random_exponential,
)

from pipeline.errors import UnfinishedError, first_line

__all__ = ["Patience", "is_full", "is_transient"]

T = TypeVar("T")
log = logging.getLogger("zuofeng.store")

#: https://www.postgresql.org/docs/current/errcodes-appendix.html: connections, rollbacks that may be repeated,
#: resources, locks, shutdowns.
_TRANSIENT = ("08", "40", "53", "55P03", "57014", "57P0")
_FULL = "53100"
#: libpq gives no code when a connection is refused for good, only the server's sentence.
_FOR_GOOD = ("authentication failed", "does not exist", "no pg_hba.conf entry", "invalid connection option",
             "Access denied", "Unknown database")  # fmt: skip
#: https://www.sqlite.org/rescode.html
_SQLITE_BUSY, _SQLITE_LOCKED, _SQLITE_FULL, _SQLITE_PROTOCOL = 5, 6, 13, 15


def is_full(error: BaseException) -> bool:
    """Whether the store's disk is full."""
    cause = error.__cause__
    return getattr(cause, "sqlstate", None) == _FULL or getattr(cause, "sqlite_errorcode", 0) & 0xFF == _SQLITE_FULL


def is_transient(error: BaseException) -> bool:
    """Whether the same work may succeed later without anybody changing anything."""
    if is_full(error):
        return False
    if isinstance(error, InterfaceError):
        return True
    if not isinstance(error, OperationalError):
        return False
    cause = error.__cause__
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in (_SQLITE_BUSY, _SQLITE_LOCKED, _SQLITE_PROTOCOL)
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        return str(state).startswith(_TRANSIENT)
    return not any(words in str(error) for words in _FOR_GOOD)


@dataclass(frozen=True)
class Patience:
    """How long an outage is waited for, in seconds, and the event that ends all waiting."""

    seconds: float = 600.0
    longest_pause: float = 30.0
    stop: threading.Event = field(default_factory=threading.Event)
    told: Callable[[int], None] = lambda attempt: None
    #: What is waited for, in messages and in their codes.
    what: str = "存储"
    code: str = "ZF-STORE"

    def run(self, work: Callable[[], T]) -> T:
        """Return what ``work`` returns; repeat it on a new connection while the store is away.

        ``work`` must be safe to repeat. Raises UnfinishedError when the store stays away or its disk is full;
        other database errors pass.
        """
        retrying = Retrying(
            retry=retry_if_exception(is_transient),
            wait=wait_random_exponential(multiplier=0.1, max=self.longest_pause),
            stop=stop_after_delay(self.seconds) | stop_when_event_set(self.stop),
            sleep=sleep_using_event(self.stop),
            before_sleep=self._again,
            reraise=True,
        )
        try:
            return retrying(work)
        except Error as e:
            _forget_connection()
            if is_full(e):
                raise UnfinishedError(
                    f"{self.code}-FULL", f"{self.what}所在的磁盘满了", "腾出空间后重跑；已写入的结果有效，不会重复。"
                ) from e
            if is_transient(e):
                waited = f"等了 {self.seconds:g} 秒，{self.what}仍不可用"
                why = f"收到停止信号时{self.what}不可用" if self.stop.is_set() else waited
                raise UnfinishedError(
                    f"{self.code}-DOWN",
                    f"{why}：{first_line(e)}",
                    "检查地址、权限与数据库服务，之后重跑即可；已写入的结果有效。",
                ) from e
            raise

    def _again(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        log.warning(
            "%s暂不可用", self.what, extra={"fields": {"attempt": state.attempt_number, "error": type(error).__name__}}
        )
        _forget_connection()
        self.told(state.attempt_number)


def _forget_connection() -> None:
    """Let the next statement open a connection of its own.

    Closing does not do: Django's schema editor leaves its transaction entered when its last statements fail, and a
    connection inside a transaction is kept, broken as it is.
    """
    try:
        connection.close()
    except DatabaseError:
        log.debug("closing a broken connection failed")
    del connections["default"]
