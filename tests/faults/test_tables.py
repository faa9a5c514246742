"""Bad days of nights that write into a caller's table."""

import shutil
import signal
import time
from collections import Counter
from dataclasses import replace

import pytest
import sqlalchemy as sa
from callers import Caller
from faults.conftest import CHUNK, QUICK, at_calls
from faults.dump import dump

from pipeline.errors import UnfinishedError

KILLS = 12


@pytest.fixture
def place(fresh, sources, tmp_path):
    """Make a store and beside it a caller's table that counts how often each row is written."""
    texts = [t for t in sources.texts if t.strip()][:200]
    numbers = iter(range(10_000))
    first = tmp_path / "caller.db"
    first.touch()
    caller = Caller(f"sqlite:///{first}" if fresh.kind == "SQLite" else fresh.url)
    caller.make("工单", [(i * 5, None if i % 40 == 7 else t) for i, t in enumerate(texts)],
                more=[sa.Column("zuofeng_问题分", sa.Double), sa.Column("zuofeng_说明", sa.Text)])  # fmt: skip
    caller.count_writes("工单")

    def make():
        store = fresh.copy()
        if fresh.kind != "SQLite":
            return store, Caller(store.url)
        path = tmp_path / f"caller{next(numbers)}.db"
        shutil.copy(first, path)
        return store, Caller(f"sqlite:///{path}")

    return make


def order_of(store, caller, state):
    write = {"problem_score": "zuofeng_问题分", "note": "zuofeng_说明"}
    return {"store": store.url, "source": caller.source(table="工单"), "state": str(state), "chunk": CHUNK,
            "write_tables": True, "tables": {"write": write}}  # fmt: skip


def plain(rows):
    """Runs and chunks name the file, which is another one each time."""
    return {t: Counter(r.replace(name, "caller.db") for r, n in c.items() for name in names(r) for _ in range(n))
            for t, c in rows.items()}  # fmt: skip


def names(row):
    import re

    return re.findall(r"caller\d+\.db|f\d+_\d+(?=\?table)", row)[:1] or ["\0"]


def compare(tally, expected, store, caller):
    rows, table = expected
    found = plain(dump(store.url, runs=1))
    seen = Counter(caller.rows("工单"))
    tally.rounds += 1
    tally.lost += sum((rows[t] - found[t]).total() for t in rows) + (table - seen).total()
    tally.doubled += sum((found[t] - rows[t]).total() for t in rows) + (seen - table).total()
    # Each row was written, and only once.
    written = Counter(caller.writes())
    tally.doubled += sum(n - 1 for n in written.values())
    tally.lost += table.total() - len(written)


@pytest.fixture
def calm(place, forker, tmp_path):
    store, caller = place()
    began = time.monotonic()
    assert forker.run(**order_of(store, caller, tmp_path / "state")) == 1
    seconds = time.monotonic() - began
    expected = plain(dump(store.url)), Counter(caller.rows("工单"))
    assert all(score is not None or note for *_, score, note in caller.rows("工单"))
    store.drop()
    return expected, seconds


def test_sigkill_while_scores_go_into_a_table(place, calm, forker, account, dice, fresh, tmp_path):
    expected, seconds = calm
    tally = account("SIGKILL while a caller's table is written", fresh.kind)
    while tally.injected < KILLS:
        store, caller = place()
        kills, code = dice.randint(1, 3), None
        while code is None or code < 0:
            child = forker.start(**order_of(store, caller, tmp_path / "state"))
            tally.runs += 1
            if kills and not forker.ended_within(dice.uniform(0, seconds)):
                forker.kill(child)
                kills -= 1
            code = forker.result()
            tally.injected += code == -signal.SIGKILL
        assert code == 1
        compare(tally, expected, store, caller)
        store.drop()


def test_a_callers_database_that_is_locked_is_waited_for(
    place, calm, night, remembered, account, dice, fresh, tmp_path
):
    expected, _ = calm
    tally = account("caller's table locked by somebody else", fresh.kind)
    for _ in range(2):
        store, caller = place()
        other = caller.engine.connect().execution_options(isolation_level="AUTOCOMMIT")

        def hold(other=other):
            if fresh.kind == "SQLite":
                other.execute(sa.text("BEGIN EXCLUSIVE"))
            else:
                other.execute(sa.text("BEGIN"))
                other.execute(sa.text('LOCK TABLE "工单" IN ACCESS EXCLUSIVE MODE'))
            tally.injected += 1

        def release(attempt, other=other):
            if attempt == 3:
                other.execute(sa.text("ROLLBACK"))

        at_calls(remembered, set(dice.sample(range(1, 16), 2)), hold)
        patience = replace(QUICK, told=release)
        night(**_options(order_of(store, caller, tmp_path / "state")), lock_seconds=0.02, patience=patience)
        other.close()
        tally.runs += 1
        compare(tally, expected, store, caller)
        store.drop()


def test_a_callers_database_that_stays_away_ends_with_3_and_the_next_night_goes_on(
    place, calm, night, remembered, account, dice, fresh, tmp_path
):
    expected, _ = calm
    tally = account("caller's table locked for longer than is waited", fresh.kind)
    for _ in range(2):
        store, caller = place()
        other = caller.engine.connect().execution_options(isolation_level="AUTOCOMMIT")

        def hold(other=other):
            other.execute(sa.text("BEGIN EXCLUSIVE" if fresh.kind == "SQLite" else "BEGIN"))
            if fresh.kind != "SQLite":
                other.execute(sa.text('LOCK TABLE "工单" IN ACCESS EXCLUSIVE MODE'))
            tally.injected += 1

        at_calls(remembered, {dice.randint(2, 16)}, hold)
        options = _options(order_of(store, caller, tmp_path / "state"))
        with pytest.raises(UnfinishedError, match="ZF-TAB-DOWN") as e:
            night(**options, lock_seconds=0.02, patience=replace(QUICK, seconds=0.1))
        assert e.value.exit_code == 3
        other.execute(sa.text("ROLLBACK"))
        other.close()
        remembered.before = lambda call: None
        night(**options)
        tally.runs += 2
        compare(tally, expected, store, caller)
        store.drop()


def _options(order):
    from pipeline.table_settings import TableSettings

    return {
        "url": order["store"],
        "source": order["source"],
        "write_tables": True,
        "tables": TableSettings(**order["tables"]),
    }
