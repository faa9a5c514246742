"""SIGKILL and SIGTERM at any moment, then the same command again."""

import json
import signal
import time

import pytest
from faults.conftest import CHUNK
from faults.dump import dump

KILLS = 60


@pytest.fixture
def nights(fresh, sources, forker, tmp_path):
    """The same second night on an empty store and on one that knows the first; and what an undisturbed one writes."""
    empty = fresh
    filled = fresh.copy()
    order = {"state": str(tmp_path / "state"), "chunk": CHUNK}
    assert forker.run(store=filled.url, source=str(sources.first), **order) == 1
    cases = []
    for start in (empty, filled):
        calm = start.copy()
        began = time.monotonic()
        assert forker.run(store=calm.url, source=str(sources.second), **order) == 1
        rows = dump(calm.url)
        cases.append((start, rows, time.monotonic() - began, sum(rows["run"].values())))
        calm.drop()
    yield cases, {"source": str(sources.second), **order}
    filled.drop()


def test_sigkill_at_random_moments(nights, forker, account, dice, fresh):
    cases, order = nights
    tally = account("SIGKILL at a random moment, up to 3 in a row", fresh.kind)
    # How long a night takes changes with what else the machine does: follow it, or most kills come too late.
    seconds = [night[2] for night in cases]
    while tally.injected < KILLS:
        turn = tally.rounds % 2
        start, expected, _, runs = cases[turn]
        store = start.copy()
        kills = dice.randint(1, 3)
        code = None
        while code is None or code < 0:
            child = forker.start(store=store.url, **order)
            tally.runs += 1
            if kills and not forker.ended_within(dice.uniform(0, seconds[turn])):
                forker.kill(child)
                kills -= 1
            first, code = code is None, forker.result()
            tally.injected += code == -signal.SIGKILL
            if first:
                seconds[turn] *= 1.05 if code < 0 else 0.8
        assert code == 1
        tally.compare(expected, store.url, runs=runs)
        store.drop()


def test_sigterm_finishes_its_chunk_and_says_3(nights, forker, account, dice, fresh):
    cases, order = nights
    tally = account("SIGTERM in a chunk", fresh.kind)
    for start, expected, _, runs in cases * 3:
        store = start.copy()
        assert forker.run(store=store.url, terminate_at=dice.randint(1, 10), **order) == 3
        tally.injected += 1
        found = dump(store.url)
        assert {json.loads(row)["state"] for row in found["chunk"]} == {"done"}
        assert [json.loads(row)["state"] for row in found["run"]].count("unfinished") == 1
        assert forker.run(store=store.url, **order) == 1
        tally.runs += 2
        tally.compare(expected, store.url, runs=runs)
        store.drop()


def test_a_migration_killed_half_way_is_finished_by_the_next_night(nights, forker, account, dice, bare):
    (_, expected, _, runs), _ = nights[0]
    tally = account("SIGKILL during migration", bare.kind)
    calm = bare.copy()
    began = time.monotonic()
    assert forker.run(store=calm.url, migrate=True) == 0
    seconds = time.monotonic() - began
    calm.drop()
    while tally.injected < 5:
        store = bare.copy()
        child = forker.start(store=store.url, migrate=True)
        if not forker.ended_within(dice.uniform(0, seconds)):
            forker.kill(child)
        if forker.result() == -signal.SIGKILL:
            tally.injected += 1
            assert forker.run(store=store.url, **nights[1]) == 1
            tally.runs += 1
            tally.compare(expected, store.url, runs=runs)
        store.drop()


def test_a_challenger_beside_loses_and_doubles_nothing_either(fresh, sources, forker, account, dice, tmp_path):
    from faults.conftest import close_django

    from pipeline.desk.configure import open_store

    order = {"state": str(tmp_path / "state"), "chunk": CHUNK, "source": str(sources.first), "beside": True}
    open_store(fresh.url)
    from pipeline.desk.shadows import start

    start("doubter", nights=2, sample=9, by="x", actor="x")
    close_django()
    calm = fresh.copy()
    began = time.monotonic()
    assert forker.run(store=calm.url, **order) == 1
    seconds = time.monotonic() - began
    expected = dump(calm.url)
    calm.drop()
    assert expected["shadow score"].total() == 130
    assert expected["shadow draw"].total() > 9
    tally = account("SIGKILL with a challenger beside", fresh.kind)
    while tally.injected < 10:
        store = fresh.copy()
        kills, code = dice.randint(1, 3), None
        while code is None or code < 0:
            child = forker.start(store=store.url, **order)
            tally.runs += 1
            if kills and not forker.ended_within(dice.uniform(0, seconds)):
                forker.kill(child)
                kills -= 1
            code = forker.result()
            tally.injected += code == -signal.SIGKILL
        assert code == 1
        tally.compare(expected, store.url, runs=1)
        store.drop()
