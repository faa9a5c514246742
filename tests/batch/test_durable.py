"""When a night waits for the disk."""

import datetime as dt


def test_chunks_do_not_wait_for_the_disk_and_the_end_of_a_run_does(store):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from pipeline.batch import ledger
    from pipeline.desk.configure import open_store

    def waits():
        asked = "SHOW synchronous_commit" if connection.vendor == "postgresql" else "PRAGMA synchronous"
        with connection.cursor() as cursor:
            cursor.execute(asked)
            return cursor.fetchone()[0]

    open_store(store, bulk=True)
    assert waits() in ("off", 1)
    run = ledger.begin(kind="nightly", source="a", model="m", plan={}, now=dt.datetime.now(dt.UTC))
    with CaptureQueriesContext(connection) as asked:
        ledger.finish(run, "done", counts={})
    said = [q["sql"] for q in asked]
    if connection.vendor == "postgresql":
        assert said.index("SET LOCAL synchronous_commit TO on") < next(i for i, s in enumerate(said) if "UPDATE" in s)
        assert "BEGIN" in said[0]
    assert waits() in ("off", 1)
