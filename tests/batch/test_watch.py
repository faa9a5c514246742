"""What is told of a night that ended: metrics, alerts, logs, and none of the texts."""

import datetime as dt
import io
import json
import logging
import random
import sys

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from pipeline.batch.alert import Alert, judge, send
from pipeline.batch.jump import Night, jumps
from pipeline.batch.logs import configure_logs
from pipeline.batch.metrics import write_metrics
from pipeline.batch.report import RunReport
from pipeline.batch.watch import earlier_nights, watched
from pipeline.errors import UnfinishedError

NOW = dt.datetime(2026, 11, 26, 3, tzinfo=dt.UTC)


def usual(dice, nights=14, texts=200, rates=(0.02, 0.1, 0.3)):
    return [
        Night(texts, {f"l{i}": sum(dice.random() < r for _ in range(texts)) for i, r in enumerate(rates)})
        for _ in range(nights)
    ]


def test_quiet_nights_raise_no_alarm():
    dice = random.Random(5)
    false = sum(bool(list(jumps(night, usual(dice)))) for _ in range(40) for night in usual(dice, nights=1))
    assert false <= 2


@pytest.mark.parametrize(("label", "count"), [("l0", 40), ("l1", 70), ("l2", 5), ("new", 30)])
def test_a_jump_up_or_down_is_named(label, count):
    dice = random.Random(6)
    before = usual(dice)
    tonight = usual(dice, nights=1)[0]
    assert [j[0] for j in jumps(Night(200, {**tonight.labels, label: count}), before)] == [label]


def test_small_counts_and_few_nights_say_nothing():
    before = usual(random.Random(7))
    assert list(jumps(Night(3, {"l0": 1}), before)) == []
    assert list(jumps(Night(200, {"l0": 150}), before[:2])) == []
    assert list(jumps(Night(0, {}), before)) == []


def test_nights_that_always_differ_are_no_jump():
    swinging = [Night(200, {"a": k}) for k in (5, 60, 10, 55, 4, 58)]
    steady = [Night(200, {"a": k}) for k in (31, 33, 32, 31, 33, 32)]
    assert list(jumps(Night(200, {"a": 62}), swinging)) == []
    assert [j[0] for j in jumps(Night(200, {"a": 62}), steady)] == ["a"]


def report(**values):
    return RunReport(run="r1", model="m1", sources=[], **{"read": 9, "new": 9, **values})


def test_what_somebody_should_know():
    kinds = [
        [a.kind for a in judge(*night, [])]
        for night in (
            (report(), ""),
            (report(read=0, new=0), ""),
            (None, "ZF-STORE-DOWN"),
            (report(aside=[{"records": 3}]), ""),
        )
    ]
    assert kinds == [[], ["empty"], ["failed"], ["aside"]]
    # Of what others hand in when they like, nothing is no news; a night that failed is.
    assert [judge(report(read=0, new=0), why, [], awaited=False) for why in ("", "ZF-X")] == [
        [],
        [Alert("failed", "夜间任务没有做完：ZF-X")],
    ]


def test_files_and_records_set_aside_are_told_once(night, write_jsonl, records, tmp_path):
    out = tmp_path / "told.json"
    copy = [sys.executable, "-c", f"import sys; open({str(out)!r}, 'wb').write(sys.stdin.buffer.read())"]
    inbox = write_jsonl("来件/1.jsonl", records).parent

    def told():
        out.unlink(missing_ok=True)
        with watched(metrics=None, alert=copy) as watch:
            watch.report = night(inbox)
        told = json.loads(out.read_text(encoding="utf-8"))["alerts"] if out.exists() else []
        return [a["message"] for a in told if a["kind"] == "unread"]

    assert told() == []
    (inbox / "张三.csv").write_text("编号,说法\n1,坏了\n", encoding="utf-8")
    (message,) = told()
    assert "1 个文件没有读成（ZF-SRC-COLUMN）" in message
    assert "张三" not in message
    assert told() == []
    rows = "".join(f"{n},路灯,坏了三个月，没有人来修\n" for n in range(30))
    (inbox / "2.csv").write_text("编号,标题,说法\n" + rows, encoding="utf-8")
    (message,) = told()
    assert "多搁置 30 条，新到的只读成 0 条" in message
    assert told() == []
    (inbox / "3.xls").write_bytes(b"x")
    assert len(told()) == 1


def test_the_command_gets_the_alerts_and_its_failure_passes(tmp_path):
    out = tmp_path / "told.json"
    copy = [sys.executable, "-c", f"import sys; open({str(out)!r}, 'wb').write(sys.stdin.buffer.read())"]
    assert send(copy, [Alert("empty", "没有读到")], run="r1")
    told = {"run": "r1", "alerts": [{"kind": "empty", "message": "没有读到"}]}
    assert json.loads(out.read_text(encoding="utf-8")) == told
    assert not send([sys.executable, "-c", "raise SystemExit(1)"], [Alert("empty", "")], run="")
    assert not send([str(tmp_path / "none")], [Alert("empty", "")], run="")
    assert send([str(tmp_path / "none")], [], run="")


def test_what_the_command_prints_is_not_read(tmp_path):
    answer = "import sys; [f.buffer.write('已发送'.encode('gb18030')) for f in (sys.stdout, sys.stderr)]"
    assert send([sys.executable, "-c", answer], [Alert("empty", "")], run="")


def samples(path, parse):
    return {(s.name, *s.labels.values()): s.value for f in parse(path.read_text(encoding="utf-8")) for s in f.samples}


def test_metrics_are_read_by_both_parsers_and_the_last_success_is_kept(tmp_path):
    path = tmp_path / "zuofeng.prom"
    night = report(rejected=1)
    night.labels.update(a=4)
    write_metrics(path, night, source="来件", exit_code=1, now=NOW)
    read = samples(path, prometheus)
    assert read == samples(path, openmetrics)
    assert read["zuofeng_night_records", "new", "来件"] == 9
    assert read["zuofeng_night_label_documents", "a", "来件"] == 4
    write_metrics(path, None, source="来件", exit_code=3, now=NOW + dt.timedelta(days=1))
    read = samples(path, prometheus)
    assert read["zuofeng_night_exit_code", "来件"] == 3
    assert read["zuofeng_night_last_success_timestamp_seconds", "来件"] == NOW.timestamp()
    assert [p.name for p in tmp_path.iterdir()] == ["zuofeng.prom"]


def test_a_night_leaves_the_metrics_of_other_sources(tmp_path):
    path, later = tmp_path / "zuofeng.prom", NOW + dt.timedelta(hours=1)
    write_metrics(path, None, source='来"件\\', exit_code=2, now=NOW)
    before = samples(path, prometheus)
    write_metrics(path, report(), source="接口", exit_code=0, now=later)
    read = samples(path, prometheus)
    assert read == samples(path, openmetrics)
    assert read == read | before
    assert read["zuofeng_night_last_success_timestamp_seconds", "接口"] == later.timestamp()
    assert ("zuofeng_night_last_success_timestamp_seconds", '来"件\\') not in read
    write_metrics(path, None, source="接口", exit_code=0, now=later)
    assert not any(name == "zuofeng_night_records" for name, *_ in samples(path, prometheus))


def test_the_last_success_of_a_file_without_sources_is_kept(tmp_path):
    path = tmp_path / "zuofeng.prom"
    path.write_text(
        "zuofeng_night_last_success_timestamp_seconds 5.0\nzuofeng_night_starts 1\n# EOF\n", encoding="utf-8"
    )
    write_metrics(path, None, source="来件", exit_code=2, now=NOW)
    read = samples(path, prometheus)
    assert read["zuofeng_night_last_success_timestamp_seconds", "来件"] == 5
    assert ("zuofeng_night_starts",) not in read


def test_a_night_that_raises_is_told_and_raises_all_the_same(tmp_path):
    path = tmp_path / "z.prom"
    with pytest.raises(UnfinishedError, match="ZF-X"), watched(metrics=path, alert=[], source="来件"):
        raise UnfinishedError("ZF-X", "没做完")
    assert samples(path, prometheus)["zuofeng_night_exit_code", "来件"] == 3


@pytest.mark.parametrize("error", [UnfinishedError("ZF-X", "没做完"), ZeroDivisionError()])
def test_somebody_is_told_of_any_work_that_broke_off(tmp_path, error):
    out = tmp_path / "told.json"
    copy = [sys.executable, "-c", f"import sys; open({str(out)!r}, 'wb').write(sys.stdin.buffer.read())"]
    with pytest.raises(type(error)), watched(metrics=None, alert=copy, work="重新打分"):
        raise error
    (told,) = json.loads(out.read_text(encoding="utf-8"))["alerts"]
    assert (told["kind"], told["message"].startswith("重新打分没有做完")) == ("failed", True)
    out.unlink()
    with watched(metrics=None, alert=copy, work="按保留期清除"):
        pass
    assert not out.exists()


@pytest.mark.usefixtures("restored_logs")
def test_logs_are_json_and_say_nothing_of_texts_numbers_or_names(night, write_jsonl, records):
    out = io.StringIO()
    configure_logs("json", out)
    one = night(write_jsonl("张三来信.jsonl", [*records, {"id": "空编号", "text": " "}]))
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["message"] for line in lines[:1] + lines[-1:]] == ["开始", "结束"]
    assert sum(line["read"] for line in lines if line["message"] == "一批做完") == one.read == 41
    words = [*(r["text"][:8] for r in records), *(r["id"] for r in records), "张三", "空编号"]
    assert [w for w in words if w in out.getvalue()] == []


@pytest.mark.usefixtures("restored_logs")
def test_a_line_of_text_says_why_too_and_where_but_not_the_words_of_an_error():
    out = io.StringIO()
    configure_logs("text", out)
    log = logging.getLogger("zuofeng.test")
    log.warning("影子模型没有参加", extra={"fields": {"model": "m-2", "code": "ZF-SHADOW-TAXONOMY"}})
    try:
        json.loads("张三来信")
    except ValueError:
        log.exception("读不了")
    first, second, *places = out.getvalue().splitlines()
    assert first.endswith(" 影子模型没有参加 model=m-2 code=ZF-SHADOW-TAXONOMY")
    assert second.endswith(" 读不了 error=JSONDecodeError")
    assert __file__ in places[0]
    assert "张三" not in out.getvalue()


def test_earlier_nights_of_the_same_model_and_source_are_what_is_usual(night, write_jsonl, records, other):
    first = night(write_jsonl("a.jsonl", records[:30]))
    night(write_jsonl("c.jsonl", records[30:35]))
    night(write_jsonl("b.jsonl", records), scorer=other)
    last = night(write_jsonl("a.jsonl", records))
    assert earlier_nights(last.run) == [Night(30, first.labels)]
