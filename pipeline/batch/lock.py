"""One run at a time: on this machine by a locked file, on a shared PostgreSQL by an advisory lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from django.db import OperationalError, connection, transaction
from filelock import FileLock, Timeout

from pipeline.errors import UnfinishedError

__all__ = ["held", "hold_store", "only_one"]

#: Any number, as long as every night asks for the same one.
_KEY = 0x7A756F66
#: A killed night's session may outlive it by the statement it was in.
_WAIT = "10s"
#: Whoever only asks whether a file is locked has it for an instant, in seconds.
_INSTANT = 0.2


@contextmanager
def only_one(state: Path, database: Path | None = None) -> Iterator[None]:
    """Hold the night's locked files, in ``state`` and beside an embedded ``database``; UnfinishedError if taken."""
    paths = [state / "nightly.lock"]
    if database is not None:
        paths.append(_beside(database))
    with ExitStack() as stack:
        for path in paths:
            path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            try:
                stack.enter_context(FileLock(path, timeout=_INSTANT))
            except Timeout as e:
                raise _taken() from e
        yield


def hold_store() -> None:
    """Take the advisory lock of a PostgreSQL store for this connection, or make sure that it is held.

    A connection that was cut has lost it; each chunk asks again, and asking twice does no harm.
    """
    if connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s"
                           " AND pid = pg_backend_pid()", [_KEY])  # fmt: skip
            if cursor.fetchone()[0]:
                return
            cursor.execute(f"SET LOCAL lock_timeout = '{_WAIT}'")
            cursor.execute("SELECT pg_advisory_lock(%s)", [_KEY])
    except OperationalError as e:
        if getattr(e.__cause__, "sqlstate", None) == "55P03":
            raise _taken() from e
        raise


def held() -> bool:
    """Return whether a run is at work on the open store; what calls itself running without that was killed."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database d ON d.oid = database"
                           " WHERE locktype = 'advisory' AND objid = %s AND datname = current_database())",
                           [_KEY])  # fmt: skip
            return bool(cursor.fetchone()[0])
    path = _beside(Path(connection.settings_dict["NAME"]))
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True


def _beside(database: Path) -> Path:
    return database.with_name(database.name + ".lock")


def _taken() -> UnfinishedError:
    return UnfinishedError("ZF-NIGHT-RUNNING", "已有一个夜间任务在运行", "等它结束再运行；它不会受影响。")
