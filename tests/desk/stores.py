"""Both databases, several people at once, how often the store is asked: what tests of the desk share."""

import pytest

#: What the databases could do differently is tried on both.
both_stores = pytest.mark.parametrize("desk", ["sqlite", "postgres"], indirect=True)
on_postgres = pytest.mark.parametrize("desk", ["postgres"], indirect=True)


def apart(work):
    """Return ``work`` for a thread: on a connection of its own."""

    def begin(*args):
        from django.db import connections

        try:
            return work(*args)
        finally:
            connections.close_all()

    return begin


def comes_to_wait(future):
    """Wait until somebody waits for a lock on PostgreSQL, or ``future`` is done without; return whether one does."""
    from django.db import connection

    with connection.cursor() as cursor:
        while not future.done():
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return True
    return False


def questions(work):
    """Return what the store is asked while ``work`` goes on."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        work()
    return [q["sql"] for q in asked]


def url_of(page, number=1):
    """Return the address of a page of the desk; a number in it stands for any object."""
    from django.urls import reverse

    return reverse(page.name, kwargs={"number": number} if "<int:number>" in page.route else {})
