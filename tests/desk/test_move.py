"""The embedded store brought into PostgreSQL, by the command."""

import pytest

from pipeline.batch.move import move
from pipeline.cli.move import command
from pipeline.errors import ConfigError
from pipeline.settings import load_settings


def contents():
    """Every row of the open store by table."""
    from django.apps import apps

    models = [m for app in ("desk", "otp_totp", "otp_static") for m in apps.get_app_config(app).get_models()]
    rows = {}
    for model in models:
        names = [f.attname for f in model._meta.concrete_fields]
        of = model._base_manager.order_by("pk").values_list(*names)
        rows[model.__name__] = [[bytes(v) if isinstance(v, memoryview) else v for v in row] for row in of]
    return rows


@pytest.mark.parametrize("bare_store", ["postgres"], indirect=True)
def test_an_office_goes_on_in_postgresql_where_it_stood(desk, bare_store, monkeypatch, capsys):
    from django.db import connections

    from pipeline.desk.audit import verify
    from pipeline.desk.configure import open_desk
    from pipeline.desk.tables import AuditEntry, Decision

    first = desk.client("reviewer")
    assert desk.decide(first, desk.case("D001"), note="已电话核实").status_code == 302
    desk.user("senior").staticdevice_set.create(name="备用码").token_set.create(token="abcd1234")
    before = contents()
    assert (len(before["Document"]), len(before["Decision"]), len(before["StaticToken"])) == (40, 1, 1)
    connections.close_all()

    monkeypatch.setenv("ZUOFENG_STORE", bare_store)
    home = desk.settings.home
    command(home=home)
    assert "件 40，打分 40，判定 1，帐号 6" in capsys.readouterr().out
    after = contents()
    added = after["AuditEntry"].pop()
    for kept in ("AuditHead", "Tally"):
        assert len(before.pop(kept)) <= len(after.pop(kept))
    assert after == before
    assert "store.move" in added

    settings = load_settings(home, desk={"second_percent": 0})
    open_desk(settings)
    assert verify()[2] == []
    assert "D003" in desk.client("senior").get("/queue?q=D003").content.decode()
    assert desk.decide(desk.client("reviewer"), desk.case("D002")).status_code == 302  # rows get numbers of their own
    assert Decision.objects.count() == 2
    there = AuditEntry.objects.count()
    with pytest.raises(ConfigError, match="已经有内容"):
        command(home=home)
    assert AuditEntry.objects.count() == there


def test_a_store_is_moved_into_postgresql_only_and_from_one_that_is_there(desk, tmp_path):
    state = desk.settings.path("state")
    with pytest.raises(ConfigError, match="还是内嵌的") as e:
        command(home=desk.settings.home)
    assert e.value.code == "ZF-MOVE-TO"
    with pytest.raises(ConfigError) as e:
        move(old=tmp_path / "没有.sqlite3", new="postgresql://nobody@127.0.0.1:1/none", state=state)
    assert e.value.code == "ZF-STORE-NONE"
    assert not (tmp_path / "没有.sqlite3").exists()
