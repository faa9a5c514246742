"""What an operator does besides the night: look, ask why, score again, remove, check the settings."""

import contextlib
import dataclasses
import datetime as dt
import json
import shutil
import sqlite3
import sys
from types import SimpleNamespace

import pytest
from cli.conftest import as_record

from pipeline import __version__
from pipeline.cli import why
from pipeline.cli.common import open_scorer
from pipeline.cli.promote import compare_with_live
from pipeline.errors import BundleError, CorpusError
from pipeline.model.bundle import NEVER, save_changed
from pipeline.model.dictionaries import keep_dictionary
from pipeline.model.familiar import keep_texts
from pipeline.model.live import CHINA
from pipeline.model.promote import promote
from pipeline.model.registry import champion_id
from pipeline.model.runs import code_hash
from pipeline.settings import load_settings
from pipeline.taxonomy import load_taxonomy
from pipeline.text.segment import dictionary_hash


@pytest.fixture(scope="session")
def night(tmp_path_factory):
    """Where the first home that had a night leaves what it left there, for the others."""
    return tmp_path_factory.mktemp("night")


@pytest.fixture
def stored(zuofeng, home, night, write_jsonl, some_gold):
    """The numbers of a dozen texts that a night has scored."""
    numbers = [f"件{i}" for i in range(12)]
    left = [(home / name, night / name) for name in ("state", "models")]
    if (night / "models").exists():
        for here, there in left:
            shutil.copytree(there, here, dirs_exist_ok=True)
        return numbers
    records = [{"编号": n, "内容": g.text} for n, g in zip(numbers, some_gold, strict=False)]
    done = zuofeng("nightly", "--source", write_jsonl("in.jsonl", records))
    assert done.returncode == 0, done.stderr
    for here, there in left:
        shutil.copytree(here, there)
    return numbers


def copied(home, bundle, **about):
    """Put ``bundle`` into the home under another number; return that."""
    return save_changed(bundle, home / "models", **{"copied": True} | about).name


@pytest.fixture
def other(home, bundle):
    """A second model in the home, which says the same."""
    return copied(home, bundle)


@pytest.fixture
def told(home, tmp_path):
    """An alert command in the settings, and what it was told so far."""
    out = tmp_path / "告警.jsonl"
    script = f"import sys; open({str(out)!r}, 'a', encoding='utf-8').write(sys.stdin.read() + '\\n')"
    (home / "zuofeng.toml").write_text(
        f"alert = {json.dumps([sys.executable, '-X', 'utf8', '-c', script])}\n", encoding="utf-8"
    )

    def read():
        lines = out.read_text(encoding="utf-8").splitlines() if out.exists() else []
        return [a for line in lines for a in json.loads(line)["alerts"]]

    return read


def store(home, *statements):
    with contextlib.closing(sqlite3.connect(home / "state" / "zuofeng.sqlite3")) as connection:
        found = [connection.execute(s).fetchall() for s in statements]
        connection.commit()
    return found


def test_why_names_the_origin_and_finds_the_same_score_again(zuofeng, stored, home):
    one = zuofeng("why", stored[0])
    assert one.returncode == 0, one.stderr
    program = f"{__version__}+{code_hash()[:12]}"
    for expected in (program, "相同到最后一位", "词典哈希", "标签体系", champion_id(home / "models")):
        assert expected in one.stdout
    many = zuofeng("why", "--sample", "1000", "--format", "json")
    assert [json.loads(line)["outcome"] for line in many.stdout.splitlines()] == ["same"] * 12
    store(home, "UPDATE zuofeng_prediction SET problem_score = problem_score + 0.001 WHERE id = 1")
    changed = zuofeng("why", "--sample", "1000")
    assert (changed.returncode, "最大差 0.001000" in changed.stdout) == (1, True)
    none = zuofeng("why", "件99")
    assert (none.returncode, "ZF-WHY-NONE" in none.stderr) == (2, True)
    assert zuofeng("why").returncode == 2
    (home / "corpora" / "dictionary.txt").write_text("新词 5\n", encoding="utf-8")
    assert "相同到最后一位" in zuofeng("why", stored[1]).stdout  # by the dictionary that was kept


def test_why_says_of_each_piece_of_evidence_for_which_label_it_is(home, taxonomy, capsys):
    label = taxonomy.schemes[0].labels[0]
    evidence = [{"label": label.id, "start": 0, "end": 2, "quote": "拖着", "weight": 1.5}]
    stored = {"problem_score": 0.9, "is_problem": True, "scores": {}, "evidence": evidence}
    origin = dict.fromkeys(why._NAMES, "–")
    why._one(
        SimpleNamespace(document="件1", origin=origin, stored=stored, outcome=SimpleNamespace(value="相同"), reason=""),
        load_settings(home),
    )
    assert f"{label.name} 0–2 拖着（+1.500）" in capsys.readouterr().out


def test_a_night_over_what_nobody_handed_in_alarms_nobody(zuofeng, home, bundle, told):
    night = zuofeng("nightly", "--source", str(home / "state" / "api-inbox"))
    assert (night.returncode, told()) == (0, []), night.stderr
    (home / "来件").mkdir()
    zuofeng("nightly", "--source", str(home / "来件"))
    assert [a["kind"] for a in told()] == ["empty"]


def test_a_blind_sample_goes_through_the_desk(zuofeng, stored, home):
    assert zuofeng("sample", "draw").returncode == 2
    drawn = zuofeng("sample", "draw", "--desk", "--rate", "1")
    assert (drawn.returncode, "新放进队列 12 篇" in drawn.stdout) == (0, True), drawn.stderr
    assert "以前抽的 12 篇" in zuofeng("sample", "draw", "--desk", "--rate", "1").stdout
    early = zuofeng("sample", "measure", "--desk")
    assert "ZF-SAMPLE-DESK" in early.stderr
    from django.db import connections

    from pipeline.desk.configure import open_desk
    from pipeline.settings import load_settings

    open_desk(load_settings(home, desk={"second_percent": 0}))
    from pipeline.desk.accounts import add_account
    from pipeline.desk.decide import decide
    from pipeline.desk.tables import Case

    user, _ = add_account(username="li", role="reviewer", name="", actor="t")
    for case in Case.objects.all():
        decide(user=user, document=case.pk, action="reject", labels=(), text_hash=case.text_hash)
    connections.close_all()
    found = zuofeng("sample", "measure", "--desk")
    assert (found.returncode, "抽样 12 篇，已标 12 篇" in found.stdout) == (0, True), found.stderr


def test_what_two_people_dispute_in_a_blind_sample_counts_half(
    zuofeng, write_jsonl, some_gold, taxonomy, tmp_path, home, bundle
):
    records = [{"编号": f"件{i}", "内容": f"{g.text}\u2028请处理"} for i, g in enumerate(some_gold[:12])]
    assert zuofeng("nightly", "--source", write_jsonl("in.jsonl", records)).returncode == 0
    assert zuofeng("sample", "draw", "--rate", "1", "--out", "drawn.jsonl").returncode == 0
    drawn = [json.loads(line) for line in (tmp_path / "drawn.jsonl").read_text(encoding="utf-8").split("\n") if line]
    scheme, label = taxonomy.columns[0]

    def judge(name, yes):
        rows = [{**r, "labels": {scheme: [label] if n < yes else []}} for n, r in enumerate(drawn[:11])]
        return write_jsonl(name, rows)

    # Neither says who they are: the files do, though they have one name.
    two = ("--reviewed", judge("甲/盲标.jsonl", 10), "--reviewed", judge("乙/盲标.jsonl", 4))
    found = zuofeng("sample", "measure", "--drawn", "drawn.jsonl", *two)
    assert (found.returncode, "抽样 12 篇，已标 11 篇" in found.stdout) == (0, True), found.stderr
    assert f"{7 / 11:.3f} [" in found.stdout
    assert "0.57（11 对）" in found.stdout
    assert found.stdout.count("意见各半 ") == 6
    assert "以上 6 篇" in found.stdout
    assert "还有 1 篇" in found.stdout
    assert "模型已用来训练" not in found.stdout
    texts = [dataclasses.replace(g, text=f"{g.text}\u2028请处理") for g in some_gold[:5]]
    keep_texts(home / "models", texts, bundle.manifest)
    found = zuofeng("sample", "measure", "--drawn", "drawn.jsonl", *two)
    assert "其中 5 篇模型已用来训练" in found.stdout, found.stderr


def test_another_model_is_scored_first_and_made_live_after(zuofeng, stored, home, other):
    live = champion_id(home / "models")
    dry = zuofeng("rescore", "--model", other, "--promote", "--dry-run")
    assert (dry.returncode, champion_id(home / "models")) == (0, live), dry.stderr
    later = zuofeng("rescore", "--model", other, "--since", "2999-01-01")
    assert (later.returncode, champion_id(home / "models")) == (0, live), later.stderr
    assert store(home, "SELECT count(*) FROM zuofeng_prediction") == [[(12,)]]
    part = zuofeng("rescore", "--model", other, "--promote", "--since", "2999-01-01")
    assert (part.returncode, champion_id(home / "models")) == (2, live), part.stdout
    done = zuofeng("rescore", "--model", other, "--promote", "--reason", "试换")
    assert done.returncode == 0, done.stderr
    assert champion_id(home / "models") == other
    assert store(home, "SELECT target FROM zuofeng_audit WHERE action = 'model.promote'") == [[(other,)]]
    assert store(home, "SELECT model, count(*) FROM zuofeng_prediction GROUP BY model ORDER BY model") == [
        sorted([(live, 12), (other, 12)])
    ]
    written = zuofeng("models", "--history").stdout
    assert ("试换" in written, "比在语料 test 部分的" in written) == (True, True)
    today = zuofeng("models", "--on", f"{dt.datetime.now(CHINA):%Y-%m-%d}").stdout
    assert all(word in today for word in (live, other, "夜间任务", "重新打分", "做完"))
    assert live in zuofeng("models", "--on", "2020-01-01").stdout
    both = zuofeng("why", stored[1]).stdout
    assert both.count("相同到最后一位") == 2


@pytest.fixture
def few(write_jsonl, some_gold):
    """A file of sixty labelled texts."""
    return write_jsonl("few.jsonl", map(as_record, some_gold[:60]))


def test_what_is_trained_with_another_dictionary_is_compared_with_what_was_live(home, bundle, words, few):
    live = champion_id(home / "models")
    keep_dictionary(home / "models", words)
    more = {**words, "镬锓甏": 5}
    (home / "corpora" / "dictionary.txt").write_text("".join(f"{w} {f}\n" for w, f in more.items()), encoding="utf-8")
    new = copied(home, bundle, dictionary=dictionary_hash(more))
    settings = load_settings(home)
    with pytest.raises(BundleError, match="ZF-MODEL-DICTIONARY"):
        open_scorer(settings, None)
    found = compare_with_live(settings, live, new, [few])
    assert (found.a.model, found.b.model, found.falls) == (live, new, [])
    # Without the dictionary of those days nothing can be compared; what helps is said.
    shutil.rmtree(home / "models" / "dictionaries")
    with pytest.raises(BundleError, match="ZF-PROMOTE-REFUSED") as refused:
        compare_with_live(settings, live, new, [few])
    assert ("ZF-DICT-GONE" in refused.value.details[0], "--force" in refused.value.hint) == (True, True)
    assert compare_with_live(settings, live, new, [few], force=True) is None


def test_a_model_of_another_dictionary_is_no_way_back_until_that_one_is_restored(zuofeng, home, bundle, words, other):
    live = champion_id(home / "models")
    keep_dictionary(home / "models", words)
    promote(home / "models", other, author="甲", reason="试", force=True)
    more = {**words, "镬锓甏": 5}
    current = home / "corpora" / "dictionary.txt"
    current.write_text("".join(f"{w} {f}\n" for w, f in more.items()), encoding="utf-8")
    new = copied(home, bundle, dictionary=dictionary_hash(more))
    promote(home / "models", new, author="甲", reason="新词典", force=True)
    before = (home / "models" / "history.jsonl").read_bytes()
    done = zuofeng("rollback", "--reason", "误报变多")
    assert (done.returncode, "ZF-MODEL-DICTIONARY" in done.stderr) == (2, True)
    kept = home / "models" / "dictionaries" / f"{dictionary_hash(words)}.txt"
    assert str(kept) in done.stderr
    assert (champion_id(home / "models"), (home / "models" / "history.jsonl").read_bytes()) == (new, before)
    shutil.copy(kept, current)
    done = zuofeng("rollback", "--reason", "误报变多")
    assert (done.returncode, champion_id(home / "models")) == (0, other), done.stderr
    # Neither is one made live where none is: no night would run with it.
    (home / "models" / "champion").unlink()
    done = zuofeng("promote", new)
    assert (done.returncode, "ZF-MODEL-DICTIONARY" in done.stderr) == (2, True)
    # As a shell completes it.
    assert zuofeng("promote", f"{home / 'models' / live}/").returncode == 0


def test_what_is_trained_for_other_labels_says_how_it_is_made_live(home, bundle):
    scheme = home / "corpora" / "taxonomy.toml"
    given = scheme.read_text(encoding="utf-8")
    scheme.write_text(given.replace('id = "inaction_delay"', 'id = "inaction"', 1), encoding="utf-8")
    changed = dataclasses.replace(bundle, taxonomy=load_taxonomy(scheme), taxonomy_source=scheme.read_bytes())
    new = copied(home, changed)
    with pytest.raises(BundleError, match="ZF-PROMOTE-REFUSED") as refused:
        compare_with_live(load_settings(home), champion_id(home / "models"), new, None)
    assert ("ZF-COMPARE-TAXONOMY" in refused.value.details[0], "--force" in refused.value.hint) == (True, True)


def test_a_model_that_learned_the_test_part_is_not_measured_on_it(zuofeng, home, bundle, few):
    live = champion_id(home / "models")
    new = copied(home, bundle, corpus={**bundle.manifest["corpus"], "test": 5})
    settings = load_settings(home)
    for one, other in ((live, new), (new, live)):
        with pytest.raises(CorpusError, match="ZF-TEST-LEARNED") as refused:
            compare_with_live(settings, one, other, None)
        assert new in refused.value.message
    assert compare_with_live(settings, live, new, [few]).texts == 60
    refused = zuofeng("evaluate", "--model", new)
    assert (refused.returncode, "ZF-TEST-LEARNED" in refused.stderr) == (2, True)
    assert zuofeng("train", "--all-parts", "--champion").returncode == 2


def test_labels_are_not_looked_through_by_a_model_that_knows_them_without_a_word(zuofeng, home, bundle, some_gold, few):
    assert "模型已用来训练" not in zuofeng("audit-labels", "--unseen", few).stdout
    keep_texts(home / "models", some_gold[:50], bundle.manifest)
    found = zuofeng("audit-labels", "--unseen", few)
    assert "其中 50 条模型已用来训练" in found.stdout, found.stderr
    assert "模型已用来训练" not in zuofeng("audit-labels", few).stdout


def test_a_model_that_says_worse_is_not_even_scored(zuofeng, stored, home, bundle):
    # A dozen texts are too few to say that one is worse than another.
    (some,) = (home / "corpora" / "gold").glob("*.jsonl")
    some.write_text(some.read_text(encoding="utf-8").replace('"part": "train"', '"part": "test"'), encoding="utf-8")
    heads = tuple(dataclasses.replace(h, threshold=NEVER) for h in bundle.heads)
    silent = copied(home, dataclasses.replace(bundle, heads=heads))
    refused = zuofeng("rescore", "--model", silent, "--promote")
    assert (refused.returncode, "ZF-PROMOTE-REFUSED" in refused.stderr) == (2, True)
    assert store(home, "SELECT count(*) FROM zuofeng_prediction") == [[(12,)]]


def test_texts_are_removed_by_policy_and_a_dry_run_only_counts(zuofeng, stored, home, some_gold):
    text = "SELECT count(*) FROM zuofeng_document WHERE text <> ''"
    store(home, "UPDATE zuofeng_document SET stored = '2020-01-01 00:00:00' WHERE id <= 5")
    dry = zuofeng("purge", "--older-than", "730d", "--dry-run")
    assert (dry.returncode, "会清除" in dry.stdout) == (0, True), dry.stderr
    assert store(home, text) == [[(12,)]]
    done = zuofeng("purge", "--older-than", "730d")
    assert done.returncode == 0, done.stderr
    assert store(home, text, "SELECT count(*) FROM zuofeng_prediction") == [[(7,)], [(12,)]]
    assert some_gold[0].text.encode() not in (home / "state" / "zuofeng.sqlite3").read_bytes()
    gone = zuofeng("why", stored[0])
    assert (gone.returncode, "原文已按保留期清除" in gone.stdout) == (1, True)
    assert zuofeng("purge", "--older-than", "2y").returncode == 2
    assert "清除" in zuofeng("models", "--on", f"{dt.datetime.now(CHINA):%Y-%m-%d}").stdout


def test_the_doctor_says_what_to_do_and_tells_others(zuofeng, home, told, write_jsonl):
    first = zuofeng("doctor", "--alert")
    assert (first.returncode, "还没有跑过" in first.stdout) == (1, True), first.stderr
    assert [a["kind"] for a in told()] == ["late"]
    zuofeng("nightly", "--source", write_jsonl("in.jsonl", [{"id": "1", "text": "路灯坏了没人修"}]))
    well = zuofeng("doctor", "--alert")
    assert well.returncode == 0, well.stdout
    for name in ("数据库", "表结构", "昨夜", "时钟", "磁盘", "模型", "词典", "权限", "监控"):
        assert name in well.stdout
    assert len(told()) == 1
    store(home, "UPDATE zuofeng_run SET state = 'failed'")
    (home / "state").chmod(0o755)
    zuofeng("doctor", "--alert")
    assert [a["kind"] for a in told()[1:]] == ["doctor"]
    store(home, "UPDATE zuofeng_run SET started = '2020-01-01 00:00:00'")
    zuofeng("doctor", "--alert")
    late, other = sorted(told()[2:], key=lambda a: a["kind"], reverse=True)
    assert (late["kind"], "昨夜" in late["message"], "权限" in late["message"]) == ("late", True, False)
    assert (other["kind"], "昨夜" in other["message"], "权限" in other["message"]) == ("doctor", False, True)
    (home / "corpora" / "dictionary.txt").write_text("另一个词 5\n", encoding="utf-8")
    for code in ("ZF-MODEL-DICTIONARY", "ZF-MODEL-MISSING"):
        ill = zuofeng("doctor")
        assert (ill.returncode, code in ill.stdout) == (1, True)
        (home / "models" / "champion").write_text("none\n", encoding="utf-8")
    away = zuofeng("doctor", "--store", "postgresql://nobody@127.0.0.1:9/none")
    assert (away.returncode, "连不上" in away.stdout) == (1, True)


def test_work_that_broke_off_is_told(zuofeng, home, told, write_jsonl):
    away = ("--store", "postgresql://nobody@127.0.0.1:9/none")
    quick = {"ZUOFENG_OUTAGE_SECONDS": "0.3"}
    source = write_jsonl("in.jsonl", [{"id": "1", "text": "路灯坏了"}])
    for verb in (("nightly", "--source", source), ("rescore",), ("purge", "--older-than", "9d")):
        assert zuofeng(*verb, *away, env=quick).returncode == 3
    assert [a["kind"] for a in told()] == ["failed"] * 3
    work = ("夜间任务", "重新打分", "按保留期清除")
    assert [a["message"] for a in told()] == [f"{w}没有做完：ZF-STORE-DOWN" for w in work]


def test_a_night_tells_of_its_own_source_and_a_dry_run_tells_nothing(zuofeng, home, told, write_jsonl):
    source = write_jsonl("in.jsonl", [{"id": "1", "text": "路灯坏了没人修"}])
    metrics = {"ZUOFENG_METRICS_FILE": "z.prom"}
    dry = [zuofeng("nightly", "--dry-run", "--source", s, env=metrics) for s in (source, "none.csv")]
    assert [d.returncode for d in dry] == [0, 2]
    assert (told(), (home / "z.prom").exists()) == ([], False)
    address = "postgresql://u:qinghua@127.0.0.1:9/db?table=t"
    for given, code in ((address, 3), (source, 0)):
        assert zuofeng("nightly", "--source", given, env=metrics | {"ZUOFENG_OUTAGE_SECONDS": "0.3"}).returncode == code
    lines = [line for line in (home / "z.prom").read_text(encoding="utf-8").splitlines() if "exit_code{" in line]
    shown = "postgresql+psycopg://u@127.0.0.1:9/db?table=t"
    assert sorted(lines) == sorted(
        f'zuofeng_night_exit_code{{source="{s}"}} {c}' for s, c in ((source, 0.0), (shown, 3.0))
    )


def test_the_settings_are_shown_with_their_origin_and_without_passwords(zuofeng, home):
    (home / "口令").write_text("紫檀珠\n", encoding="utf-8")
    (home / "口令").chmod(0o600)
    (home / "zuofeng.toml").write_text('chunk = 50\nstore_password_file = "口令"\n', encoding="utf-8")
    env = {"ZUOFENG_STORE": "postgresql://u:qinghua@db.example/z", "ZUOFENG_SAUCE": "1"}
    env["ZUOFENG_MLFLOW__URI"] = "https://u:qinghua@mlflow.example"
    done = zuofeng("config", env=env)
    assert done.returncode == 0, done.stderr
    hidden = "postgresql://u:***@db.example/z", "https://u:***@mlflow.example"
    for expected in (*hidden, "环境变量 ZUOFENG_STORE", "zuofeng.toml", "ZUOFENG_SAUCE"):
        assert expected in done.stdout
    assert [w for w in ("qinghua", "紫檀珠") if w in done.stdout + done.stderr] == []
    (home / "口令").chmod(0o644)
    refused = zuofeng("config", env=env)
    assert (refused.returncode, "chmod 600" in refused.stderr) == (2, True)
