"""The store goes away, is locked or is full while a night runs."""

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from faults.conftest import CHUNK, QUICK, Postgres, at_calls
from faults.dump import engine
from faults.proxy import Proxy
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from pipeline.batch.patience import Patience
from pipeline.bench.postgres import temporary_server
from pipeline.errors import UnfinishedError


@pytest.mark.parametrize("bare", ["postgres"], indirect=True)
def test_a_server_that_crashes_and_comes_back(night, calm, remembered, account, dice, server):
    tally = account("server killed and restarted", "PostgreSQL")
    with temporary_server() as own:

        def crash():
            info = own.get_postmaster_info()
            os.kill(info.pid, signal.SIGQUIT)  # at once, without a checkpoint: it comes back by recovery
            info.process.wait(30)
            tally.injected += 1

        # The package reads the server's own file, which may say "starting" a moment longer, and on a busy machine a
        # recovery takes longer than the ten seconds it waits.
        slow = retry_if_exception_type((AssertionError, subprocess.SubprocessError))
        ready = Retrying(retry=slow, stop=stop_after_delay(120), wait=wait_fixed(0.05))

        def restart(attempt):
            if attempt == 2:
                ready(own.ensure_postgres_running)

        for _ in range(3):
            store = Postgres(own.get_uri()).make()
            at_calls(remembered, set(dice.sample(range(1, 20), 2)), crash)
            night(store.url, patience=replace(QUICK, told=restart))
            tally.runs += 1
            tally.compare(calm, store.url)


def test_a_server_that_stays_away_ends_with_3_and_the_next_night_goes_on(night, calm, remembered, account, fresh):
    """The outage outlasts the patience; nothing that was written is lost."""
    tally = account("store away for longer than is waited", fresh.kind)
    from django.db import OperationalError

    from pipeline.batch import store as rows

    for at in (1, 5, 12):
        store = fresh.copy()
        known = rows.known

        def away(keys, model, *, at=at, known=known):
            if remembered.calls >= at:
                raise OperationalError("connection refused")
            return known(keys, model)

        remembered.calls = 0
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rows, "known", away)
            with pytest.raises(UnfinishedError, match="ZF-STORE-DOWN") as e:
                night(store.url, patience=Patience(0.05, longest_pause=0.01))
        assert e.value.exit_code == 3
        tally.injected += 1
        night(store.url)
        tally.runs += 2
        tally.compare(calm, store.url)
        store.drop()


@pytest.mark.parametrize("bare", ["postgres"], indirect=True)
def test_connections_cut_at_any_byte(night, calm, account, dice, bare):
    tally = account("connection cut by a proxy", "PostgreSQL")
    base = sa.make_url(bare.url)
    socket = Path(str(base.query["host"])) / ".s.PGSQL.5432"
    for _ in range(4):
        store = bare.copy()
        proxy = Proxy(socket, dice, cuts=12)
        name = sa.make_url(store.url).database
        night(f"postgresql://postgres@127.0.0.1:{proxy.port}/{name}?sslmode=disable&gssencmode=disable")
        proxy.close()
        tally.injected += proxy.cut
        tally.runs += 1
        tally.compare(calm, store.url)
        store.drop()


def test_a_lock_that_is_held_longer_than_a_statement_waits(night, calm, remembered, account, dice, fresh):
    tally = account("lock held by somebody else", fresh.kind)
    for _ in range(3):
        store = fresh.copy()
        other = engine(store.url).connect().execution_options(isolation_level="AUTOCOMMIT")

        def hold(other=other):
            if fresh.kind == "SQLite":
                other.execute(sa.text("BEGIN EXCLUSIVE"))
            else:
                other.execute(sa.text("BEGIN"))
                other.execute(sa.text("LOCK TABLE zuofeng_prediction IN ACCESS EXCLUSIVE MODE"))
            tally.injected += 1

        def release(attempt, other=other):
            if attempt == 3:
                other.execute(sa.text("ROLLBACK"))

        at_calls(remembered, set(dice.sample(range(1, 20), 2)), hold)
        night(store.url, lock_seconds=0.02, patience=replace(QUICK, told=release))
        other.close()
        tally.runs += 1
        tally.compare(calm, store.url)
        store.drop()


@contextmanager
def small_disk(megabytes):
    """A file system of its own with so much room."""
    folder = Path(tempfile.mkdtemp(prefix="zuofeng-disk-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0777", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)
        folder.rmdir()


def fill(folder, left):
    """Leave only ``left`` bytes free; return the file that takes the rest."""
    filler = folder / "filler"
    # The night writes at the same time: where nothing is left before that, the disk is as full.
    with suppress(OSError):
        filler.write_bytes(b"\0" * max(0, shutil.disk_usage(folder).free - left))
    return filler


def test_a_full_disk_ends_with_3_and_room_lets_it_go_on(night, calm, remembered, account, dice, fresh, server):
    tally = account("disk full", fresh.kind)
    for _ in range(3):
        with small_disk(64) as disk:
            if fresh.kind == "SQLite":
                url, drop = f"sqlite:///{disk / 'store.sqlite3'}", lambda: None
            else:
                space = f"small{os.getpid()}_{tally.injected}"
                folder = disk / "space"
                folder.mkdir()
                if os.geteuid() == 0:
                    shutil.chown(folder, "pgserver")
                server.run(f"CREATE TABLESPACE {space} LOCATION '{folder}'")
                store = server.make(more=f"TABLESPACE {space}")
                url = store.url

                def drop(store=store, space=space):
                    store.drop()
                    server.run(f"DROP TABLESPACE {space}")

            filled = []
            at_calls(remembered, {dice.randint(2, 10)}, lambda d=disk, f=filled: f.append(fill(d, 50_000)))
            with pytest.raises(UnfinishedError, match="ZF-STORE-FULL") as e:
                night(url)
            assert e.value.exit_code == 3
            tally.injected += 1
            filled[0].unlink()
            remembered.before = lambda call: None
            night(url)
            tally.runs += 2
            tally.compare(calm, url)
            drop()


def test_a_second_night_at_once_says_so(night, calm, remembered, account, fresh, forker, sources, tmp_path):
    tally = account("two nights at once", fresh.kind)
    store = fresh.copy()
    # Another machine shares the database, not the state folder.
    others = [str(tmp_path / "state"), str(tmp_path / "elsewhere")]
    says = tmp_path / "says"

    def second():
        for state in others:
            order = {"source": str(sources.second), "state": state, "chunk": CHUNK, "says": str(says)}
            # The first one holds on for as long as this takes, however long it is waited for.
            assert forker.run(store=store.url, lock_wait="200ms", **order) == 3
            assert "ZF-NIGHT-RUNNING" in says.read_text(encoding="utf-8")
            says.unlink()
            tally.injected += 1

    at_calls(remembered, {5, 11}, second)
    night(store.url)
    tally.runs += 1
    tally.compare(calm, store.url)
