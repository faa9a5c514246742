import datetime as dt
import shutil

import pytest

from pipeline.errors import BundleError
from pipeline.model.history import CHINA, live_during, note_switch, switches
from pipeline.model.registry import champion_id, set_champion


def noon(day):
    return dt.datetime(2026, 11, day, 12, tzinfo=CHINA)


def test_the_model_of_a_day_is_the_last_one_before_it_and_all_of_that_day(tmp_path):
    note_switch(tmp_path, "a", None, now=noon(3))
    note_switch(tmp_path, "b", "a", now=noon(7))
    note_switch(tmp_path, "c", "b", now=noon(7) + dt.timedelta(hours=1))
    on = {day: [s.model for s in live_during(tmp_path, dt.date(2026, 11, day))] for day in (2, 3, 5, 7, 8)}
    assert on == {2: [], 3: ["a"], 5: ["a"], 7: ["a", "b", "c"], 8: ["c"]}


def test_days_are_those_of_china(tmp_path):
    note_switch(tmp_path, "a", None, now=dt.datetime(2026, 11, 3, 16, 30, tzinfo=dt.UTC))
    assert live_during(tmp_path, dt.date(2026, 11, 3)) == []
    assert [s.model for s in live_during(tmp_path, dt.date(2026, 11, 4))] == ["a"]


def test_a_clock_that_went_back_keeps_the_order_of_the_switches(tmp_path):
    note_switch(tmp_path, "a", None, now=noon(5))
    note_switch(tmp_path, "b", "a", now=noon(4))
    assert [s.model for s in live_during(tmp_path, dt.date(2026, 11, 6))] == ["b"]


def test_every_switch_is_noted_once(trained, tmp_path):
    for name in ("one", "two"):
        shutil.copytree(trained, tmp_path / name)
    for name in ("one", "one", "two", "one"):
        set_champion(tmp_path, name)
    assert [(s.before, s.model) for s in switches(tmp_path)] == [(None, "one"), ("one", "two"), ("two", "one")]
    assert champion_id(tmp_path) == "one"


def test_a_damaged_line_is_named(tmp_path):
    note_switch(tmp_path, "a", None)
    with (tmp_path / "history.jsonl").open("a") as out:
        out.write('{"time": "202')
    with pytest.raises(BundleError, match="第 2 行"):
        switches(tmp_path)
