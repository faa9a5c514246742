import shutil

import pytest
from desk.conftest import Desk
from desk.stores import both_stores, on_postgres
from django.conf import settings
from django.db import DatabaseError, connection, connections

from pipeline.desk import audit
from pipeline.desk.audit import record, verify
from pipeline.desk.configure import embedded_file, open_desk, open_store
from pipeline.desk.tables import AuditEntry, AuditHead
from pipeline.settings import load_settings


def leave_a_trail(desk):
    client = desk.client("reviewer")
    for number in (1, 2, 3):
        client.get(f"/documents/{number}")
    desk.decide(client, desk.case("D001"))


@pytest.fixture(scope="module")
def trailed(desk_home, taxonomy, tmp_path_factory):
    """The file of a store with a trail, to copy."""
    home = tmp_path_factory.mktemp("trailed") / "home"
    shutil.copytree(desk_home, home)
    settings = load_settings(home, desk={"second_percent": 0})
    open_desk(settings, bring_up=False)
    leave_a_trail(Desk(settings, taxonomy.columns))
    connections.close_all()
    return embedded_file(settings.store_url)


@pytest.fixture
def trail(trailed, desk):
    """A trail with something in it."""
    if file := embedded_file(desk.settings.store_url):
        shutil.copy(trailed, file)
    else:
        leave_a_trail(desk)
    return desk


def sql(statement, *parameters):
    """As somebody would who holds the database but not the secret, with the guards taken off."""
    with connection.cursor() as cursor:
        for verb in ("update", "delete"):
            cursor.execute(f"DROP TRIGGER IF EXISTS zuofeng_audit_no_{verb}")
        cursor.execute(statement, parameters)


def test_an_untouched_trail_holds(trail):
    length, seal, broken = verify()
    assert broken == []
    assert length == AuditEntry.objects.count() >= 4
    assert seal == AuditEntry.objects.order_by("-number").first().seal


@both_stores
def test_a_trail_that_grows_while_it_is_read_holds(trail, monkeypatch):
    proof = audit._seal

    def grow(before, entry):
        monkeypatch.setattr(audit, "_seal", proof)
        audit.record("document.see", "D002")
        return proof(before, entry)

    monkeypatch.setattr(audit, "_seal", grow)
    length, _, broken = audit.verify()
    assert broken == []
    assert AuditEntry.objects.count() == length + 1


def test_an_end_that_was_put_back_is_found(trail):
    old = AuditHead.objects.get()
    trail.client("reviewer").get("/documents/4")
    old.save()
    assert [b.what.partition("：")[0] for b in verify()[2]] == ["末尾与链头不符"]


@pytest.mark.parametrize("field", ["at", "gesture", "actor", "action", "target", "address", "detail", "seal"])
def test_any_changed_field_is_found(trail, field):
    sql(f"UPDATE zuofeng_audit SET {field} = '\"x\"' WHERE number = 2")  # noqa: S608
    assert 2 in [b.number for b in verify()[2]]


@pytest.mark.parametrize("which", ["= 1", "= 3", "in (2, 3)", "= (SELECT max(number) FROM zuofeng_audit)", "> 0"])
def test_any_missing_entry_is_found(trail, which):
    sql(f"DELETE FROM zuofeng_audit WHERE number {which}")  # noqa: S608
    assert verify()[2]


def test_a_forged_end_is_found(trail):
    last = AuditEntry.objects.order_by("-number")[1]
    sql("DELETE FROM zuofeng_audit WHERE number > %s", last.number)
    sql("UPDATE zuofeng_audit_head SET number = %s, seal = %s", last.number, last.seal)
    assert [b.what for b in verify()[2]] == ["链头被改过"]


@pytest.mark.parametrize("lived_on", [False, True], ids=["at once", "after it went on"])
def test_a_trail_that_was_emptied_together_with_its_head_is_found(trail, lived_on):
    sql("DELETE FROM zuofeng_audit")
    sql("UPDATE zuofeng_audit_head SET number = 0, seal = '', proof = ''")
    if lived_on:
        # Long after the decision that the store still holds.
        sql("DROP TRIGGER zuofeng_decision_no_update")
        sql("UPDATE zuofeng_decision SET at = '2026-08-01 10:00:00'")
        record("document.see", "D001")
    assert [b.what.partition("：")[2] for b in verify()[2]] == ["此前的留痕不见了"]


def test_a_store_in_which_nothing_ever_happened_has_nothing_to_miss(store):
    open_store(store, bring_up=False)

    assert verify() == (0, "", [])


def test_an_entry_put_in_by_hand_is_found(trail):
    sql("INSERT INTO zuofeng_audit SELECT number + 100, at, gesture, actor, action, target, address, detail, seal "
        "FROM zuofeng_audit WHERE number = 1")  # fmt: skip
    assert verify()[2]


@pytest.mark.parametrize("table", ["audit", "decision", "note", "worksheet"])
@pytest.mark.parametrize("verb", ["UPDATE zuofeng_{} SET gesture = 'x'", "DELETE FROM zuofeng_{}"])
def test_the_database_itself_refuses_changes(trail, table, verb):
    statement = verb.format(table) if table in ("audit", "decision") else f"DELETE FROM zuofeng_{table}"  # noqa: S608
    if table == "note":
        trail.client("reviewer").post("/documents/1/note", {"text": "留话"})
    if table == "worksheet":
        from pipeline.desk.tables import Worksheet

        Worksheet.objects.create(document_id=1, by=trail.user("senior"))
    with connection.cursor() as cursor, pytest.raises(DatabaseError, match="append only"):
        cursor.execute(statement)


@on_postgres
def test_the_database_itself_refuses_to_empty_a_table(desk):
    for table in ("audit", "decision", "note", "worksheet"):
        with connection.cursor() as cursor, pytest.raises(DatabaseError, match="append only"):
            cursor.execute(f"TRUNCATE zuofeng_{table} CASCADE")


def test_an_action_without_a_name_is_never_written(desk):
    with pytest.raises(KeyError):
        record("review.shrug")


def test_one_request_is_one_gesture(desk):
    desk.add("X1", "同一段话，跑了五趟", title="甲")
    desk.add("X2", "同一段话，跑了五趟", title="乙")
    client = desk.client("reviewer")
    client.get("/queue")
    desk.decide(client, desk.case("X1"), together="on")
    entries = AuditEntry.objects.filter(action="review.confirm")
    assert {e.target for e in entries} == {"X1", "X2"}
    assert len({e.gesture for e in entries}) == 1
    assert {(e.actor, e.address) for e in entries} == {("reviewer", "127.0.0.1")}


def test_the_auditor_filters_reads_and_verifies(trail):
    client = trail.client("auditor")
    page = client.get("/audit", {"target": "D001", "action": "review.confirm"})
    assert [e.actor for e, _ in page.context["entries"]] == ["reviewer"]
    assert "留痕完好" in client.post("/audit/verify").content.decode()
    sql("UPDATE zuofeng_audit SET actor = 'x' WHERE number = 1")
    assert "1 处不符" in client.post("/audit/verify").content.decode()


def test_a_trail_is_sealed_with_the_secret_of_its_desk(trail):
    settings.SECRET_KEY = "another" * 10
    assert verify()[2]
