"""Only what is new, by a column of times or numbers, and never past what was set aside."""

import datetime as dt

import pytest
import sqlalchemy as sa

from pipeline.batch.sources import Limits
from pipeline.batch.tables.watermark import decode, next_mark
from pipeline.errors import SourceError

NOW = dt.datetime(2026, 3, 2, 4, 0, tzinfo=dt.timezone(dt.timedelta(hours=8)))


@pytest.fixture
def versioned(caller):
    """Make a table whose every row is behind the next one's mark; return what names it."""

    def make(records, **more):
        columns = [sa.Column("版本", sa.Integer), *more.pop("more", ())]
        caller.make("工单", list(enumerate(records)), more=columns, **more)
        caller.run('UPDATE "工单" SET "版本" = "流水号" * 100000')
        return caller.source(table="工单")

    return make


VERSION = {"tables": {"watermark": "版本"}}


@pytest.mark.parametrize(
    ("highest", "mark"),
    [
        (None, None),
        (dt.datetime(2031, 1, 1), dt.datetime(2026, 2, 28, 20)),  # noqa: DTZ001  a column without zones
        (dt.datetime(2031, 1, 1, tzinfo=dt.UTC), dt.datetime(2026, 2, 28, 20, tzinfo=dt.UTC)),
        (dt.date(2031, 3, 1), dt.date(2026, 2, 28)),
        ("2031-03-01 10:00:00.5", "2026-02-28 20:00:00"),
        (123_456, 113_456),
        # A copy that has stood still for a week.
        (dt.datetime(2026, 2, 23, 9), dt.datetime(2026, 2, 22, 9)),  # noqa: DTZ001
        (dt.datetime(2026, 2, 23, 9, tzinfo=dt.UTC), dt.datetime(2026, 2, 22, 9, tzinfo=dt.UTC)),
        (dt.date(2026, 2, 23), dt.date(2026, 2, 22)),
        ("2026-02-23T09:00:00", "2026-02-22 09:00:00"),
        ("2026-02-23T09:00:00+08:00", "2026-02-22 09:00:00"),
        (dt.date.min, dt.date.min),
    ],
)
def test_the_mark_lags_and_runs_ahead_of_neither_the_clock_nor_the_newest_row(highest, mark):
    import json

    assert decode(json.loads(json.dumps(next_mark(highest, NOW)))) == mark


@pytest.mark.parametrize("highest", ["20260301", "甲", 1.5, True, b"x"])
def test_columns_without_an_order_in_time_are_refused(highest):
    with pytest.raises(SourceError, match="ZF-TAB-WATERMARK"):
        next_mark(highest, NOW)


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
@pytest.mark.parametrize("odd", ["infinity", "20221-01-05"])
@pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMPTZ", "DATE"])
def test_a_highest_time_out_of_range_is_named(table_night, caller, texts, kind, odd):
    caller.make("工单", list(enumerate(texts[:5])))
    caller.run(f'ALTER TABLE "工单" ADD "更新" {kind}')
    caller.run(sa.text(f'UPDATE "工单" SET "更新" = CAST(:t AS {kind}) WHERE "流水号" = 3'), {"t": odd})  # noqa: S608
    with pytest.raises(SourceError, match="ZF-TAB-WATERMARK") as caught:
        table_night(caller.source(table="工单"), tables={"watermark": "更新"})
    assert odd in caught.value.details[0]


@pytest.mark.parametrize("zone", [False, True])
def test_times_of_the_database_bound_what_is_read(table_night, caller, texts, zone):
    old, fresh = NOW - dt.timedelta(days=900), dt.datetime.now(dt.UTC)
    if not zone:
        old, fresh = old.replace(tzinfo=None), fresh.replace(tzinfo=None)
    caller.make("工单", list(enumerate(texts[:20])), more=[sa.Column("更新", sa.DateTime(timezone=zone))])
    stamp = sa.text('UPDATE "工单" SET "更新" = :t WHERE "流水号" >= :n').bindparams(
        sa.bindparam("t", type_=sa.DateTime(zone))
    )
    caller.run(stamp, {"t": old, "n": 1})
    caller.run(stamp, {"t": fresh, "n": 17})
    options = {"tables": {"watermark": "更新"}}
    assert table_night(caller.source(table="工单"), **options).read == 20
    # Row 0 has no time, rows 17 to 19 came within a day.
    assert table_night(caller.source(table="工单"), **options).read == 4


def test_rows_that_come_days_after_their_time_are_read(table_night, caller, texts):
    """As in a copy of somebody's table that is brought up once a week."""
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    caller.make("工单", list(enumerate(texts[:10])), more=[sa.Column("更新", sa.DateTime)])
    stamp = sa.text('UPDATE "工单" SET "更新" = :t WHERE "流水号" >= :n').bindparams(
        sa.bindparam("t", type_=sa.DateTime())
    )
    caller.run(stamp, {"t": now - dt.timedelta(days=40), "n": 0})
    caller.run(stamp, {"t": now - dt.timedelta(days=6), "n": 8})
    options = {"tables": {"watermark": "更新"}, "write": False}
    assert table_night(caller.source(table="工单"), **options).read == 10
    assert table_night(caller.source(table="工单"), **options).read == 2
    for number in (10, 11):
        caller.run(sa.text('INSERT INTO "工单" VALUES (:n, :x, NULL)'), {"n": number, "x": texts[number]})
    caller.run(stamp, {"t": now - dt.timedelta(days=5), "n": 10})
    report = table_night(caller.source(table="工单"), **options)
    assert (report.read, report.new) == (4, 2)


def test_what_was_set_aside_or_left_half_way_is_read_again(table_night, caller, versioned, texts, scorer, monkeypatch):
    source, options = versioned(texts[:20]), {**VERSION, "write": False}
    score, broken = scorer.score, [True]

    def sometimes(documents, **more):
        if broken and any(d.id == "8" for d in documents):
            from django.db import DataError

            raise DataError("no")
        return score(documents, **more)

    monkeypatch.setattr(scorer, "score", sometimes)
    first = table_night(source, **options)
    assert [a["chunk"] for a in first.aside] == [2]
    broken.clear()
    # The night before was not whole: everything is read.
    assert table_night(source, **options).read == 20
    assert table_night(source, **options).read == 1

    monkeypatch.setattr(scorer, "score", lambda documents, **more: 1 / 0)
    caller.run(sa.text('INSERT INTO "工单" VALUES (50, :t, 9900000)'), {"t": texts[30]})
    with pytest.raises(ZeroDivisionError):
        table_night(source, **options)
    monkeypatch.undo()
    report = table_night(source, **options)
    assert (report.read, report.new, report.starts) == (2, 1, 2)


def test_what_was_not_read_to_the_end_is_read_again(table_night, caller, versioned, texts):
    source, options = versioned(texts[:20], kind=sa.Numeric), {**VERSION, "write": False}
    caller.run('UPDATE "工单" SET "流水号" = 13.5 WHERE "流水号" = 13')
    first = table_night(source, **options)
    assert ([u["code"] for u in first.unreadable], first.read) == (["ZF-TAB-KEY-TYPE"], 7)
    assert table_night(source, **options).read == 7
    caller.run('UPDATE "工单" SET "流水号" = 13 WHERE "流水号" = 13.5')
    report = table_night(source, **options)
    assert (report.read, report.new) == (20, 13)
    assert table_night(source, **options).read == 1


@pytest.mark.parametrize("broke_off", [False, True])
def test_after_another_model_wrote_the_table_all_of_it_is_read_again(
    table_night, caller, versioned, texts, other, monkeypatch, broke_off
):
    """As after a promotion that was rolled back: the table holds what the other model said of the older rows."""
    source = versioned(texts[:20])
    assert table_night(source, **VERSION).new == 20
    before = caller.rows("工单")
    if broke_off:
        score = other.score
        monkeypatch.setattr(other, "score", lambda d, **more: 1 / 0 if d[0].id == "14" else score(d, **more))
        with pytest.raises(ZeroDivisionError):
            table_night(source, scorer=other, **VERSION)
    else:
        assert table_night(source, scorer=other, **VERSION).rescored == 20
    assert caller.rows("工单") != before
    assert table_night(source, **VERSION).read == 20
    assert caller.rows("工单") == before
    assert table_night(source, **VERSION).read == 1


def test_after_a_night_with_other_settings_all_is_read_again(table_night, versioned, texts):
    source = versioned(texts[:20])
    for columns, read in (({}, 20), ({}, 1), ({"text": ["版本"]}, 20), ({}, 20), ({}, 1)):
        assert table_night(source, columns=columns, write=False, **VERSION).read == read
    from pipeline.desk.models import Document

    assert set(Document.objects.values_list("text", flat=True)) == {*texts[:20]}


def test_after_a_night_with_another_limit_what_was_too_long_is_read(table_night, versioned, texts):
    short = [t for t in texts if len(t) < 400][:19]
    source, options = versioned(["长" * 500, *short]), {**VERSION, "write": False}
    first = table_night(source, limits=Limits(max_text_bytes=1400), **options)
    assert (first.read, first.reasons["ZF-REC-TOO-LONG"]) == (20, 1)
    report = table_night(source, **options)
    assert (report.read, report.new) == (20, 1)


def test_after_a_night_in_which_columns_meant_something_else_all_is_read_again(table_night, caller, versioned, texts):
    source = versioned(texts[:10], more=[sa.Column("甲", sa.Text), sa.Column("乙", sa.Text)])
    caller.run("""UPDATE "工单" SET "甲" = '城关区', "乙" = '教育局'""")
    options = {**VERSION, "write": False}
    table_night(source, columns={"unit": ["甲"], "district": ["乙"]}, **options)
    assert table_night(source, columns={"unit": ["乙"], "district": ["甲"]}, **options).read == 10
    from pipeline.desk.models import Document

    assert set(Document.objects.values_list("unit", "district")) == {("教育局", "城关区")}
