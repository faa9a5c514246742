"""What an operator is told of a store and its nights."""

import datetime as dt
import os

import pytest

from pipeline.batch.doctor import examine
from pipeline.settings import load_settings

NOW = dt.datetime(2026, 11, 26, 7, tzinfo=dt.UTC)


@pytest.fixture
def found(store, tmp_path):
    """What the doctor says under a name, and whether it is in order."""

    def look(name="", **options):
        settings = load_settings(tmp_path, **{"store": store, "source": "/来件", **options})
        return [(f.said, not f.todo) if name else f.name for f in examine(settings, now=NOW) if name in ("", f.name)]

    look("数据库")
    return look


def ran(source, hours, state="done"):
    from pipeline.desk.models import Run

    serial, then = Run.objects.count() + 1, NOW - dt.timedelta(hours=hours)
    Run(id=f"r{serial}", serial=serial, source=source, model="m", started=then, finished=then, state=state).save()


def test_a_night_on_another_source_hides_no_missing_or_failed_one(found, tmp_path):
    inbox = str(tmp_path / "state" / "api-inbox")
    ran(inbox, 3)
    assert [fine for _, fine in found("昨夜")] == [False, True]
    ran("/来件", 29)
    ran(inbox, 3)
    (main, fine), (other, well) = found("昨夜")
    assert (main.startswith("/来件："), fine, other.startswith(inbox), well) == (True, False, True, True)
    ran("/来件", 5, "failed")
    ran("/补录", 4, "failed")
    ran(inbox, 3)
    assert [fine for _, fine in found("昨夜")] == [False, True, False]


def test_late_is_only_what_was_not_done_for_long(found, store, tmp_path):
    from pipeline.desk.models import Chunk, Run

    def late():
        settings = load_settings(tmp_path, store=store, source="/来件")
        return [(not f.todo, f.late) for f in examine(settings, now=NOW) if f.name == "昨夜"]

    assert late() == [(False, True)]
    ran("/来件", 3, "running")
    assert late() == [(False, False)]
    ran("/来件", 2, "failed")
    assert late() == [(False, False)]
    ran("/来件", 1)
    Chunk(run=Run.objects.first(), source="a", number=1, state="aside", counts={}).save()
    assert late() == [(True, False), (False, False)]
    Run.objects.update(started=NOW - dt.timedelta(hours=30), finished=NOW - dt.timedelta(hours=30))
    ran("/来件", 1, "failed")
    assert late() == [(False, True)]


def test_a_night_that_could_not_read_all_says_so(found):
    from pipeline.desk.models import Run

    ran("/来件", 5)
    Run.objects.update(reason="ZF-SRC-COLUMN")
    ((said, fine),) = found("昨夜")
    assert ("没有读成（ZF-SRC-COLUMN）" in said, fine) == (True, True)


@pytest.mark.parametrize(("state", "said"), [("done", "做完"), ("running", "没有结束"), ("failed", "没有做成")])
def test_how_a_night_ended_is_said_in_chinese(found, state, said):
    ran("/来件", 5, state)
    assert [s for s, _ in found("昨夜")] == [f"/来件：r1 {said}，读入 0，5 小时前"]


# The clock of a real server is not that of these tests.
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_night_that_a_wrong_clock_dated_is_not_so_many_hours_ago(found):
    ran("/来件", -4000)
    assert [s for s, _ in found("昨夜")] == ["/来件：r1 做完，读入 0，记的时间在未来"]
    assert [fine for _, fine in found("时钟")] == [False]
    for hours in range(14, 0, -1):
        ran("/来件", hours)
    ((said, fine),) = found("时钟")
    assert ("r1 那次记的时间在未来" in said, fine) == (True, True)


def test_what_was_read_once_is_not_expected_again(found):
    ran("/补录", 300)
    ran("/来件", 5)
    assert [fine for _, fine in found("昨夜")] == [True]
    assert [fine for _, fine in found("昨夜", source="")] == [True]


def test_a_source_is_known_without_its_password(found):
    ran("postgresql+psycopg://u@h/db?table=t", 5)
    ((said, fine),) = found("昨夜", source="postgresql://u:qinghua@h/db?table=t")
    assert (fine, "qinghua" in said) == (True, False)


def test_a_store_from_before_an_upgrade_is_only_said_to_be_one(found):
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    ran("/来件", 5)
    before = {*found()}
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE zuofeng_run DROP COLUMN program")
    MigrationRecorder(connection).migration_qs.filter(name__gte="0012").filter(app="desk").delete()
    ((said, fine),) = found("表结构")
    assert ("昨夜" in said, fine) == (True, False)
    assert before - {*found()} == {"昨夜", "时钟"}


def test_a_store_that_a_newer_program_brought_up_is_not_called_current(found):
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    ran("/来件", 5)
    assert found("表结构") == [("表结构是最新的", True)]
    MigrationRecorder(connection).record_applied("desk", "9999_tomorrow")
    ((said, fine),) = found("表结构")
    assert ("9999_tomorrow" in said, fine) == (True, False)


def test_a_table_that_cannot_be_read_is_a_finding(found):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE zuofeng_run RENAME COLUMN serial TO other")
    ((said, fine),) = found("昨夜")
    assert ("serial" in said, fine) == (True, False)
    assert "磁盘" in found()


def test_a_mistyped_store_is_not_made(found, tmp_path):
    path = tmp_path / "没有" / "z.sqlite3"
    ((said, fine),) = found("数据库", store=f"sqlite:///{path}")
    assert (str(path) in said, fine, path.parent.exists()) == (True, False, False)
    assert "昨夜" not in found(store=f"sqlite:///{path}")


def test_what_was_put_back_by_another_user_is_found_wherever_it_lies(found, tmp_path, monkeypatch):
    for folder in ("reports", "api-inbox"):
        (tmp_path / "state" / folder).mkdir(parents=True, exist_ok=True)
    (tmp_path / "state").chmod(0o750)
    (tmp_path / "state" / "desk.key").touch()
    assert [fine for _, fine in found("权限")] == [True]
    for name, way in (("reports", os.W_OK), ("api-inbox", os.W_OK), ("desk.key", os.R_OK)):
        closed = tmp_path / "state" / name, way
        monkeypatch.setattr("os.access", lambda path, mode, closed=closed: (path, mode) != closed)
        ((said, fine),) = found("权限")
        assert (str(closed[0]) in said, fine) == (True, False)
