"""What an operator is told of a store and its nights."""

import datetime as dt

import pytest

from pipeline.batch.doctor import examine
from pipeline.settings import load_settings

NOW = dt.datetime(2026, 11, 26, 7, tzinfo=dt.UTC)


@pytest.fixture
def found(store, tmp_path):
    """What the doctor says under a name, and whether it is in order."""

    def look(name, **options):
        settings = load_settings(tmp_path, **{"store": store, "source": "/来件", **options})
        return [(f.said, not f.todo) for f in examine(settings, now=NOW) if f.name == name]

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


def test_what_was_read_once_is_not_expected_again(found):
    ran("/补录", 300)
    ran("/来件", 5)
    assert [fine for _, fine in found("昨夜")] == [True]
    assert [fine for _, fine in found("昨夜", source="")] == [True]


def test_a_source_is_known_without_its_password(found):
    ran("postgresql+psycopg://u@h/db?table=t", 5)
    ((said, fine),) = found("昨夜", source="postgresql://u:qinghua@h/db?table=t")
    assert (fine, "qinghua" in said) == (True, False)
