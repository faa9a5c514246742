import contextlib
import datetime as dt
import json
import sqlite3

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.corpus.gold import read_gold
from pipeline.desk import reviews
from pipeline.desk.cases import refresh
from pipeline.desk.configure import embedded_file
from pipeline.desk.reviews import take_reviews
from pipeline.desk.tables import AuditEntry, Decision


@pytest.fixture
def read(desk, taxonomy):
    return lambda **days: take_reviews(taxonomy, actor="分析员甲", **days)


@pytest.fixture
def twice(desk):
    """Everything is read by two people."""
    desk.reopen(second_percent=100)
    desk.add_user("second", "reviewer")
    return desk.client("reviewer"), desk.client("second")


def test_who_when_and_masked_text_go_on_record(desk, read):
    first = desk.columns[0][1]
    desk.decide(desk.client("reviewer"), desk.case("D001"), labels=[first])
    found = read()
    (item,) = found.items
    assert (item.gold.id, item.by, item.sure) == ("D001", "reviewer", None)
    assert [x for labels in item.gold.labels.values() for x in labels] == [first]
    given = desk.case("D001").document.text
    assert len(item.gold.text) == len(given)
    assert "139" in given
    assert "139" not in item.gold.text
    assert dt.datetime.fromisoformat(item.at) == Decision.objects.get().at.replace(microsecond=0)
    entry = AuditEntry.objects.order_by("-number").first()
    assert (entry.actor, entry.action, entry.target) == ("分析员甲", "reviews.read", "1 件")


def test_a_first_decision_is_kept_until_the_second_person_has_spoken(desk, read, twice):
    one, two = twice
    first, other = desk.columns[0][1], desk.columns[1][1]
    desk.decide(one, desk.case("D001"), labels=[first])
    assert read().items == ()
    assert read().passed == ("D001 -> 待第二人",)
    desk.decide(two, desk.case("D001"), labels=[first])
    (item,) = read().items
    assert (item.by, item.sure) == ("reviewer、second", 1.0)
    desk.decide(one, desk.case("D002"), labels=[first])
    desk.decide(two, desk.case("D002"), labels=[other])
    assert read().passed == ("D002 -> 待裁定",)
    desk.decide(desk.client("senior"), desk.case("D002"), labels=[other])
    item = read().items[1]
    assert (item.by, item.sure) == ("second、senior", 0.6667)
    assert [x for labels in item.gold.labels.values() for x in labels] == [other]


def test_what_was_taken_back_or_has_another_text_is_passed_over(desk, read):
    client = desk.client("reviewer")
    desk.decide(client, desk.case("D001"))
    desk.decide(client, desk.case("D002"))
    client.post("/undo")
    assert [i.gold.id for i in read().items] == ["D001"]
    desk.add("D001", "换成了另一篇原文，说的是另一件事。")
    assert "更新" in read().passed[0]
    refresh()
    assert read().items == ()
    assert len(read().passed) == 2


def test_while_they_are_read_people_go_on_deciding(desk, read, monkeypatch):
    desk.decide(desk.client("reviewer"), desk.case("D001"))
    with contextlib.closing(sqlite3.connect(embedded_file(desk.settings.store_url), timeout=0)) as other:

        def masked(text):
            other.execute("BEGIN IMMEDIATE")
            other.rollback()
            return text

        monkeypatch.setattr(reviews, "masked", masked)
        assert len(read().items) == 1


def test_days_bound_the_last_word(desk, read):
    desk.decide(desk.client("reviewer"), desk.case("D001"))
    today = dt.datetime.now(dt.timezone(dt.timedelta(hours=8))).date()
    assert len(read(since=today, until=today).items) == 1
    assert read(since=today + dt.timedelta(1)).items == ()
    assert read(until=today - dt.timedelta(1)).items == ()


def test_the_file_is_read_by_snapshot_and_gold(desk, taxonomy, tmp_path):
    client = desk.client("reviewer")
    for n in range(1, 6):
        desk.decide(client, desk.case(f"D00{n}"))
    out = tmp_path / "复核.jsonl"
    done = CliRunner().invoke(app, ["corpus", "reviews", "--out", str(out), "--home", str(desk.settings.home)])
    assert done.exit_code == 0, done.output
    assert "5 件" in done.output
    assert [json.loads(line)["by"] for line in out.read_text(encoding="utf-8").splitlines()] == ["reviewer"] * 5
    assert {g.id for g in read_gold([out], taxonomy)} == {f"D00{n}" for n in range(1, 6)}
    taken = CliRunner().invoke(
        app, ["corpus", "snapshot", str(out), "--out", str(tmp_path / "s"), "--home", str(desk.settings.home)]
    )
    assert taken.exit_code == 0, taken.output
    about = json.loads(next((tmp_path / "s").glob("*/snapshot.json")).read_text(encoding="utf-8"))
    assert (about["people"], about["judgements"]) == (["reviewer"], 5)
