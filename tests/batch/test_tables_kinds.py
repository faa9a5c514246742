"""What only some databases have, and other shapes of the same night."""

import pytest
import sqlalchemy as sa

from pipeline.batch.worker import SPARE

postgres = pytest.mark.parametrize("store", ["postgres"], indirect=True)
sqlite = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


@postgres
def test_a_schema_is_part_of_the_address(table_night, caller, texts):
    caller.run('CREATE SCHEMA "热 线"')
    caller.run('CREATE TABLE "热 线"."工单" ("编号" INTEGER PRIMARY KEY, "内容" TEXT)')
    caller.run(sa.text('INSERT INTO "热 线"."工单" VALUES (:i, :t)'), [{"i": i, "t": t} for i, t in enumerate(texts)])
    assert table_night(caller.source(table="工单", schema="热 线")).new == 40
    assert table_night(caller.source(table="工单", schema="热 线"), tables={"result": "分"}).unchanged == 40
    assert caller.run('SELECT count("zuofeng_问题分") FROM "热 线"."工单"') == [(40,)]
    assert caller.run('SELECT count("zuofeng_问题分") FROM "热 线"."分"') == [(40,)]


@postgres
@pytest.mark.parametrize("kind", ["CHAR(9)", "NUMERIC(12)", 'VARCHAR(9) COLLATE "POSIX"', "SMALLINT", "TEXT"])
def test_keys_that_sort_by_rules_of_their_own(table_night, caller, texts, kind):
    caller.run(f'CREATE TABLE "工单" ("编号" {kind} PRIMARY KEY, "内容" TEXT)')
    keys = [str(n) if "CHAR" not in kind and kind != "TEXT" else f"{'aBcÀz'[n % 5]}{n}" for n in range(0, 4000, 100)]
    typed = [int(k) for k in keys] if keys[0] == "0" else keys
    rows = [{"i": k, "t": t} for k, t in zip(typed, texts, strict=True)]
    caller.run(sa.text('INSERT INTO "工单" VALUES (:i, :t)'), rows)
    assert table_night(caller.source(table="工单")).new == 40
    assert caller.run('SELECT count("zuofeng_问题分") FROM "工单"') == [(40,)]
    assert table_night(caller.source(table="工单")).unchanged == 40


@postgres
def test_blanks_that_fill_a_key_up_are_no_part_of_its_number(table_night, caller, texts):
    from pipeline.desk.models import Document

    caller.run('CREATE TABLE "工单" ("区" CHAR(6), "编号" CHAR(9) NOT NULL, "内容" TEXT, PRIMARY KEY ("区", "编号"))')
    keys = [(f"区{i % 3}", f"K{i}") for i in range(40)]
    rows = [{"d": d, "k": k, "t": t} for (d, k), t in zip(keys, texts, strict=True)]
    caller.run(sa.text('INSERT INTO "工单" VALUES (:d, :k, :t)'), rows)
    assert table_night(caller.source(table="工单")).new == 40
    assert {*Document.objects.values_list("key", flat=True)} == {f"{d}/{k}" for d, k in keys}
    assert caller.run('SELECT count("zuofeng_问题分") FROM "工单"') == [(40,)]
    # The caller joins the results by the key as it reads.
    report = table_night(caller.source(table="工单"), tables={"result": "分"})
    assert (report.unchanged, caller.run('SELECT count(*) FROM "工单" JOIN "分" USING ("区", "编号")')) == (40, [(40,)])
    caller.run("INSERT INTO \"工单\" VALUES ('', '', '无号')")
    assert table_night(caller.source(table="工单")).reasons == {"ZF-REC-KEY": 1}


@postgres
def test_partitions_and_materialized_views(table_night, caller, texts):
    caller.run('CREATE TABLE "工单" ("编号" INTEGER PRIMARY KEY, "内容" TEXT) PARTITION BY RANGE ("编号")')
    for start in (0, 20):
        caller.run(f'CREATE TABLE p{start} PARTITION OF "工单" FOR VALUES FROM ({start}) TO ({start + 20})')
    caller.run(sa.text('INSERT INTO "工单" VALUES (:i, :t)'), [{"i": i, "t": t} for i, t in enumerate(texts)])
    assert table_night(caller.source(table="工单")).new == 40
    assert caller.run('SELECT count("zuofeng_问题分") FROM p20') == [(20,)]
    caller.run('CREATE MATERIALIZED VIEW "快照" AS SELECT "编号", "内容" FROM "工单" WHERE "编号" < 9')
    report = table_night(caller.source(table="快照"), tables={"result": "快照分"})
    assert (report.unchanged, caller.run('SELECT count(*) FROM "快照分"')) == (9, [(9,)])


@postgres
@pytest.mark.parametrize(
    ("kind", "odd"),
    [
        ("DATE", "infinity"),
        ("TIMESTAMP", "20221-01-05 08:00:00"),
        ("TIMESTAMPTZ", "-infinity"),
        ("DATE", "0044-03-15 BC"),
        ("TIME", "24:00:00"),
        ("TIMETZ", "24:00:00+00"),
        ("INTERVAL", "9999999 years"),
        ("TIMESTAMP[]", '{"infinity"}'),
    ],
)
def test_a_time_out_of_range_costs_no_row(table_night, caller, texts, kind, odd):
    caller.make("工单", list(enumerate(texts)))
    caller.run(f'ALTER TABLE "工单" ADD "时间" {kind}')
    caller.run(sa.text(f'UPDATE "工单" SET "时间" = CAST(:t AS {kind}) WHERE "流水号" = 17'), {"t": odd})  # noqa: S608
    report = table_night(caller.source(table="工单"), columns={"time": ["时间"]}, write=False)
    assert (report.new, report.rejected, report.unreadable) == (40, 0, [])
    from pipeline.desk.models import Document

    received = dict(Document.objects.values_list("key", "received"))
    assert received["17"].strip('[]"') == odd.strip('{}"')
    assert {r for k, r in received.items() if k != "17"} == {""}


@postgres
def test_times_within_range_are_read_as_ever(table_night, caller, texts):
    caller.make("工单", list(enumerate(texts[:3])))
    caller.run('ALTER TABLE "工单" ADD "时间" TIMESTAMP')
    caller.run('UPDATE "工单" SET "时间" = \'2026-03-02 04:05:06.5\'')
    table_night(caller.source(table="工单"), columns={"time": ["时间"]}, write=False)
    from pipeline.desk.models import Document

    assert {*Document.objects.values_list("received", flat=True)} == {"2026-03-02 04:05:06.500000"}


@postgres
@pytest.mark.parametrize(
    ("kind", "given", "read"),
    [
        ("TIMESTAMPTZ", "2026-03-02 04:05:06+00", "2026-03-02 04:05:06+00:00"),
        ("TIMESTAMP", "2026-03-02 04:05:06", "2026-03-02 04:05:06"),
        ("DATE", "2026-03-02", "2026-03-02"),
        ("INTERVAL", "1 day 02:03:04", "1 day, 2:03:04"),
    ],
)
def test_how_a_role_writes_times_makes_no_difference(table_night, caller, texts, kind, given, read):
    caller.make("工单", list(enumerate(texts[:3])))
    caller.run(f'ALTER TABLE "工单" ADD "时间" {kind}')
    caller.run(sa.text(f'UPDATE "工单" SET "时间" = CAST(:t AS {kind})'), {"t": given})  # noqa: S608
    [(name,)] = caller.run("SELECT current_database()")
    for style in ("timezone = 'UTC'", "datestyle = 'German, DMY'", "intervalstyle = 'sql_standard'"):
        caller.run(f"ALTER DATABASE {name} SET {style}")
    report = table_night(caller.source(table="工单"), columns={"time": ["时间"]}, write=False)
    assert (report.new, report.rejected, report.unreadable) == (3, 0, [])
    from pipeline.desk.models import Document

    assert {*Document.objects.values_list("received", flat=True)} == {read}


@sqlite
def test_texts_of_any_encoding_and_keys_of_any_type(table_night, caller, texts):
    caller.run('CREATE TABLE "工单" ("编号" PRIMARY KEY, "内容")')
    rows = [{"i": i if i % 2 else f"k{i}", "t": t} for i, t in enumerate(texts[:20])]
    caller.run(sa.text('INSERT INTO "工单" VALUES (:i, :t)'), rows)
    # As programs of old left them.
    caller.run(
        sa.text('UPDATE "工单" SET "内容" = CAST(:t AS TEXT) WHERE "编号" = 1'), {"t": texts[1].encode("gb18030")}
    )
    report = table_night(caller.source(table="工单"))
    assert (report.new, report.rejected) == (20, 0)
    from pipeline.desk.models import Document

    assert Document.objects.get(key="1").text == texts[1]
    assert caller.run('SELECT count("zuofeng_问题分") FROM "工单"') == [(20,)]


def test_a_table_goes_into_a_file_too(table_night, caller, texts, tmp_path):
    caller.make("工单", list(enumerate(texts[:10])))
    for _ in range(2):
        table_night(caller.source(table="工单"), write=False, write_back=tmp_path / "out.csv")
        lines = (tmp_path / "out.csv").read_text(encoding="utf-8-sig")
        assert lines.startswith("流水号,内容,zuofeng_问题")
        assert all(text.split("\n")[0][:12] in lines for text in texts[:10])


def test_a_table_that_goes_away_in_mid_run_is_named_and_what_was_read_counts(
    table_night, caller, texts, scorer, monkeypatch
):
    caller.make("工单", list(enumerate(texts)))
    score, calls = scorer.score, []

    def drops(documents, **more):
        calls.append(1)
        if len(calls) == 2:
            caller.run('ALTER TABLE "工单" RENAME TO "别的"')
        return score(documents, **more)

    monkeypatch.setattr(scorer, "score", drops)
    report = table_night(caller.source(table="工单"), write=False)
    # Before the second chunk of seven is scored, those behind it may have been read that are to wait for it, and one
    # more if the first was written by then.
    assert report.new in range(14, 14 + 7 * (SPARE + 2), 7)
    assert report.exit_code == 1
    assert [u["code"] for u in report.unreadable] == ["ZF-TAB-MISSING"]
