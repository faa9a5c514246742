import datetime as dt
import json

import pytest

from pipeline.model.history import FILE, open_history
from pipeline.model.live import CHINA, live_during


def noon(day):
    return dt.datetime(2026, 11, day, 12, tzinfo=CHINA)


@pytest.fixture
def switch(tmp_path):
    """Make a model live, as if it were that time."""

    def make(model, now):
        with open_history(tmp_path) as history:
            history.make_live(model, action="promote", author="甲", reason="")
        path = tmp_path / FILE
        lines = path.read_text(encoding="utf-8").splitlines()
        last = {**json.loads(lines[-1]), "at": now.astimezone(dt.UTC).isoformat(timespec="seconds")}
        path.write_text("\n".join([*lines[:-1], json.dumps(last, ensure_ascii=False)]) + "\n", encoding="utf-8")

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
