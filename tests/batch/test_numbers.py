"""What a night says of numbers: nothing stored is changed for it."""

import json
from collections import Counter
from pathlib import Path

import pytest

from pipeline.batch.alert import judge
from pipeline.batch.numbers import sample
from pipeline.batch.report import RunReport


@pytest.fixture
def csv(tmp_path):
    def write(name, head, rows):
        path = tmp_path / "来件" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join([head, *(f"{n},{t}" for n, t in rows)]), encoding="utf-8")
        return path.parent

    return write


@pytest.fixture
def plain(texts):
    return [t.replace(",", "，").replace("\n", " ").replace('"', "") for t in texts]


def numbered(texts, start=1):
    return list(enumerate(texts, start))


def alerts(report, last=()):
    return [a.message for a in judge(report, "", [], last=dict(last)) if a.kind == "numbers"]


@pytest.mark.parametrize("head", ["流水号,内容", "'编号,内容"])
def test_known_texts_under_other_numbers_are_told_of(night, csv, plain, head):
    source = csv("1.csv", "编号,内容", numbered(plain[:24]))
    first = night(source)
    assert first.notices == []
    again = [(f"'{n}", t) for n, t in numbered(plain[:24])] if head.startswith("'") else numbered(plain[:24])
    csv("1.csv", head.removeprefix("'"), again)
    for dry in (True, False):
        report = night(source, dry_run=dry)
        assert (report.new, report.known_texts) == (24, 24)
        assert "新增 24 条里约有 24 条，库里已有一字不差的原文，编号却不同" in report.notices[0]
        assert alerts(report)
    assert json.loads(Path(report.report_file).read_bytes())["notices"] == report.notices
    quiet = night(source)
    assert (quiet.unchanged, quiet.notices) == (24, [])


def test_texts_that_come_twice_in_one_night_or_are_few_are_not(night, csv, plain):
    source = csv("1.csv", "编号,内容", numbered(plain[:24] * 4))
    assert night(source).notices == []
    csv("2.csv", "工单号,内容", numbered(plain[:19], start=100))
    assert night(source).notices == []


def test_numbers_that_begin_anew_are_told_of_and_corrections_are_not(night, csv, plain):
    source = csv("1.csv", "编号,内容", numbered(plain[:20]))
    night(source)
    csv("1.csv", "编号,内容", numbered([f"{t}至今没有人来。" for t in plain[:20]]))
    report = night(source)
    assert (report.changed, report.other_texts, report.notices) == (20, 0, [])
    csv("1.csv", "编号,内容", numbered(plain[20:40]))
    report = night(source)
    assert report.changed == report.other_texts == 20
    (notice,) = report.notices
    assert "内容有变的 20 条里约有 20 条" in notice
    assert alerts(report) == ["夜间任务" + notice.partition(" → ")[0]]


def test_records_without_a_number_are_told_of_with_the_column_that_may_hold_it(night, csv, plain, tmp_path):
    source = csv("张三.csv", "流水号,内容", numbered(plain[:20]))
    csv("2.csv", "编号,内容", [("t-1", plain[31])])
    (tmp_path / "来件" / "信.txt").write_text(plain[30], encoding="utf-8")
    report = night(source)
    assert report.unnumbered == {"张三.csv，像是编号的列：流水号": 20}
    (notice,) = report.notices
    assert "新增里有 20 条没有编号" in notice
    assert "（张三.csv，像是编号的列：流水号）" in notice
    # Alerts name no file, and come when it was otherwise the night before.
    assert [alerts(report, last) for last in ((), {"unnumbered": {"a": 1}}.items())] == [[], []]
    (message,) = alerts(report, {"unnumbered": {}}.items())
    assert "张三" not in message


def test_a_continued_night_tells_of_all_its_records(night, csv, plain, other):
    source = csv("1.csv", "编号,内容", numbered(plain[:28]))
    night(source)
    csv("1.csv", "流水号,内容", numbered(plain[:28]))
    report = night(source)
    from pipeline.desk.models import Run

    Run.objects.filter(pk=report.run).update(state="unfinished")
    again = night(source)
    assert again.starts == 2
    assert (again.known_texts, again.unnumbered, again.notices) == (28, report.unnumbered, report.notices)


def test_a_correction_beside_its_original_is_set_aside_and_comes_in_when_that_is_gone(night, csv, plain, tmp_path):
    from pipeline.desk.models import Document

    source = csv("1101.csv", "编号,内容", numbered(plain[:3]))
    csv("1102.csv", "编号,内容", [(2, plain[1] + "更正"), (4, plain[4])])
    report = night(source)
    assert report.reasons == {"ZF-REC-CONFLICT": 1}
    listed = Path(report.rejected_file).read_text(encoding="utf-8-sig")
    assert "与 1101.csv:3 编号相同而内容不同，留用先读到的那条" in listed
    assert "把 1101.csv 移出来源，下一夜就换成这条" in listed
    (source / "1101.csv").rename(tmp_path / "1101.csv")
    report = night(source)
    assert (report.changed, report.rejected) == (1, 0)
    assert Document.objects.get(key="2").text.endswith("更正")


def test_a_list_that_comes_anew_every_day_is_no_alarm_and_numbers_that_clash_are_one():
    def told(**reasons):
        counts = Counter({f"ZF-REC-{code}": number for code, number in reasons.items()})
        report = RunReport(run="r", model="m", sources=[], read=900, new=9, rejected=counts.total(), reasons=counts)
        return [a.kind for a in judge(report, "", [], last={"rejected": 40, "reasons": {"ZF-REC-DUPLICATE": 40}})]

    assert told(DUPLICATE=800) == []
    assert told(DUPLICATE=800, CONFLICT=20) == ["numbers"]
    assert told(DUPLICATE=40, COLUMN=20) == ["unread"]


@pytest.mark.parametrize(("of", "taken"), [(0, 0), (150, 150), (4000, 200), (4001, 191)])
def test_what_is_looked_up_of_many_is_taken_from_all_of_them(of, taken):
    taken_of = sample(range(of))
    assert len(taken_of) == taken
    assert not of or of - taken_of[-1] <= -(-of // max(taken, 1))
