"""Rules of the office beside the model: they order and explain, and decide nothing."""

import os
from pathlib import Path
from unittest.mock import Mock

import pytest

from pipeline.desk.blind import put_into_queue
from pipeline.desk.cases import refresh, refresh_if_new
from pipeline.desk.second_opinion import check_rules, look_on
from pipeline.desk.serve import make_server
from pipeline.errors import ConfigError


@pytest.fixture
def ruled(desk, taxonomy):
    """A desk with two rules; every document speaks of a hotline, every fourth of its own number."""

    def write(*rules, stamp=0):
        path = desk.settings.home / "corpora" / "rules.toml"
        path.write_text("".join(f'[[rule]]\nlabel = "{i}"\nphrases = ["{p}"]\n' for i, p in rules), encoding="utf-8")
        os.utime(path, ns=(stamp, stamp))

    write((taxonomy.columns[5][1], "打12345热线没人接"), (taxonomy.columns[6][1], "低保复核"))
    desk.write_rules = write
    return desk


def listed(client, order="against"):
    refresh_if_new()
    return [r["case"].document.key for r in client.get(f"/queue?order={order}").context["rows"]]


def test_without_rules_nothing_is_asked_and_nothing_shown(desk):
    assert look_on() == 0
    client = desk.client("senior")
    assert listed(client) == []
    assert "规则另有说法，模型没有判" not in client.get("/documents/1").content.decode()


def test_where_the_rules_say_more_the_queue_begins(ruled):
    client = ruled.client("senior")
    first = listed(client)
    assert first[0] == "D001"
    assert len(first) == 30
    page = client.get("/documents/1").content.decode()
    assert "规则另有说法，模型没有判" in page
    assert "（低保复核）" in page
    assert client.get("/queue").context["rows"][0]["case"].document.key != "D001"


def test_pages_in_this_order_join(ruled):
    client = ruled.client("senior")
    listed(client)
    seen, query = [], "order=against"
    while query:
        context = client.get(f"/queue?{query}").context
        seen += [r["case"].document.key for r in context["rows"]]
        query = context["more"]
    assert len(seen) == len(set(seen)) == ruled.case("D001").__class__.objects.filter(state="open").count()


def test_what_the_model_says_too_is_no_objection(ruled, taxonomy):
    label = taxonomy.columns[0][1]
    assert label in {d["id"] for some in ruled.case("D001").prediction.decided.values() for d in some}
    ruled.write_rules((label, "低保复核"), stamp=1)
    assert listed(ruled.client("senior")) == []


def test_changed_rules_and_changed_texts_are_looked_at_again(ruled, taxonomy):
    client = ruled.client("senior")
    assert "D002" in listed(client)
    ruled.write_rules((taxonomy.columns[6][1], "低保复核"), stamp=1)
    assert listed(client) == ["D001"]

    ruled.add("D001", "换了一件事，与从前不同。")
    refresh()
    assert look_on() == 1
    assert listed(client) == []


def test_personal_data_in_what_a_rule_found_stays_masked(ruled, taxonomy):
    ruled.write_rules((taxonomy.columns[6][1], "13900000000"), stamp=1)
    page = ruled.client("reviewer").get("/documents/1").content.decode()
    assert "13900000000" not in page


def test_rules_that_went_wrong_leave_those_before_and_stop_a_start(ruled, caplog):
    client = ruled.client("senior")
    before = listed(client)
    ruled.write_rules(("no-such-label", "x"), stamp=2)
    assert listed(client) == before
    assert "规则有错" in caplog.text
    with pytest.raises(ConfigError) as e:
        make_server(ruled.settings, port=0)
    assert e.value.code == "ZF-RULES-INVALID"


def test_rules_that_cannot_be_read_leave_those_before_until_they_can(ruled, taxonomy, monkeypatch):
    """A new file that is root's alone; the tests may be root's too, who reads everything."""
    client = ruled.client("senior")
    before = listed(client)
    ruled.write_rules((taxonomy.columns[6][1], "低保复核"), stamp=2)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", Mock(side_effect=PermissionError(13, "Permission denied")))
        assert "规则另有说法，模型没有判" in client.get("/documents/1").content.decode()
        with pytest.raises(ConfigError) as e:
            check_rules()
        assert e.value.code == "ZF-RULES-READ"
    assert len(before) > len(listed(client)) == 1


def test_where_it_is_judged_blind_neither_objection_nor_change_shows(ruled):
    client = ruled.client("senior")
    assert "D001" in listed(client)
    put_into_queue({"D001": 0.5}, "s", actor="an")
    assert "D001" not in listed(client)
    case = ruled.case("D001")
    assert "规则另有说法，模型没有判" not in client.get(f"/documents/{case.pk}").content.decode()
    # Somebody who is not sure leaves it to a third person, who judges blind too.
    ruled.decide(client, case, action="unsure")
    case = ruled.case("D001")
    assert (case.state, case.unseen) == ("disputed", True)
    assert "D001" not in listed(client)
    assert "规则另有说法，模型没有判" not in client.get(f"/documents/{case.pk}").content.decode()


def test_what_people_changed_blind_is_listed_when_it_is_done(ruled):
    put_into_queue({"D001": 0.5}, "s", actor="an")
    client, case = ruled.client("reviewer"), ruled.case("D001")
    ruled.decide(client, case, action="reject")

    def changed():
        return [r["case"].pk for r in client.get("/queue?state=all&said=changed").context["rows"]]

    assert changed() == [case.pk]
    case.__class__.objects.filter(pk=case.pk).update(state="disputed")
    assert changed() == []
