"""Addresses: what is wrong with them is said, and what is secret in them is not."""

import json
import logging

import pytest
import sqlalchemy as sa
from callers import Caller

from pipeline.batch.nightly import nightly
from pipeline.batch.patience import Patience
from pipeline.batch.sources import ColumnMap, Limits
from pipeline.batch.tables import Address
from pipeline.errors import ConfigError, SourceError, UnfinishedError, ZuofengError
from pipeline.table_settings import TableSettings

SECRET = "pa#ss:wort@1"
QUOTED = "pa%23ss%3Awort%401"


@pytest.fixture
def night(scorer, tmp_path):
    def run(source, *, store=f"sqlite:///{tmp_path / 'store.sqlite3'}", seconds=0.2, **options):
        return nightly(
            source=source, scorer=scorer, store=store, state=tmp_path / "state", columns=ColumnMap(), limits=Limits(),
            patience=Patience(seconds, longest_pause=0.02),
            **{"write_tables": True, "tables": TableSettings(), **options},
        )  # fmt: skip

    return run


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
def test_a_password_is_neither_stored_nor_printed(night, store, texts, tmp_path, caplog):
    """Every table of the store, every file of the run, every log line, every message."""
    caplog.set_level(logging.DEBUG)
    caller = Caller(store)
    caller.make("工单", [*enumerate(texts), (-1, None)], key=("id",), text="text")
    user = sa.make_url(store).username
    source = store.replace(f"{user}:@", f"{user}:{QUOTED}@", 1)
    assert source != store
    said = [str(vars(night(f"{source}&table=工单&password={QUOTED}", store=store)))]
    for wrong in (f"{source}&table=没有", f"{source}&table=工单&query=x", f"{source}&table=工单&nonsense={QUOTED}"):
        with pytest.raises(ZuofengError) as e:
            night(wrong, store=store)
        said.append(str(e.value))
    for table in sa.inspect(caller.engine).get_table_names():
        said += map(str, caller.run(sa.select(sa.text("*")).select_from(sa.table(table))))
    said += [
        p.read_text(encoding="utf-8-sig") for p in (tmp_path / "state").rglob("*") if p.suffix in (".json", ".csv")
    ]
    said += [json.dumps(r.__dict__, default=str) + r.getMessage() for r in caplog.records]
    assert any("table=工单" in s for s in said)
    assert [s for s in said if SECRET in s or QUOTED in s or "ss:wort" in s] == []


@pytest.fixture
def texts(some_gold):
    return [g.text for g in some_gold[:5]]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (f"postgresql://u:{SECRET}@h/db?table=t", "ZF-TAB-URL"),
        (f"postgresql://u:{QUOTED}@h:port/db?table=t", "ZF-TAB-URL"),
        (f"mysql+pymysql://u:{QUOTED}@h/db?table=t", "ZF-TAB-DRIVER"),
        (f"nosuch://u:{QUOTED}@h/db?table=t", "ZF-TAB-DRIVER"),
        (f"postgresql://u:{QUOTED}@127.0.0.1:9/db?table=t", "ZF-TAB-DOWN"),
        (f"postgresql://u:{QUOTED}@h/db", "ZF-TAB-URL"),
        ("sqlite:////nowhere/at/all.db?table=t", "ZF-TAB-URL"),
        ("sqlite://?table=t", "ZF-TAB-URL"),
    ],
)
def test_wrong_addresses_have_a_code_and_no_secret(night, address, said):
    with pytest.raises((ConfigError, SourceError, UnfinishedError)) as e:
        night(address)
    assert e.value.code == said
    assert e.value.hint
    for secret in (SECRET, QUOTED, "wort"):
        assert secret not in str(e.value)


def test_a_file_that_is_no_database_is_said_to_be_none(night, tmp_path):
    path = tmp_path / "a.db"
    path.write_bytes(b"no database at all, but long enough to look like one" * 40)
    with pytest.raises(SourceError, match="ZF-TAB-URL"):
        night(f"sqlite:///{path}?table=t")
    path.write_bytes(b"")
    with pytest.raises(SourceError, match="ZF-TAB-MISSING"):
        night(f"sqlite:///{path}?table=t")


def test_a_file_source_has_no_table_to_write_to(night, write_jsonl):
    with pytest.raises(ConfigError, match="ZF-TAB-WRITE"):
        night(str(write_jsonl("a.jsonl", [{"id": "1", "text": "路灯坏了"}])))


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
def test_rights_that_are_missing_are_named_before_scoring(night, store, texts, scorer):
    caller = Caller(store)
    caller.make("工单", [(1, "路灯坏了没人修")], key=("id",), text="text", more=[sa.Column("说明", sa.Text)])
    caller.run("DROP ROLE IF EXISTS clerk")
    caller.run("CREATE ROLE clerk LOGIN")
    source = store.replace(f"{sa.make_url(store).username}:@", "clerk:x@", 1) + "&table=工单"
    only_note = {"tables": TableSettings(write={"note": "说明"})}
    with pytest.raises(SourceError, match="ZF-TAB-DENIED"):
        night(source, store=store, write_tables=False)
    caller.run('GRANT SELECT ON "工单" TO clerk')
    assert night(source, store=store, write_tables=False).new == 1
    with pytest.raises(SourceError, match="ZF-TAB-DENIED"):
        night(source, store=store, **only_note)
    caller.run('GRANT UPDATE ("说明") ON "工单" TO clerk')
    assert night(source, store=store, **only_note).unchanged == 1
    with pytest.raises(SourceError, match="ZF-TAB-DENIED"):
        night(source, store=store)
    caller.run('DROP TABLE "工单"')
    caller.run("DROP ROLE clerk")


def test_what_is_shown_names_the_place_and_nothing_else():
    shown = Address.parse(f"postgresql://u:{QUOTED}@h:5433/db?table=工单&schema=热线&sslpassword={QUOTED}&host=x").shown
    assert shown == "postgresql+psycopg://u@h:5433/db?table=工单&schema=热线"
