"""Nights from tables of other people's databases, on both kinds."""

import datetime as dt
import json
import uuid

import pytest
import sqlalchemy as sa

from pipeline.batch.doctor import examine
from pipeline.documents import Document
from pipeline.errors import ConfigError, SourceError
from pipeline.settings import load_settings

#: A name no careless program survives.
ODD = """选"择 select; DROP TABLE 工单; --%s :x"""


def as_scored(scorer, texts):
    return [p.to_dict() for p in scorer.score([Document(str(i), t) for i, t in enumerate(texts)])]


def test_scores_land_beside_their_rows_and_a_second_night_writes_nothing(table_night, caller, texts, scorer):
    caller.make("工单", [(i * 3 - 20, t) for i, t in enumerate(texts)])
    first = table_night(caller.source(table="工单"))
    assert (first.read, first.new, first.exit_code) == (40, 40, 0)
    expected = as_scored(scorer, texts)
    found = caller.rows(
        "工单", "流水号", "zuofeng_问题", "zuofeng_问题分", "zuofeng_模型", "zuofeng_分数", "zuofeng_说明"
    )
    assert [r[0] for r in found] == [i * 3 - 20 for i in range(40)]
    for (_, problem, score, model, scores, note), want in zip(found, expected, strict=True):
        assert (bool(problem), score, model, note) == (want["is_problem"], want["problem_score"], want["model"], None)
        assert json.loads(scores) == want["scores"]
    before = caller.rows("工单")
    caller.count_writes("工单")
    second = table_night(caller.source(table="工单"))
    assert (second.read, second.unchanged) == (40, 40)
    assert caller.rows("工单") == before
    assert caller.writes() == []


def test_changed_rows_are_scored_again_and_only_they_are_written(table_night, caller, texts):
    caller.make("工单", list(enumerate(texts)))
    table_night(caller.source(table="工单"))
    caller.run(sa.text('UPDATE "工单" SET "内容" = :t WHERE "流水号" = 11'), {"t": texts[11] + "至今没有人来。"})
    caller.run('UPDATE "工单" SET "内容" = NULL WHERE "流水号" = 12')
    caller.run(sa.text('INSERT INTO "工单" ("流水号", "内容") VALUES (99, :t)'), {"t": texts[0]})
    caller.count_writes("工单")
    report = table_night(caller.source(table="工单"))
    assert (report.new, report.changed, report.rejected, report.unchanged) == (1, 1, 1, 38)
    assert caller.writes() == ["11", "12", "99"]
    emptied = next(r for r in caller.rows("工单", "流水号", "zuofeng_问题分", "zuofeng_说明") if r[0] == 12)
    assert emptied[1] is None
    assert "ZF-REC-EMPTY" in emptied[2]


def test_a_title_is_not_all_of_a_row_whose_text_stands_in_a_column_of_another_name(table_night, caller, texts):
    long = ["坏了三个月，没人修，打了几次电话。", *texts[:3]]
    caller.make("工单", list(enumerate(long)), text="诉求明细", more=[sa.Column("标题", sa.Text)])
    caller.run('UPDATE "工单" SET "标题" = \'路灯\'')
    for _ in range(2):  # with columns of ours in it, too
        report = table_night(caller.source(table="工单"))
        assert (report.read, report.reasons) == (4, {"ZF-REC-COLUMN": 4})
    notes = [note for _, note in caller.rows("工单", "流水号", "zuofeng_说明")]
    assert all("诉求明细" in note for note in notes)
    mapped = table_night(caller.source(table="工单"), columns={"text": ["诉求明细"]})
    assert (mapped.new, mapped.rejected) == (4, 0)


KEYS = {
    "int": (sa.BigInteger, lambda i: (i * 2**33 - 2**40,)),
    "text": (sa.String(60), lambda i: (f"{'甲乙丙a B%'[i % 7]}-{i}'\"",)),
    "uuid": (sa.Uuid, lambda i: (uuid.UUID(int=i * 7**40 % 2**128),)),
    "two": (sa.String(20), lambda i: (f"区/{i % 3}", f"{i}\\")),
}


@pytest.mark.parametrize("case", KEYS)
def test_keys_of_every_kind_page_through_all_rows(table_night, caller, texts, scorer, case):
    kind, make = KEYS[case]
    names = ("流水号",) if len(make(0)) == 1 else ("区", "流水号")
    records = [(*make(i), t) for i, t in enumerate(texts)]
    caller.make("工单", records, key=names, kind=kind)
    assert table_night(caller.source(table="工单")).new == 40
    want = {text: p["problem_score"] for text, p in zip(texts, as_scored(scorer, texts), strict=True)}
    found = caller.rows("工单", "内容", "zuofeng_问题分")
    assert dict(found) == want
    assert table_night(caller.source(table="工单")).unchanged == 40


def test_odd_names_are_quoted_and_never_run(table_night, caller, texts):
    caller.make("工单", [(1, "别动我")])
    caller.make(ODD, list(enumerate(texts[:9])), key=("order",), text=f"正文 {ODD}")
    write = {"problem": f"是否 {ODD}", "note": "select", "problem_score": "a'b"}
    options = {"columns": {"text": [f"正文 {ODD}"]}, "tables": {"write": write}}
    assert table_night(caller.source(table=ODD), **options).new == 9
    assert table_night(caller.source(table=ODD), **options).unchanged == 9
    assert caller.columns(ODD)[2:] == list(write.values())
    assert all(score is not None for _, score in caller.rows(ODD, "order", "a'b"))
    assert caller.rows("工单") == [(1, "别动我")]


def test_results_go_into_an_own_table_by_the_same_key(table_night, caller, texts, scorer):
    caller.make("工单", list(enumerate(texts)))
    options = {"tables": {"result": "分数", "write": {"problem_score": "分", "note": "说明"}}}
    for new in (40, 0):
        assert table_night(caller.source(table="工单"), **options).new == new
    assert caller.columns("工单") == ["流水号", "内容"]
    want = [p["problem_score"] for p in as_scored(scorer, texts)]
    assert caller.rows("分数", "流水号", "分") == list(enumerate(want))


@pytest.mark.parametrize("query", [False, True])
def test_a_view_and_a_query_are_sources_too(table_night, caller, texts, query):
    caller.make("工单", list(enumerate(texts)))
    select = """SELECT "流水号" AS "编号", "内容" FROM "工单" WHERE "流水号" % 2 = 0 AND '10:30%' LIKE '10:%' -- :end"""
    caller.run(sa.text('CREATE VIEW "双号" AS ' + select.replace(":", "\\:")))
    source = caller.source(query=select + " ;") if query else caller.source(table="双号")
    options = {"tables": {"result": "分数", "prefix": "热线-"}}
    assert table_night(source, **options).new == 20
    assert len(caller.rows("分数")) == 20
    from pipeline.desk.models import Document as Row

    assert set(Row.objects.values_list("key", flat=True)) == {f"热线-{i}" for i in range(0, 40, 2)}
    with pytest.raises(ConfigError, match="ZF-TAB-WRITE"):
        table_night(source)


def test_a_query_cannot_change_anything(table_night, caller, texts):
    caller.make("工单", list(enumerate(texts[:3])))
    for query in (
        'DELETE FROM "工单"',
        'WITH gone AS (DELETE FROM "工单" RETURNING *) SELECT * FROM gone',
        'SELECT 1) x; DELETE FROM "工单"; SELECT * FROM (SELECT 1 AS id, 2 AS text',
    ):
        with pytest.raises(SourceError, match="ZF-TAB-"):
            table_night(caller.source(query=query), write=False)
    assert len(caller.rows("工单")) == 3
    if caller.engine.dialect.name == "postgresql":
        caller.run('CREATE FUNCTION raze() RETURNS int LANGUAGE sql AS $$ DELETE FROM "工单" RETURNING 1 $$')
        with pytest.raises(SourceError, match="ZF-TAB-READONLY"):
            table_night(caller.source(query="SELECT raze() AS id, 'x' AS text"), write=False)
        assert len(caller.rows("工单")) == 3


def test_existing_columns_get_values_of_their_type(table_night, caller, texts, scorer):
    more = [
        sa.Column("旗", sa.Integer), sa.Column("词", sa.String(1)), sa.Column("分", sa.Numeric(4, 2)),
        sa.Column("短", sa.String(6)), sa.Column("单分", sa.Float),
    ]  # fmt: skip
    caller.make("工单", list(enumerate(texts)), more=more)
    label = "scores." + ".".join(scorer.bundle.taxonomy.columns[0])
    write = {"problem": "旗", "review": "词", "problem_score": "分", "evidence": "短", label: "单分"}
    table_night(caller.source(table="工单"), tables={"write": write})
    scheme, name = scorer.bundle.taxonomy.columns[0]
    for row, want in zip(caller.rows("工单"), as_scored(scorer, texts), strict=True):
        _, _, flag, word, score, short, single = row
        assert (flag, word) == (int(want["is_problem"]), "是" if want["review"] else "否")
        assert float(score) == pytest.approx(want["problem_score"], abs=0.006)
        assert len(short) <= 6
        assert single == pytest.approx(want["scores"][scheme][name], abs=1e-6)
    caller.count_writes("工单")
    table_night(caller.source(table="工单"), tables={"write": write})
    assert caller.writes() == []


def test_rows_without_a_usable_key_are_kept_as_rejected(table_night, caller, texts):
    caller.run('CREATE TABLE "工单" ("编号" VARCHAR(300), "内容" TEXT)')
    rows = [(f"k{i}", t) for i, t in enumerate(texts[:10])] + [(None, texts[10]), (None, texts[11]), ("", texts[12])]
    rows.append(("长" * 250, texts[13]))
    caller.run(sa.text('INSERT INTO "工单" VALUES (:k, :t)'), [{"k": k, "t": t} for k, t in rows])
    for new in (10, 0):
        report = table_night(caller.source(table="工单"), chunk=4)
        assert (report.read, report.new, report.rejected) == (14, new, 4)
    from pipeline.desk.models import RejectedRecord

    kept = RejectedRecord.objects.filter(code="ZF-REC-KEY")
    assert sorted(json.loads(r.raw)["内容"] for r in kept) == sorted(texts[10:14])
    caller.run(sa.text('INSERT INTO "工单" ("编号") VALUES (\'k3\')'))
    with pytest.raises(SourceError, match=r"ZF-TAB-KEY-DOUBLE(.|\n)*k3"):
        table_night(caller.source(table="工单"))


def test_with_a_watermark_only_what_came_since_is_read(table_night, caller, texts):
    caller.make("工单", list(enumerate(texts[:30])), more=[sa.Column("版本", sa.Integer)])
    caller.run('UPDATE "工单" SET "版本" = "流水号" * 1000 WHERE "流水号" > 0')
    options = {"tables": {"watermark": "版本"}}
    assert table_night(caller.source(table="工单"), **options).read == 30
    # Of what was there, the last ten thousand numbers and rows without one are read again.
    report = table_night(caller.source(table="工单"), **options)
    assert (report.read, report.unchanged) == (11, 11)
    caller.run('UPDATE "工单" SET "版本" = 90000 WHERE "流水号" = 3')
    report = table_night(caller.source(table="工单"), **options)
    assert report.read == 12
    # The mark is the run's own; another setting, another reading.
    assert table_night(caller.source(table="工单"), tables={"watermark": "版本", "prefix": "x"}).read == 30


def test_a_dry_run_prints_the_statements_and_writes_nothing(table_night, caller, texts):
    caller.make("工单", list(enumerate(texts[:5])))
    report = table_night(caller.source(table="工单"), dry_run=True)
    assert report.new == 5
    verbs = [s.split()[0] for s in report.statements]
    assert verbs == ["SELECT", *["ALTER"] * 9, "UPDATE"]
    assert not any(texts[0][:5] in s for s in report.statements)
    assert caller.columns("工单") == ["流水号", "内容"]
    report = table_night(caller.source(table="工单"), dry_run=True, tables={"result": "分数"})
    assert [s.split()[0] for s in report.statements] == ["SELECT", "CREATE", "INSERT", "UPDATE"]
    assert not sa.inspect(caller.engine).has_table("分数")


def test_what_cannot_be_is_said_with_a_code_before_anything_is_scored(table_night, caller, texts):
    more = [sa.Column("数", sa.Integer), sa.Column("必填", sa.Text, nullable=False, server_default="x")]
    caller.make("工单", list(enumerate(texts[:3])), more=more)
    caller.make("小数", [(1.5, "x")], kind=sa.Float)
    cases = [
        ({"table": "工单子"}, {}, r"ZF-TAB-MISSING(.|\n)*工单"),
        ({"query": "SELECT 没有 FROM 工单"}, {}, "ZF-TAB-COLUMN"),
        ({"query": "SELECTED 1"}, {}, "ZF-TAB-QUERY"),
        ({"query": 'SELECT "内容" FROM "工单"'}, {}, r"ZF-TAB-KEY\]"),
        ({"table": "工单"}, {"key": ["编码"]}, r"ZF-TAB-COLUMN(.|\n)*流水号"),
        ({"table": "小数"}, {}, "ZF-TAB-KEY-TYPE"),
        (
            {"table": "工单"},
            {"write": {"evidence": "数", "note": "必填"}},
            r"ZF-TAB-WRITE-TYPE(.|\n)*数(.|\n)*NOT NULL",
        ),
        ({"table": "工单"}, {"write": {"evidnce": "证据", "note": "内容"}}, r"ZF-TAB-WRITE(.|\n)*evidnce(.|\n)*毁掉"),
        ({"table": "工单"}, {"result": "工单"}, "ZF-TAB-WRITE"),
        ({"table": "工单"}, {"add_columns": False}, r"ZF-TAB-COLUMN(.|\n)*ALTER TABLE"),
        ({"table": "工单"}, {"watermark": "必填"}, "ZF-TAB-WATERMARK"),
        ({"table": "工单", "query": "SELECT 1"}, {}, "ZF-TAB-URL"),
        ({"schema": "main"}, {}, "ZF-TAB-URL"),
    ]
    for query, tables, said in cases:
        with pytest.raises((ConfigError, SourceError), match=said):
            table_night(caller.source(**query), tables=tables)
    assert caller.columns("工单") == ["流水号", "内容", "数", "必填"]


@pytest.mark.parametrize("lacking", ["INSERT", "UPDATE", "SELECT", ""])
@pytest.mark.parametrize("store", ["postgres"], indirect=True)
def test_an_account_that_may_not_write_is_told_before_anything_is_scored(
    table_night, caller, texts, corpora, tmp_path, lacking
):
    from pipeline.desk.models import Document as Row

    caller.make("工单", list(enumerate(texts[:3])))
    options = {"tables": {"result": "分数", "write": {"problem_score": "分"}}}
    caller.run('CREATE TABLE "分数" ("流水号" INTEGER PRIMARY KEY, "分" DOUBLE PRECISION)')
    (tmp_path / "corpora").symlink_to(corpora)
    role = f"writer_{lacking}".lower()
    caller.run(f"CREATE ROLE {role}")
    caller.run(f'GRANT SELECT ON "工单" TO {role}')
    for right in {"INSERT", "UPDATE", "SELECT"} - {lacking}:
        caller.run(f'GRANT {right} ON "分数" TO {role}')
    source = caller.source(table="工单", options=f"-c role={role}")
    settings = load_settings(tmp_path, store=caller.url, source=source, tables=options["tables"])
    (found,) = [f for f in examine(settings, now=dt.datetime.now(dt.UTC)) if f.name == "来源"]
    assert ("ZF-TAB-DENIED" in found.said, bool(found.todo)) == (bool(lacking), bool(lacking))
    if lacking:
        with pytest.raises(SourceError, match=r"ZF-TAB-DENIED(.|\n)*INSERT"):
            table_night(source, **options)
    assert caller.rows("分数") == []
    if not lacking:
        assert table_night(source, **options).new == 3
        assert len(caller.rows("分数")) == 3
    else:
        assert not Row.objects.exists()


def test_a_target_that_fails_sets_chunks_aside_and_the_next_night_writes_them(table_night, caller, texts, monkeypatch):
    caller.make("工单", list(enumerate(texts[:20])))
    if caller.engine.dialect.name == "sqlite":
        fails = 'CREATE TRIGGER no BEFORE UPDATE ON "工单" WHEN NEW."流水号" = 8 BEGIN SELECT RAISE(ABORT, \'no\'); END'
        mend = "DROP TRIGGER no"
    else:
        fails = 'ALTER TABLE "工单" ADD CONSTRAINT no CHECK ("流水号" <> 8) NOT VALID'
        mend = 'ALTER TABLE "工单" DROP CONSTRAINT no'
    caller.run(fails)
    report = table_night(caller.source(table="工单"))
    assert [a["chunk"] for a in report.aside] == [2]
    assert report.exit_code == 1
    scored = [k for k, score in caller.rows("工单", "流水号", "zuofeng_问题分") if score is not None]
    assert scored == [*range(7), *range(14, 20)]
    caller.run(mend)
    assert table_night(caller.source(table="工单")).unchanged == 20
    assert all(score is not None for _, score in caller.rows("工单", "流水号", "zuofeng_问题分"))
