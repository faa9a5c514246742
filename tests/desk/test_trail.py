"""Switches of models stand in the desk's trail, whatever happened to the store in between."""

import shutil

import pytest

from pipeline.desk.audit import verify
from pipeline.desk.configure import open_desk
from pipeline.desk.tables import AuditEntry
from pipeline.desk.trail import note
from pipeline.model.bundle import save_changed
from pipeline.model.promote import first, promote, rollback
from pipeline.model.registry import champion_id
from pipeline.model.runs import record_run
from pipeline.settings import load_settings


@pytest.fixture
def folder(desk, trained, bundle):
    """The desk's home with the small model live and a second one beside it."""
    models = desk.settings.path("models")
    shutil.copytree(trained, models / trained.name)
    other = save_changed(bundle, models, copied=True)
    first(models, trained.name, author="甲", reason="起点")
    return models, other.name


def said():
    rows = AuditEntry.objects.filter(action__startswith="model.").order_by("number")
    return [(e.action, e.target, e.actor, e.detail.get("reason")) for e in rows]


def test_what_the_trail_missed_is_written_later_once_and_in_order(desk, folder, trained):
    models, other = folder
    promote(models, other, author="乙", reason="试试", force=True)
    assert note(desk.settings) == ""
    expected = [("model.first", trained.name, "甲", "起点"), ("model.promote", other, "乙", "试试")]
    assert said() == expected
    rollback(models, author="丙", reason="不好")
    assert note(desk.settings, "corpus.snapshot", "abc", actor="丁") == ""
    assert note(desk.settings) == ""
    assert said() == [*expected, ("model.rollback", trained.name, "丙", "不好")]
    assert verify()[2] == []


def test_a_store_that_is_away_stops_nobody_and_is_caught_up(desk, folder, trained):
    models, other = folder
    home = desk.settings.home
    away = load_settings(home, store="postgresql://nobody@127.0.0.1:9/none")
    promote(models, other, author="乙", reason="试试", force=True)
    assert "127.0.0.1" in note(away)
    rollback(models, author="丙", reason="不好")
    assert champion_id(models) == trained.name
    empty = load_settings(home, store=f"sqlite:///{home / 'none.sqlite3'}")
    assert note(empty) == ""
    assert not (home / "none.sqlite3").exists()
    open_desk(desk.settings, bring_up=False)
    assert note(desk.settings) == ""
    assert [a for a, *_ in said()] == ["model.first", "model.promote", "model.rollback"]


def test_a_training_stands_there_too(desk, folder, trained):
    models, _ = folder
    record_run(models, trained.name, author="甲", sources=[], held_back=0, seconds=1.0)
    note(desk.settings)
    entry = AuditEntry.objects.get(action="model.train")
    assert (entry.actor, entry.target) == ("甲", trained.name)
    assert entry.detail["texts"] > 0
