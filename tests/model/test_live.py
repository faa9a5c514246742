import datetime as dt
import json
from dataclasses import asdict

import pytest

from pipeline.model.history import FILE, Entry
from pipeline.model.live import CHINA, live_during


def noon(day):
    return dt.datetime(2026, 11, day, 12, tzinfo=CHINA)


@pytest.fixture
def switch(tmp_path):
    """Note a switch as if it were that time."""

    def make(model, now):
        at = now.astimezone(dt.UTC).isoformat(timespec="seconds")
        entry = Entry(number=1, at=at, action="promote", model=model, before=None, author="甲", reason="")
        with (tmp_path / FILE).open("a", encoding="utf-8") as out:
            out.write(json.dumps(asdict(entry)) + "\n")

    return make


def test_the_model_of_a_day_is_the_last_one_before_it_and_all_of_that_day(switch, tmp_path):
    switch("a", noon(3))
    switch("b", noon(7))
    switch("c", noon(7) + dt.timedelta(hours=1))
    on = {day: [e.model for e in live_during(tmp_path, dt.date(2026, 11, day))] for day in (2, 3, 5, 7, 8)}
    assert on == {2: [], 3: ["a"], 5: ["a"], 7: ["a", "b", "c"], 8: ["c"]}


def test_days_are_those_of_china(switch, tmp_path):
    switch("a", dt.datetime(2026, 11, 3, 16, 30, tzinfo=dt.UTC))
    assert live_during(tmp_path, dt.date(2026, 11, 3)) == []
    assert [e.model for e in live_during(tmp_path, dt.date(2026, 11, 4))] == ["a"]


def test_a_clock_that_went_back_keeps_the_order_of_the_switches(switch, tmp_path):
    switch("a", noon(5))
    switch("b", noon(4))
    assert [e.model for e in live_during(tmp_path, dt.date(2026, 11, 6))] == ["b"]
