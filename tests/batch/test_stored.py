import datetime as dt

import pytest

from pipeline.batch.stored import day_of, stored_documents
from pipeline.documents import Document


def test_what_a_night_stored_comes_back_with_day_fields_and_decisions(night, scorer, store, write_jsonl, some_gold):
    records = [
        {"编号": g.id, "内容": g.text, "区县": "东区", "渠道": "热线", "受理时间": "2026年3月5日 10:20"}
        for g in some_gold[:30]
    ]
    records.append({"编号": "z", "内容": "路灯坏了"})
    night(write_jsonl("a.jsonl", records))
    found = list(stored_documents(store, scorer.bundle.id))
    assert [s.document.id for s in found] == [r["编号"] for r in records]
    assert found[0].document.meta["district"] == "东区"
    assert found[0].day == dt.date(2026, 3, 5)
    assert found[-1].day >= dt.date(2026, 3, 5)
    said = {p.id: set(p.labels) for p in scorer.score([s.document for s in found])}
    assert all(set(s.decided) == said[s.document.id] for s in found)
    assert all(s.decided is None for s in stored_documents(store, "another"))


def test_without_a_time_it_is_the_local_day_of_the_night_that_brought_the_text(
    night, scorer, store, write_jsonl, records
):
    from pipeline.desk.models import Run

    night(write_jsonl("a.jsonl", records[:3]))
    Run.objects.update(started=dt.datetime(2026, 2, 28, 18, 30, tzinfo=dt.UTC))
    night(write_jsonl("a.jsonl", [{**records[0], "承办单位": "某委"}, *records[1:3]]))
    found = list(stored_documents(store, scorer.bundle.id))
    assert found[0].document.meta["unit"] == "某委"
    assert [s.day for s in found] == [dt.date(2026, 3, 1)] * 3


def test_dates_are_found_in_free_text():
    assert day_of("2026-03-05T08:00:00") == dt.date(2026, 3, 5)
    assert day_of("20260305") == dt.date(2026, 3, 5)
    assert day_of("2026/2/31 后") is None
    assert day_of("昨天") is None


@pytest.mark.parametrize(
    "form", ["{:%Y-%m-%d}", "{:%Y%m%d}", "{0.year}年{0.month}月{0.day}日 8:05", "{:%Y/%m/%d} 8:05"]
)
def test_every_day_of_a_year_is_itself(form):
    days = [dt.date(2028, 1, 1) + dt.timedelta(n) for n in range(366)]
    assert [day_of(form.format(day)) for day in days] == days


@pytest.mark.parametrize("text", ["2026年11月", "2026-12", "202611", "2026-1-123"])
def test_a_month_is_no_day(text):
    assert day_of(text) is None


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("2026/12/3 9:30", "2026-12-03 9:30"),  # as Excel saves it
        ("2027/1/1", "2027-01-01"),
        ("2026年12月31日 23:59", "2026-12-31 23:59"),
        ("20261231", "2026-12-31"),
        ("20261231235959", "2026-12-31 235959"),
        ("2026-12-31T23:59:59+08:00", "2026-12-31T23:59:59+08:00"),
        ("2026/2/31 后", "2026/2/31 后"),
        ("202612311", "202612311"),
        ("去年底", "去年底"),
    ],
)
def test_days_are_kept_as_the_filters_of_the_desk_compare_them(written, kept):
    from pipeline.desk.configure import MEMORY, open_store

    open_store(MEMORY, bring_up=False)
    from pipeline.batch.store import META, meta_of

    document = Document("1", "路灯坏了", {"time": written})
    assert dict(zip(META, meta_of(document), strict=True))["received"] == kept
