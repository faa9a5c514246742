"""The commands as operators run them: in a process of their own, from any folder."""

import contextlib
import hashlib
import io
import json
import re
import shutil
import sqlite3

import pytest
from cli.conftest import as_record
from rich.console import Console
from typer.testing import CliRunner

from pipeline.batch.report import RunReport
from pipeline.cli import app
from pipeline.cli.nightly import show
from pipeline.corpus.gold import read_gold
from pipeline.desk.configure import database
from pipeline.errors import ConfigError
from pipeline.exchange.label_studio import from_tasks
from pipeline.model.registry import champion_id, list_models
from pipeline.model.runs import read_runs
from pipeline.settings import DeskSettings, MlflowSettings, Settings, load_settings
from pipeline.sign_on_settings import SignOnSettings
from pipeline.table_settings import TableSettings
from pipeline.taxonomy import load_taxonomy


def test_classify_answers_in_input_order_from_standard_input(zuofeng, some_gold):
    lines = "".join(json.dumps({"id": g.id, "text": g.text}) + "\n" for g in some_gold[:12])
    done = zuofeng("classify", input=lines)
    assert done.returncode == 0, done.stderr
    out = [json.loads(line) for line in done.stdout.splitlines()]
    assert [o["id"] for o in out] == [g.id for g in some_gold[:12]]
    assert set(out[0]) == {
        "id", "is_problem", "problem_score", "categories", "types", "scores", "evidence", "review", "model",
    }  # fmt: skip


def test_classify_prints_a_table_and_keeps_the_reason_of_bad_records(zuofeng, tmp_path):
    (tmp_path / "a.csv").write_text("编号,内容\n1,路灯坏了\n2,\n", encoding="utf-8")
    done = zuofeng("classify", "a.csv", "--format", "table")
    assert done.returncode == 1
    assert "ZF-REC-EMPTY" in done.stderr
    assert "七类表现" in done.stdout


def test_a_night_prints_its_table_and_a_second_says_nothing_is_new(zuofeng, write_jsonl, some_gold, home):
    source = write_jsonl("in.jsonl", [{"工单编号": g.id, "内容": g.text} for g in some_gold[:30]])
    shutil.rmtree(home / "state")
    first = zuofeng("nightly", "--source", source, "--write-back", "out.xlsx")
    assert first.returncode == 0, first.stderr
    assert "先看这些" in first.stdout
    assert (home / "state" / "zuofeng.sqlite3").exists()
    second = zuofeng("nightly", "--source", source)
    assert second.returncode == 0
    assert "没有新内容" in second.stdout
    dry = zuofeng("nightly", "--source", source, "--dry-run")
    assert "演练" in dry.stdout


@pytest.mark.parametrize("rehearsed", [True, False])
def test_a_rehearsal_does_not_say_that_what_it_would_set_aside_is_kept(taxonomy, rehearsed):
    report = RunReport(dry_run=rehearsed)
    report.reasons["ZF-REC-EMPTY"] += 1
    show(report, taxonomy, Console(file=(page := io.StringIO()), width=140))
    assert ("ZF-REC-EMPTY" in page.getvalue(), "都已保存" in page.getvalue()) == (True, not rehearsed)


def test_what_looks_like_formatting_is_printed_as_people_wrote_it(zuofeng, write_jsonl, some_gold):
    # Tags as message boards leave them, and a number between colons, which elsewhere is a picture.
    text = next(g.text for g in some_gold if g.positive).replace("，", "[/b]，")
    source = write_jsonl("in.jsonl", [{"id": "[/b]:100:[b]1", "text": text}])
    for words in (("nightly", "--source", source), ("classify", source, "--format", "table"), ("why", "[/b]:100:[b]1")):
        done = zuofeng(*words)
        assert done.returncode == 0, done.stderr
        assert "[/b]:100:[b]1" in done.stdout


def test_a_table_is_scored_in_place_and_a_dry_run_shows_how(zuofeng, tmp_path, some_gold):
    base = tmp_path / "热线.db"
    with contextlib.closing(sqlite3.connect(base)) as connection:
        connection.execute('CREATE TABLE "工单" ("编号" INTEGER PRIMARY KEY, "内容" TEXT)')
        connection.executemany('INSERT INTO "工单" VALUES (?, ?)', [(i, g.text) for i, g in enumerate(some_gold[:9])])
        connection.commit()
        source = f"sqlite:///{base}?table=工单"
        dry = zuofeng("nightly", "--source", source, "--write-back", "--dry-run")
        assert dry.returncode == 0, dry.stderr
        assert "ALTER TABLE" in dry.stdout
        assert "UPDATE" in dry.stdout
        for arguments in (("--write-back", "--source", source), ("--source", source, "--write-back", "table")):
            done = zuofeng("nightly", *arguments)
            assert done.returncode == 0, done.stderr
        assert connection.execute('SELECT count("zuofeng_问题分") FROM "工单"').fetchone() == (9,)


def test_mistakes_end_with_their_code_and_a_sentence(zuofeng, home, tmp_path):
    for arguments, code, expected in (
        (("nightly",), 2, "--source"),
        (("nightly", "--source", "none.csv"), 2, "ZF-SRC-MISSING"),
        (("classify", "none.csv"), 2, "ZF-SRC"),
        (("classify", "--model", "none"), 2, "ZF-MODEL-MISSING"),
        (("promote", "none"), 2, "ZF-MODEL-MISSING"),
        (("nightly", "--source", ".", "--store", "oracle://x"), 2, "ZF-STORE-URL"),
    ):
        done = zuofeng(*arguments, input="")
        assert (done.returncode, expected in done.stderr) == (code, True), (arguments, done.stderr)
        assert "Traceback" not in done.stderr


def test_all_mistakes_of_the_settings_come_at_once(zuofeng, home):
    (home / "zuofeng.toml").write_text("chunk = 0\nsauce = 1\n", encoding="utf-8")
    wrong = {"MAX_TEXT_BYTES": "many", "ALERT": "mail ops", "TABLES": "{", "DESK__HOSTS": "desk.example"}
    done = zuofeng("models", env={f"ZUOFENG_{k}": v for k, v in wrong.items()})
    assert (done.returncode, "JSON" in done.stderr) == (2, True)
    for expected in (
        "chunk",
        "sauce",
        "max_text_bytes",
        "alert -> 应为列表",
        "tables -> 应为表",
        "desk.hosts -> 应为列表",
    ):
        assert expected in done.stderr
    for written in (b"chunk = ", 'source = "来件"'.encode("gb18030")):
        (home / "zuofeng.toml").write_bytes(written)
        done = zuofeng("models")
        assert (done.returncode, "ZF-CONFIG-SYNTAX" in done.stderr, "Traceback" in done.stderr) == (2, True, False)
    assert "UTF-8" in done.stderr


def test_settings_saved_with_a_mark_at_the_beginning_are_read(home):
    (home / "zuofeng.toml").write_text("chunk = 7\n", encoding="utf-8-sig")
    assert load_settings(home).chunk == 7


@pytest.mark.parametrize("value", [1.5, -1, "x" * 61, "", "不 对", [], [1], {}, {"x": 1}, True, float("inf")], ids=str)
def test_whatever_a_setting_is_wrongly_it_is_said_in_chinese(home, value):
    """English stands there only as names and as what may be written."""

    def said(**given):
        try:
            load_settings(home, **given)
        except ConfigError as e:
            return list(e.details)
        return []

    parts = {"tables": TableSettings, "desk": DeskSettings, "mlflow": MlflowSettings}
    wrong = [w for name in Settings.model_fields if name != "home" for w in said(**{name: value})]
    wrong += [w for part, of in parts.items() for name in of.model_fields for w in said(**{part: {name: value}})]
    wrong += [w for name in SignOnSettings.model_fields for w in said(desk={"sign_on": {name: value}})]
    assert wrong
    assert [w for w in wrong if not re.match(r"[\u4e00-\u9fff]", w.partition(" -> ")[2])] == []


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:qing#hua@h:5432/db",
        "postgresql://u:54#hua@h/db",
        "postgresql://u:54/hua@h/db",
        "postgresql://u:54?hua@h/db",
        "postgresql://u:qinghua@h:54a2/db",
        "postgresql://u:qinghua@[h/db",
        "postgresql:u:qinghua@h/db",
        ":qinghua@h/db",
        "qinghua",
        "postgresql",
    ],
)
def test_a_store_address_that_is_none_is_said_to_be_without_its_password(url):
    with pytest.raises(ConfigError, match="ZF-STORE-URL") as e:
        database(url)
    assert [w for w in ("qing", "hua", "54") if w in str(e.value)] == []


def test_a_password_in_percent_signs_is_read_as_it_is():
    assert database("postgresql://u:a%23b%40c%2Fd@h:5432/db")["PASSWORD"] == "a#b@c/d"


@pytest.mark.parametrize("name", ["作风 #1", "作风?", "作风%23", "a@b"])
def test_a_home_of_any_name_has_its_store_within(tmp_path, name):
    home = tmp_path / name
    home.mkdir()
    assert database(load_settings(home).store_url)["NAME"] == str(home / "state" / "zuofeng.sqlite3")
    assert sorted(p.name for p in tmp_path.iterdir()) == [name]


def test_a_path_that_would_be_cut_off_is_no_store_address():
    with pytest.raises(ConfigError, match="ZF-STORE-URL") as e:
        database("sqlite:////data/作风#1/store.sqlite3")
    assert "路径里的 #" in e.value.hint


@pytest.mark.parametrize(
    ("written", "read"), [("inbox", "{home}/inbox"), ("inbox/*.csv", "{home}/inbox/*.csv"), ("sqlite:///a.db", None)]
)
def test_a_source_of_the_settings_starts_at_the_home(home, monkeypatch, tmp_path, written, read):
    (home / "zuofeng.toml").write_text(f'source = "{written}"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert load_settings(home).source == (read or written).format(home=home)
    assert load_settings(home, source="here").source == "here"


def test_columns_are_mapped_by_the_settings(zuofeng, home, tmp_path):
    (home / "zuofeng.toml").write_text('[columns]\nid = ["流水"]\ntext = ["来电情况"]\n', encoding="utf-8")
    (tmp_path / "a.csv").write_text("流水,来电情况\n7,路灯坏了没人修\n", encoding="utf-8")
    done = zuofeng("classify", "a.csv")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["id"] == "7"


def test_whatever_reads_a_file_maps_its_columns_and_counts_what_it_leaves_out(zuofeng, home, tmp_path, taxonomy):
    (home / "zuofeng.toml").write_text('[columns]\nid = ["流水"]\ntext = ["来电情况"]\n', encoding="utf-8")
    (tmp_path / "a.csv").write_text("流水,来电情况\n7,多次反映石沉大海没人管\n8,\n9,\n", encoding="utf-8")
    one, *_ = taxonomy.schemes
    head = ",".join(s.name for s in taxonomy.schemes)
    (tmp_path / "b.csv").write_text(f"流水,来电情况,{head}\n7,没人管,{one.labels[0].name},\n8,,,\n", encoding="utf-8")
    rule = f'[[rule]]\nlabel = "{one.label_ids[0]}"\nphrases = ["石沉大海"]\n'
    (tmp_path / "r.toml").write_text(rule, encoding="utf-8")
    for words in ("suggest a.csv --reviewed b.csv", "lexicon try r.toml --source a.csv"):
        done = zuofeng(*words.split())
        assert done.returncode == 0, done.stderr
        assert "略过 2 条：正文是空的（ZF-REC-EMPTY，例如 a.csv:3）" in done.stdout
        assert ("略过 1 条：正文是空的。" in done.stdout) == ("b.csv" in words)
    # What was tried is not lost where nothing tells how often the rules are right.
    shutil.rmtree(home / "corpora" / "gold")
    done = zuofeng("lexicon", "try", "r.toml", "--source", "a.csv", "--report", "tried.csv")
    assert (done.returncode, "没有语料" in done.stdout) == (0, True), done.stderr
    assert "石沉大海" in (tmp_path / "tried.csv").read_text(encoding="utf-8-sig")
    for words in ("corpus import b.csv", "corpus export b.csv --to doccano"):
        done = zuofeng(*words.split(), "--out", "b.jsonl")
        assert (done.returncode, "略过 b.csv:3" in done.stdout) == (0, True), done.stderr
        (line,) = (tmp_path / "b.jsonl").read_text(encoding="utf-8").splitlines()
        assert json.loads(line)["id"] == "7"
    assert zuofeng("corpus", "snapshot", "b.csv").returncode == 0


def test_a_training_leaves_its_papers_where_it_was_told(zuofeng, home, tmp_path, draw, write_jsonl):
    held = ({"part": "test"} if i % 4 == 0 else {} for i in range(150))
    small = write_jsonl("small.jsonl", [as_record(g, "group") | part for g, part in zip(draw(150), held, strict=True)])
    (home / "zuofeng.toml").write_text(f'[mlflow]\nuri = "{(tmp_path / "mlruns").as_uri()}"\n', encoding="utf-8")
    done = zuofeng("train", "--corpus", small, "--report", "papers", env={"MLFLOW_ALLOW_FILE_STORE": "true"})
    assert done.returncode == 0, done.stderr
    model = read_runs(home / "models")[-1]["model"]
    assert model in (tmp_path / "papers" / "card.en.md").read_text(encoding="utf-8")
    assert "最离谱的错判" in (tmp_path / "papers" / "report.html").read_text(encoding="utf-8")
    assert list((tmp_path / "mlruns").glob("*/*/artifacts/card.zh.md"))
    assert not list((tmp_path / "mlruns").glob("*/*/artifacts/report.*"))


def test_a_model_of_another_taxonomy_is_trained_but_not_put_in_use(zuofeng, home, write_jsonl):
    scheme = home / "own.toml"
    scheme.write_text(
        'id = "own"\nversion = "1"\n[[schemes]]\nid = "topic"\nname = "主题"\nkind = "exclusive"\n'
        '[[schemes.labels]]\nid = "water"\nname = "水"\n[[schemes.labels]]\nid = "road"\nname = "路"\n',
        encoding="utf-8",
    )
    small = write_jsonl(
        "own.jsonl",
        [
            {"id": str(i), "text": f"第{i}天，{text}。", "labels": {"topic": [label]}, "part": part}
            for part in ("train", "test")
            for i, (text, label) in enumerate([("停水了", "water"), ("路坏了", "road")] * 15, 60 * (part == "test"))
        ],
    )
    (home / "models" / "champion").unlink()
    train = ("train", "--taxonomy", scheme, "--corpus", small)
    refused = zuofeng(*train, "--champion")
    assert (refused.returncode, "corpora/taxonomy.toml" in refused.stderr) == (2, True)
    before = list_models(home / "models")
    # Out of a pipe, which can be read once only: what is on record is the hash of what was learned.
    done = zuofeng(*train[:-1], "/dev/stdin", input=small.read_text(encoding="utf-8"))
    assert done.returncode == 0, done.stderr
    (source,) = read_runs(home / "models")[-1]["sources"]
    assert source["sha256"] == hashlib.sha256(small.read_bytes()).hexdigest()
    (own,) = {*list_models(home / "models")} - {*before}
    assert champion_id(home / "models") is None
    assert "没有设为在用" in done.stdout
    line = write_jsonl("ask.jsonl", [{"id": "1", "text": "水停了"}])
    assert json.loads(zuofeng("classify", line, "--model", own).stdout)["scores"].keys() == {"topic"}
    # One file holds what was learned and what was not: only the latter is measured on.
    measured = zuofeng("evaluate", "--gold", small, "--model", own, "--rounds", "10")
    assert (measured.returncode, "没有与通常写法对照" in measured.stdout) == (0, True), measured.stderr
    assert ("60 条里有 30 条训练时用过" in measured.stderr, "30 条文本" in measured.stdout) == (True, True)
    # The corpus of this home carries other labels: one sentence, not a mistake per text.
    for verb in (("evaluate", "--model", own), ("audit-labels", "--model", own), ("compare", own, own)):
        refused = zuofeng(*verb)
        assert (refused.returncode, "的标签与这里的语料不同" in refused.stderr) == (2, True), refused.stderr
    (home / "r.toml").write_text('[[rule]]\nlabel = "water"\nphrases = ["停水"]\n', encoding="utf-8")
    tried = zuofeng("lexicon", "try", home / "r.toml", "--source", line, "--model", own)
    assert "模型的标签与这里的语料不同，不知道规则对几次" in tried.stdout, tried.stderr
    (home / "models" / "champion").write_text(own + "\n", encoding="utf-8")
    live = zuofeng("classify", line)
    assert (live.returncode, "ZF-MODEL-TAXONOMY" in live.stderr) == (2, True)


def test_labels_of_another_taxonomy_come_in_and_out_and_into_a_snapshot(home, write_jsonl, tmp_path):
    scheme, sheet = tmp_path / "own.toml", tmp_path / "own.csv"
    scheme.write_text(
        'id = "own"\nversion = "1"\n[[schemes]]\nid = "topic"\nname = "主题"\nkind = "multi"\n'
        '[[schemes.labels]]\nid = "water"\nname = "水"\n',
        encoding="utf-8",
    )
    lines = [{"id": "1", "text": "停水了", "labels": {"topic": ["water"]}, "part": "test"}]
    own = write_jsonl("own.jsonl", [*lines, {"id": "2", "text": "水又停了", "labels": {"topic": ["water"]}}])

    def corpus(*arguments):
        done = CliRunner().invoke(app, ["corpus", *map(str, arguments), "--home", str(home), "--taxonomy", str(scheme)])
        assert done.exit_code == 0, done.output
        return done.output

    corpus("export", own, "--to", "csv", "--out", sheet)
    corpus("import", sheet, "--out", tmp_path / "back.jsonl")
    assert read_gold([tmp_path / "back.jsonl"], load_taxonomy(scheme)) == read_gold([own], load_taxonomy(scheme))
    told = corpus("snapshot", sheet, "--out", tmp_path / "snapshots")
    assert f"zuofeng train --taxonomy {scheme} --corpus" in told
    # Texts of no part are learned from: they count.
    assert re.search(r"water +│ 水 +│ 0 +│ 0 +│ 1 +│ 1 +│ 2 ", corpus("stats", own))


def test_an_office_without_reviews_has_its_wording_taken_for_usual(zuofeng, home, tmp_path, draw, write_jsonl):
    live = champion_id(home / "models")
    texts = draw(150, "archive")
    archive = write_jsonl("archive.jsonl", [{"内容": g.text} for g in texts] + [{"内容": " "}])
    unread = "还没有照本单位的来文定过说法"
    assert unread in zuofeng("doctor").stdout
    done = zuofeng("adapt", "--unlabelled", archive, "--champion")
    assert done.returncode == 0, done.stderr
    assert f"{len(texts)} 条没有标注的来文" in done.stdout
    assert "判出标签的文本" in done.stdout
    assert "略过 1 条：正文是空的（ZF-REC-EMPTY，例如 archive.jsonl:" in done.stdout
    # On the corpus it says what the one before said, and that is said.
    assert "语料 test 部分的" in done.stdout
    assert "只差本单位来文的说法" in done.stdout
    (own,) = {*list_models(home / "models")} - {live}
    assert champion_id(home / "models") == own
    assert unread not in zuofeng("doctor").stdout
    assert "150 条没有标注的来文" in zuofeng("models", "--card", own).stdout
    assert "150 条来文定说法" in zuofeng("models").stdout
    refused = zuofeng("promote", live)
    assert (refused.returncode, "先 zuofeng adapt --unlabelled" in refused.stderr) == (2, True)
    again = zuofeng("adapt", "--unlabelled", archive)
    assert (again.returncode, own in again.stdout) == (0, True)
    measured = [zuofeng("evaluate", "--no-baseline", "--rounds", "10", "--model", m).stdout for m in (live, own)]
    left_out = "没有算照本单位来文定的说法"
    assert [left_out in out for out in measured] == [False, True]
    as_json = [
        zuofeng("evaluate", "--no-baseline", "--rounds", "10", "--model", m, "--format", "json") for m in (live, own)
    ]
    assert [left_out in json.loads(out.stdout)["model"].get("note", "") for out in as_json] == [False, True]
    assert [left_out in out.stderr for out in as_json] == [False, True]
    # No training could replace it, and none was begun.
    trained = list_models(home / "models")
    for more, why in (((), "adapt --unlabelled"), (("--unlabelled", write_jsonl("one.jsonl", [])), "ZF-")):
        refused = zuofeng("train", "--champion", *more)
        assert (refused.returncode, why in refused.stderr) == (2, True), refused.stderr
    assert list_models(home / "models") == trained
    assert measured[1].startswith(measured[0].partition("合计")[0])
    for wrong in (
        (),
        ("--unlabelled", archive, "--reviewed", archive),
        ("--unlabelled", archive, "--promise", "precision=0.9"),
    ):
        assert zuofeng("adapt", *wrong).returncode == 2
    # Trained and at home in one go it is the same model.
    small = write_jsonl("small.jsonl", map(as_record, draw(320)))
    (home / "turned.toml").write_text("strange = 2.0\n", encoding="utf-8")
    train = ("train", "--corpus", small, "--settings", home / "turned.toml", "--out")
    assert zuofeng(*train, tmp_path / "once", "--unlabelled", archive, "--champion").returncode == 0
    assert zuofeng(*train, tmp_path / "twice").returncode == 0
    (base,) = list_models(tmp_path / "twice")
    done = zuofeng("adapt", "--unlabelled", archive, "--model", tmp_path / "twice" / base, "--out", tmp_path / "twice")
    assert done.returncode == 0, done.stderr
    assert {*list_models(tmp_path / "once")} == {*list_models(tmp_path / "twice")} - {base}


def test_train_evaluate_and_promote(zuofeng, home, tmp_path, draw, write_jsonl):
    small = write_jsonl("small.jsonl", [as_record(g, "group") for g in draw(320)])
    live = champion_id(home / "models")
    (home / "turned.toml").write_text("promise = 0.8\nfolds = 4\n", encoding="utf-8")
    done = zuofeng(
        "train", "--corpus", small, "--taxonomy", home / "corpora" / "taxonomy.toml", "--out", home / "models",
        "--settings", home / "turned.toml",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert champion_id(home / "models") == live
    trained = next(m for m in list_models(home / "models") if m != live)
    settings = json.loads((home / "models" / trained / "manifest.json").read_text(encoding="utf-8"))["settings"]
    assert (settings["promise"], settings["folds"]) == (0.8, 4)
    ask = ("evaluate", "--model", trained, "--format", "json", "--no-baseline", "--rounds", "10", "--gold")
    known = zuofeng(*ask, small)
    assert (known.returncode, "ZF-TEST-LEARNED" in known.stderr) == (2, True)
    assert "ZF-TEST-LEARNED" in zuofeng("adapt", "--model", trained, "--reviewed", small).stderr
    learned = {g.group for g in draw(320)}
    fresh = write_jsonl(
        "fresh.jsonl",
        [
            # A text without a group is one of its own, named by its id, which another group may be called.
            {"id": f"f-{g.id}", "text": g.text, "labels": {s: list(v) for s, v in g.labels.items()}}
            for g in draw(300, "fresh")
            if g.group not in learned
        ],
    )
    many = len(fresh.read_text(encoding="utf-8").splitlines())
    small.write_text(small.read_text(encoding="utf-8") + fresh.read_text(encoding="utf-8"), encoding="utf-8")
    figures = zuofeng(*ask, small)
    assert json.loads(figures.stdout)["model"]["texts"] == many
    assert f"{320 + many} 条里有 320 条训练时用过" in figures.stderr
    measured = zuofeng("evaluate", "--gold", small, "--no-baseline", "--rounds", "10", "--report", "measured")
    assert "查准率" in measured.stdout, measured.stderr
    assert "最离谱的错判" in (tmp_path / "measured" / "report.html").read_text(encoding="utf-8")
    compared = zuofeng("compare", live, trained, "--gold", small, "--report", "compare.html")
    assert "F1，同样的文本成对比较" in compared.stdout, compared.stderr
    assert f"指定的 {many} 条文本" in compared.stdout
    # The words of a flip are shown to their end.
    assert compared.stdout.count("【") == compared.stdout.count("】") > 0
    assert "翻转的文本" in (tmp_path / "compare.html").read_text(encoding="utf-8")
    refused = zuofeng("promote", live)
    assert (refused.returncode, "ZF-PROMOTE-SAME" in refused.stderr) == (2, True)
    # From so few texts no label keeps the promise: the challenger decides nothing.
    promoting = ("promote", trained, "--gold", small, "--reason", "语料翻番", "--author", "分析员")
    refused = zuofeng(*promoting)
    assert (refused.returncode, "ZF-PROMOTE-REFUSED" in refused.stderr) == (2, True)
    promoted = zuofeng(*promoting, "--force")
    assert promoted.returncode == 0, promoted.stderr
    assert champion_id(home / "models") == trained
    assert zuofeng("rollback").returncode == 2
    assert zuofeng("rollback", "--reason", "再看看").returncode == 0
    assert champion_id(home / "models") == live
    written = zuofeng("models", "--history").stdout
    for expected in ("发现在别处改动", "启用", "退回", "语料翻番", "分析员", "再看看"):
        assert expected in written
    listed = zuofeng("models").stdout
    assert trained in listed
    assert live in listed
    assert "完好" in listed


def test_a_damaged_model_is_listed_as_such_and_never_used(zuofeng, home):
    live = champion_id(home / "models")
    (home / "models" / live / "weights.npz").write_bytes(b"x")
    assert "ZF-MODEL-CHANGED" in zuofeng("models").stdout
    done = zuofeng("classify", input='{"id": "1", "text": "x"}\n')
    assert (done.returncode, "ZF-MODEL-CHANGED" in done.stderr) == (2, True)


@pytest.fixture
def public(write_jsonl, some_gold):
    """A folder shaped like the public data: a few messages, labelled and not."""
    chosen = some_gold[::3]
    for name, records in {
        "teddy2020c_public.jsonl.gz": [{"id": g.id, "title": "来文", "detail": g.text} for g in chosen],
        "fuzhou12345_river.jsonl.gz": [{"id": "1", "title": "河", "text": "河水发黑"}],
        "teddy2020c_unlabeled.jsonl.gz": [
            {"id": str(i), "title": "问", "detail": f"{'多次' * i}反映没人管"} for i in range(60)
        ],
        "real_dev_labels.jsonl": [as_record(g) | {"id": f"td-{g.id}"} for g in chosen],
    }.items():
        folder = write_jsonl(f"data/{name}", records).parent
    return folder


def test_the_corpus_is_checked_and_its_tables_printed(zuofeng):
    done = zuofeng("corpus", "check")
    assert done.returncode == 0, done.stderr
    for title in ("总量", "标签", "多标签", "语域", "领域", "长度", "近失", "开头", "泄漏", "语料合格"):
        assert title in done.stdout
    assert "总量" in zuofeng("corpus", "stats").stdout


def test_a_repeated_text_is_refused(zuofeng, home):
    gold = home / "corpora" / "gold" / "some.jsonl"
    lines = gold.read_text(encoding="utf-8")
    copy = {**json.loads(lines.splitlines()[0]), "id": "copy", "group": "copy"}
    gold.write_text(lines + json.dumps(copy, ensure_ascii=False) + "\n", encoding="utf-8")
    done = zuofeng("corpus", "check")
    assert done.returncode == 2
    assert "近似" in done.stderr


def test_concepts_and_agreement_are_tables(zuofeng, write_jsonl):
    messages = write_jsonl("messages.jsonl", [{"id": "1", "text": "多次反映没人管"}, {"id": "2", "text": ""}])
    done = zuofeng("corpus", "concepts", "--messages", messages)
    assert done.returncode == 0, done.stderr
    assert "没人管" in done.stdout
    assert "100.00%" in done.stdout
    assert "略过 1 条：正文是空的" in done.stdout
    assert "逐标签的平均" in zuofeng("corpus", "agreement").stdout


def test_the_bench_measures_on_the_public_data_and_says_when_there_is_none(
    zuofeng, public, home, write_jsonl, some_gold, tmp_path
):
    again = [as_record(g) | {"id": f"td-{g.id}"} for g in some_gold[:600:3]]
    nowhere = {"id": "fz-nowhere", "labels": {}}
    for name, records in (("second", again[:100]), ("unread", again[100:])):
        shutil.copy(write_jsonl(f"{name}.jsonl", [*records, nowhere]), home / "corpora" / f"{name}-messages.jsonl")
    done = zuofeng(
        "bench", "accuracy", "--public", public, "--local", "60", "--picture", "local.svg", "--unlabelled", "55"
    )
    assert done.returncode == 0, done.stderr
    assert "真实留言" in done.stdout
    assert "0，照 55 条没有标注的定说法" in done.stdout
    assert "第二人，100 条" in done.stdout
    assert f"没有读过的真实留言 {len(again) - 100} 条" in done.stdout
    assert "有无问题" in (tmp_path / "local.svg").read_text(encoding="utf-8")
    assert "有无问题 F1" in done.stdout
    absent = zuofeng("bench", "accuracy", "--public", tmp_path / "none")
    assert absent.returncode == 2
    assert "ZF-BENCH-DATA" in absent.stderr


def test_the_learning_curve_is_drawn(zuofeng, public, tmp_path):
    done = zuofeng("bench", "corpus", "--public", public, "--local", "40", "--picture", tmp_path / "curve.svg")
    assert done.returncode == 0, done.stderr
    assert "100.0%" in done.stdout
    assert "<svg" in (tmp_path / "curve.svg").read_text(encoding="utf-8")


def test_suggested_tasks_find_their_numbers_again_in_the_small_export(
    zuofeng, write_jsonl, some_gold, taxonomy, tmp_path
):
    source = write_jsonl("in.jsonl", [{"id": g.id, "text": g.text} for g in some_gold[:20]])
    done = zuofeng("suggest", source, "--count", 5, "--out", "任务.json")
    assert done.returncode == 0, done.stderr
    tasks = json.loads((tmp_path / "任务.json").read_text(encoding="utf-8"))
    small = json.dumps([{**task["data"], "id": n} for n, task in enumerate(tasks, 1)])
    texts = {i.gold.id: i.gold.text for i in from_tasks(small.encode(), taxonomy, "x").items}
    assert len(texts) == 5
    assert texts.items() <= {(g.id, g.text) for g in some_gold[:20]}


def test_a_model_is_adapted_and_says_what_to_expect(zuofeng, home, draw, write_jsonl):
    local = write_jsonl("local.jsonl", map(as_record, draw(250)))
    # Sixty letters of one sender are no sixty situations: held out, each would be known from the others.
    letters = [g.text for g in draw(4)]
    copies = [{"id": str(i), "text": f"第{i}次反映：{letters[i % 4]}", "labels": {}} for i in range(60)]
    assert "ZF-ADAPT-GROUPS" in zuofeng("adapt", "--reviewed", write_jsonl("copies.jsonl", copies)).stderr
    before = champion_id(home / "models")
    promising = ("adapt", "--reviewed", local, "--promise", "precision=0.9", "--champion")
    refused = zuofeng(*promising)
    assert (refused.returncode, "ZF-PROMOTE-REFUSED" in refused.stderr) == (2, True)
    # Before another model is made.
    there = list_models(home / "models")
    assert "ZF-PROMOTE-REASON" in zuofeng("adapt", "--reviewed", local, "--champion", "--force").stderr
    assert list_models(home / "models") == there
    # A pipe can be read once only.
    piped = ("adapt", "--reviewed", "/dev/stdin", *promising[3:], "--force", "--reason", "少判一些，判就判准")
    done = zuofeng(*piped, input=local.read_text(encoding="utf-8"))
    assert (done.returncode, "按交叉验证判的 250 条上" in done.stdout) == (0, True), done.stderr
    assert "查准率" in done.stdout
    live = (home / "models" / "champion").read_text().strip()
    assert live in done.stdout
    assert json.loads((home / "models" / live / "manifest.json").read_text())["adapted"]["documents"] == len(draw(250))
    assert zuofeng("adapt", "--reviewed", local, "--promise", "precision=2").returncode == 2
    # What was reviewed is given up again only by what is measured on it, held out from the one that learned it.
    refused = zuofeng("promote", before)
    assert "先 zuofeng adapt --reviewed" in refused.stderr
    refused = zuofeng("promote", before, "--gold", local)
    assert ("没有许诺" in refused.stderr, "语料" in refused.stderr) == (True, False)
    compared = zuofeng("compare", before, live, "--gold", local)
    assert "复核过的、按交叉验证判的 250 条" in compared.stdout, compared.stderr
    told = zuofeng("evaluate", "--gold", local, "--no-baseline", "--rounds", "10")
    assert "250 条里有 250 条模型已用来重设过" in told.stdout


def test_labels_too_rare_for_a_figure_are_said_to_be(zuofeng, draw, write_jsonl, taxonomy, tmp_path):
    first, second = taxonomy.schemes
    rows = [{"id": g.id, "text": g.text, "labels": {second.id: list(g.labels[second.id])}} for g in draw(250)]
    done = zuofeng("adapt", "--reviewed", write_jsonl("local.jsonl", rows), "--out", tmp_path / "models")
    assert done.returncode == 0, done.stderr
    assert "nan" not in done.stdout
    assert next(line for line in done.stdout.splitlines() if first.name in line).count("–") == 2


@pytest.mark.parametrize(
    "verb",
    [
        "audit verify", "why x", "models --on 2026-03-01", "user list", "user reset x", "client list",
        "client revoke x", "suggest", "drift", "sample draw --out o.jsonl", "sample measure --desk",
        "corpus reviews --out o.jsonl", "shadow report", "rescore", "rescore --dry-run", "purge --older-than 1d",
        "purge --older-than 1d --dry-run",
    ],
)  # fmt: skip
def test_a_store_that_is_not_there_is_not_made_to_say_it_is_empty(home, verb):
    mistyped = home / "stat" / "zuofeng.sqlite3"
    done = CliRunner().invoke(app, [*verb.split(), "--store", f"sqlite:///{mistyped}", "--home", str(home)])
    assert getattr(done.exception, "code", done) == "ZF-STORE-NONE"
    assert not mistyped.parent.exists()
