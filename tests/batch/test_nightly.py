import csv
import datetime as dt
import json
import os
import threading
from pathlib import Path

import pytest
from batch.conftest import dies, listed, loses_answers
from django.db import connection
from filelock import FileLock
from openpyxl import Workbook, load_workbook

from pipeline.batch.nightly import nightly
from pipeline.batch.sources import ColumnMap, Limits
from pipeline.batch.worker import BrokenScoringError
from pipeline.desk.configure import behind, open_store
from pipeline.documents import Rejected
from pipeline.errors import ConfigError, SourceError, UnfinishedError

#: What is read and written back is the same whatever the store.
any_store = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


def rows():
    """Every row of the store that a night may write, without its own number."""
    from pipeline.desk.models import Document, Prediction

    return (
        list(Document.objects.order_by("key").values_list("key", "text", "text_hash", "place")),
        list(
            Prediction.objects.order_by("document__key").values_list(
                "document__key", "model", "decided", "scores", "evidence"
            )
        ),
    )


def adds_up(report):
    return report.read == report.new + report.changed + report.rescored + report.unchanged + report.rejected


def test_stored_results_are_what_classify_says(night, write_jsonl, records, scorer):
    from pipeline.desk.models import Prediction
    from pipeline.documents import Document

    night(write_jsonl("a.jsonl", records))
    expected = {p.id: p.to_dict() for p in scorer.score([Document(r["id"], r["text"]) for r in records])}
    for p in Prediction.objects.select_related("document"):
        want = expected[p.document.key]
        assert p.scores == want["scores"]
        assert p.evidence == want["evidence"]
        assert p.decided == {s: want[s] for s in p.scores}
        assert (p.model, p.text_hash) == (want["model"], p.document.text_hash)
        assert p.taxonomy.endswith(scorer.bundle.taxonomy.version)


def test_new_and_changed_texts_are_scored_and_others_left(night, write_jsonl, records):
    night(write_jsonl("a.jsonl", records[:30]))
    changed = [{**records[0], "text": records[0]["text"] + "至今没有人来。"}, *records[1:]]
    report = night(write_jsonl("a.jsonl", changed))
    assert (report.new, report.changed, report.unchanged) == (10, 1, 29)
    assert rows()[0][[k for k, *_ in rows()[0]].index(records[0]["id"])][1].endswith("至今没有人来。")


def test_another_model_scores_everything_again_and_keeps_the_old(night, write_jsonl, records, other):
    from pipeline.desk.models import Prediction

    source = write_jsonl("a.jsonl", records)
    night(source)
    report = night(source, scorer=other)
    assert (report.rescored, report.new) == (40, 0)
    assert Prediction.objects.count() == 80


def test_numbers_that_come_twice_are_set_aside_with_the_reason(night, write_jsonl, records):
    twice = [*records[:5], records[0], {**records[1], "text": "另一件事，编号却一样"}]
    report = night(write_jsonl("a.jsonl", twice), chunk=3)
    assert (report.new, report.rejected, report.exit_code) == (5, 2, 1)
    assert [r["代码"] for r in listed(report.rejected_file)] == ["ZF-REC-DUPLICATE", "ZF-REC-CONFLICT"]
    from pipeline.desk.models import Document, RejectedRecord

    assert Document.objects.get(key=records[1]["id"]).text == records[1]["text"]
    assert RejectedRecord.objects.count() == 2


def test_where_nothing_was_ever_handed_in_the_night_has_nothing_to_do(night, tmp_path):
    inbox = tmp_path / "state" / "api-inbox"
    found = night(inbox, inbox=inbox)
    assert (found.state, found.read, found.exit_code) == ("done", 0, 0)
    for elsewhere in (tmp_path / "来件", inbox / "一份.jsonl"):
        with pytest.raises(SourceError, match="ZF-SRC-MISSING"):
            night(elsewhere, inbox=inbox)


def test_what_was_handed_in_does_not_undo_what_another_source_says(night, write_jsonl, records, tmp_path):
    from pipeline.desk.models import Document, RejectedRecord

    given = [{**r, "unit": "接口"} for r in records[:12]]
    inbox, main = write_jsonl("inbox/a.jsonl", given).parent, tmp_path / "main"
    # Before it was taken in the first ones came from elsewhere; later others change there, and fields of the rest.
    write_jsonl("main/a.jsonl", [{**r, "text": r["text"] + "至今没有人来。", "unit": "街道"} for r in given[:2]])
    assert night(main).new == 2
    first = night(inbox, inbox=inbox)
    assert (first.new, first.rejected, first.reasons) == (10, 2, {"ZF-REC-CONFLICT": 2})
    assert RejectedRecord.objects.filter(raw__in=[r["text"] for r in given[:2]]).count() == 2
    texts = [f"{r['text']}至今没有人来。" for r in given[:5]] + [r["text"] for r in given[5:]]
    write_jsonl("main/a.jsonl", [{**r, "text": t, "unit": "街道"} for r, t in zip(given, texts, strict=True)])
    assert night(main).changed == 3

    def stored():
        return list(Document.objects.order_by("key").values_list("key", "text", "unit", "place"))

    before = stored()
    assert {unit for _, _, unit, _ in before} == {"街道"}
    for dry in (True, False, False):
        again = night(inbox, inbox=inbox, dry_run=dry)
        assert (again.changed, again.unchanged, again.rejected) == (0, 7, 5)
        assert adds_up(again)
        assert stored() == before
    assert night(main).unchanged == 12


@any_store
def test_rows_of_a_chunk_that_was_set_aside_stand_in_the_file_with_the_reason(
    night, write_jsonl, records, scorer, tmp_path
):
    class Breaks:
        def score(self, documents):
            if any(d.id == records[10]["id"] for d in documents):
                raise BrokenScoringError("一条也打不了分")
            return list(scorer.score(documents))

    source, out = write_jsonl("a.jsonl", [*records, {"id": "空", "text": ""}]), tmp_path / "out.csv"

    def written():
        return [(r["id"] or r["编号"], r["zuofeng_模型"], r["zuofeng_说明"]) for r in listed(out)]

    assert [a["records"] for a in night(source, scoring=Breaks(), write_back=out).aside] == [7]
    rows = written()
    assert [key for key, *_ in rows] == [*(r["id"] for r in records), "空"]
    noted = {key: note for key, model, note in rows if not model}
    assert noted.keys() == {*(r["id"] for r in records[7:14]), "空"}
    assert noted.pop("空").startswith("ZF-REC-EMPTY")
    assert {note.partition("：")[2] for note in noted.values()} == {"BrokenScoringError: 一条也打不了分"}
    assert night(source, write_back=out).new == 7
    assert [(key, bool(model)) for key, model, _ in written()] == [(key, key != "空") for key, *_ in rows]


@any_store
def test_numbers_that_excel_has_rounded_put_no_complaint_in_place_of_another(night, tmp_path):
    from pipeline.desk.models import Document, RejectedRecord

    for text in ("路灯坏了没人修", "窗口办事互相推诿"):
        (tmp_path / "a.csv").write_text(f"工单编号,内容\n2.02611E+17,{text}\n乙 5E+3,{text}\n", encoding="utf-8")
        report = night(tmp_path / "a.csv")
    assert (report.rejected, report.reasons, report.exit_code) == (1, {"ZF-REC-DIGITS": 1}, 1)
    assert [d.key for d in Document.objects.all()] == ["乙 5E+3"]
    assert [r.raw for r in RejectedRecord.objects.order_by("id")] == ["路灯坏了没人修", "窗口办事互相推诿"]
    # As numbers they are no better, whatever digits a float has to offer.
    book = Workbook()
    for row in (["工单编号", "内容"], [202611290000012345, "甲"], [2026112900000123, "乙"]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    assert night(tmp_path / "a.xlsx").rejected == 1
    assert RejectedRecord.objects.order_by("-id")[0].key == "2.02611290000012E+17"
    assert Document.objects.filter(key="2026112900000123").exists()


@any_store
def test_reasons_are_counted_by_their_codes_however_many_sentences(night, write_jsonl, records):
    from pipeline.desk.models import Chunk

    twice = [*records[:9], *records[:9], {**records[9], "text": " "}]
    report = night(write_jsonl("a.jsonl", twice), chunk=20)
    assert report.reasons == {"ZF-REC-DUPLICATE": 9, "ZF-REC-EMPTY": 1}
    assert Chunk.objects.get().counts["reasons"] == report.reasons
    assert len({r["原因"] for r in listed(report.rejected_file)}) == 10


def test_a_run_begun_by_a_version_that_counted_sentences_is_continued_and_shown(
    table_night, caller, texts, scorer, monkeypatch, capsys
):
    from rich.console import Console

    from pipeline.cli.nightly import show
    from pipeline.desk.models import Chunk

    caller.make("工单", list(enumerate(["", *texts[:12], ""])))
    source = caller.source(table="工单")
    score = scorer.score
    monkeypatch.setattr(scorer, "score", lambda d, **more: 1 / 0 if any(x.id == "9" for x in d) else score(d, **more))
    with pytest.raises(ZeroDivisionError):
        table_night(source, write=False)
    first = Chunk.objects.get(number=1)
    first.counts["reasons"] = {"正文是空的。": 1}
    first.save()
    monkeypatch.undo()
    report = table_night(source, write=False)
    assert (report.starts, report.rejected, report.reasons) == (2, 2, {"正文是空的。": 1, "ZF-REC-EMPTY": 1})
    show(report, scorer.bundle.taxonomy, Console(width=200))
    shown = capsys.readouterr().out
    assert ("正文是空的。" in shown, "正文是空的（ZF-REC-EMPTY）" in shown) == (True, True)


def test_texts_no_database_can_hold_are_stored_all_the_same(night, tmp_path):
    path = tmp_path / "odd.jsonl"
    path.write_bytes(
        b'{"id": "nul", "text": "a\\u0000b \\u529e\\u4e8b"}\n'
        b'{"id": "lone", "text": "\\ud800\\u6ca1\\u4eba\\u7ba1"}\n'
        b'{"id": "emoji", "text": "\\ud83d\\ude00\\u200f"}\n{"id": "one", "text": "\\u5511"}\n'
    )
    report = night(path)
    assert (report.new, report.rejected) == (4, 0)
    assert night(path).unchanged == 4


def test_a_dry_run_counts_and_writes_nothing(night, write_jsonl, records):
    report = night(write_jsonl("a.jsonl", records), dry_run=True)
    assert (report.new, report.dry_run) == (40, True)
    assert rows() == ([], [])
    from pipeline.desk.models import Run

    assert Run.objects.count() == 0


def test_a_dry_run_without_a_store_makes_none(scorer, bare_store, write_jsonl, records, tmp_path):
    source = write_jsonl("in/a.jsonl", records)
    before = sorted(tmp_path.rglob("*"))
    work = {
        "scorer": scorer, "store": bare_store, "state": tmp_path / "state", "columns": ColumnMap(), "limits": Limits(),
    }  # fmt: skip
    for _ in range(2):
        report = nightly(source=str(source), dry_run=True, **work)
        assert (report.new, report.exit_code) == (40, 0)
    left = [p for p in sorted(tmp_path.rglob("*")) if p not in before]
    assert [p.name for p in left] == ([] if bare_store.startswith("sqlite") else ["state", "nightly.lock"])
    open_store(bare_store, bring_up=False)
    assert behind() is None
    assert nightly(source=str(source), **work).new == 40


def test_a_dry_run_leaves_tables_that_are_behind_as_they_are(night, store, write_jsonl, records, tmp_path):
    from django.db.migrations.recorder import MigrationRecorder

    from pipeline.batch.purge import purge

    source = write_jsonl("a.jsonl", records)
    open_store(store, bring_up=False)
    MigrationRecorder(connection).migration_qs.filter(app="desk").order_by("-name").first().delete()
    assert behind() == 1
    day = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    for dry in (
        lambda: night(source, dry_run=True),
        lambda: purge(before=day, store=store, state=tmp_path / "state", dry_run=True),
    ):
        with pytest.raises(ConfigError, match="ZF-STORE-OLD"):
            dry()
        assert behind() == 1


@any_store
def test_an_unreadable_file_in_an_inbox_does_not_stop_the_night(night, write_jsonl, records, tmp_path):
    write_jsonl("in/good.jsonl", records[:4])
    (tmp_path / "in" / "bad.xlsx").write_bytes(b"<html><table></table></html>")
    report = night(tmp_path / "in")
    assert report.new == 4
    assert [u["code"] for u in report.unreadable] == ["ZF-SRC-HTML"]
    assert report.exit_code == 1


@any_store
def test_a_folder_that_cannot_be_read_is_said_and_the_others_count(night, write_jsonl, records, tmp_path):
    write_jsonl("in/good.jsonl", records[:4])
    (tmp_path / "in" / "分局").symlink_to(tmp_path / "没有挂上的盘")
    report = night(tmp_path / "in")
    assert (report.new, report.state, report.exit_code) == (4, "done", 1)
    assert [(u["file"], u["code"]) for u in report.unreadable] == [(f"{tmp_path}/in/分局", "ZF-SRC-UNREADABLE")]


@any_store
def test_a_source_that_cannot_be_read_at_all_is_an_error(night, tmp_path):
    (tmp_path / "bad.xlsx").write_bytes(b"<html></html>")
    with pytest.raises(SourceError, match="ZF-SRC-HTML"):
        night(tmp_path / "bad.xlsx")
    with pytest.raises(SourceError):
        night(tmp_path / "none.csv")


@any_store
def test_an_empty_file_beside_one_that_is_no_source_is_an_empty_night(night, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "空.csv").write_text("编号,内容\n", encoding="utf-8")
    (tmp_path / "in" / "readme.pdf").write_bytes(b"%PDF-1.7")
    report = night(tmp_path / "in")
    assert (report.state, report.read, report.exit_code) == ("done", 0, 1)
    assert [u["code"] for u in report.unreadable] == ["ZF-SRC-SUFFIX"]


@any_store
def test_what_is_still_being_copied_waits_for_the_next_night(night, write_jsonl, records, tmp_path):
    write_jsonl("in/good.jsonl", records[:4])
    whole = write_jsonl("more.jsonl", records[4:7])
    copy = tmp_path / "in" / "more.jsonl.filepart"
    copy.write_bytes(whole.read_bytes()[:100])
    (tmp_path / "in" / "Thumbs.db").write_bytes(b"x")
    report = night(tmp_path / "in")
    assert (report.new, report.unreadable, report.exit_code) == (4, [], 0)
    copy.write_bytes(whole.read_bytes())
    copy.rename(tmp_path / "in" / "more.jsonl")
    assert night(tmp_path / "in").new == 3


@any_store
def test_a_copy_that_broke_off_is_said(night, write_jsonl, records, tmp_path, monkeypatch):
    write_jsonl("in/good.jsonl", records[:4])
    (tmp_path / "in" / "more.xlsx.part").write_bytes(b"PK")
    monkeypatch.setattr("pipeline.batch.sources.inbox._PAUSE", 0.0)
    report = night(tmp_path / "in")
    assert [(u["file"], u["code"]) for u in report.unreadable] == [(f"{tmp_path}/in/more.xlsx.part", "ZF-SRC-SUFFIX")]


def test_a_second_run_at_the_same_time_is_refused(night, write_jsonl, records, tmp_path):
    source = write_jsonl("a.jsonl", records[:3])
    (tmp_path / "state").mkdir()
    held, done = threading.Event(), threading.Event()

    def hold():
        with FileLock(tmp_path / "state" / "nightly.lock"):
            held.set()
            done.wait(30)

    other = threading.Thread(target=hold)
    other.start()
    held.wait(30)
    with pytest.raises(UnfinishedError, match="ZF-NIGHT-RUNNING"):
        night(source)
    done.set()
    other.join()
    assert night(source).new == 3


def test_a_night_that_died_leaves_whole_chunks_and_is_continued(night, write_jsonl, records, scorer, monkeypatch):
    source = write_jsonl("a.jsonl", records)
    score, calls = scorer.score, []
    dies(monkeypatch, scorer, after=2)
    with pytest.raises(ZeroDivisionError):
        night(source)
    assert len(rows()[0]) == len(rows()[1]) == 14
    monkeypatch.undo()
    monkeypatch.setattr(scorer, "score", lambda documents, **o: calls.append(len(documents)) or score(documents, **o))
    report = night(source)
    assert (report.new, report.unchanged, report.starts) == (40, 0, 2)
    assert sum(calls) == 26
    from pipeline.desk.models import Chunk, Run

    assert list(Run.objects.values_list("id", "state")) == [(report.run, "done")]
    assert set(Chunk.objects.values_list("state", flat=True)) == {"done"}


def test_another_source_gives_the_dead_run_up(night, write_jsonl, records, scorer, monkeypatch):
    from pipeline.desk.models import Run

    dies(monkeypatch, scorer, after=0)
    with pytest.raises(ZeroDivisionError):
        night(write_jsonl("a.jsonl", records[:8]))
    monkeypatch.undo()
    assert night(write_jsonl("b.jsonl", records)).new == 40
    assert list(Run.objects.values_list("state", "serial")) == [("done", 2), ("died", 1)]


def test_a_source_changed_since_the_run_died_is_read_as_it_is(night, write_jsonl, records, scorer, monkeypatch):
    dies(monkeypatch, scorer, after=2)
    with pytest.raises(ZeroDivisionError):
        night(write_jsonl("a.jsonl", records[:21]))
    monkeypatch.undo()
    changed = [{**records[0], "text": records[0]["text"] + "至今没有人来。"}, *records[2:]]
    report = night(write_jsonl("a.jsonl", changed))
    assert adds_up(report)
    assert report.read == 39
    stored = {key: text for key, text, *_ in rows()[0]}
    assert {r["id"]: r["text"] for r in [records[1], *changed]} == stored


def test_the_report_lists_what_to_look_at_first(night, write_jsonl, records):
    report = night(write_jsonl("a.jsonl", records))
    scores = [round(t["problem_score"], 2) for t in report.top]
    assert scores == sorted(scores, reverse=True)
    assert 0 < len(report.top) <= 20
    written = json.loads(Path(report.report_file).read_text(encoding="utf-8"))
    assert written["read"] == 40
    assert sum(written["labels"].values()) == sum(report.labels.values()) > 0


@any_store
@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_write_back_returns_every_row_with_scores_and_no_formula(night, tmp_path, records, suffix):
    source = tmp_path / "in.csv"
    with source.open("w", encoding="gb18030", newline="") as f:
        out = csv.writer(f)
        out.writerow(["工单编号", "内容", "备注"])
        out.writerows([r["id"], r["text"].replace("\n", " "), "=1+cmd|' /C calc'!A0"] for r in records[:9])
        out.writerow(["空", "", "-5"])
    target = tmp_path / f"back{suffix}"
    for _ in range(2):  # the second time from what is stored
        report = night(source, write_back=target)
        table = read_table(target)
        header, *body = table
        assert len(body) == report.read == 10
        by_id = {row[header.index("工单编号")]: row for row in body if row[header.index("工单编号")]}
        assert set(by_id) == {r["id"] for r in records[:9]}
        assert all(row[header.index("备注")].startswith("'=") for row in by_id.values())
        assert {row[header.index("zuofeng_问题")] for row in by_id.values()} <= {"是", "否"}
        assert len([h for h in header if h.startswith("zuofeng_分_")]) == 19
        assert any("ZF-REC-EMPTY" in str(row[header.index("zuofeng_说明")]) for row in body)
    if suffix == ".csv":
        assert target.read_bytes().startswith(b"\xef\xbb\xbf")


@any_store
@pytest.mark.parametrize("source", ["in/a.csv", "in", "in/*.csv", "in/../in/a.csv"])
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_source_is_never_written_over(night, tmp_path, source, dry_run):
    (tmp_path / "in").mkdir()
    came = tmp_path / "in" / "a.csv"
    came.write_text("编号,内容\n1,没人管\n", encoding="utf-8")
    before = came.read_bytes()
    with pytest.raises(ConfigError, match="ZF-WRITEBACK-SOURCE"):
        night(tmp_path / source, write_back=came, dry_run=dry_run)
    assert came.read_bytes() == before


@any_store
def test_what_was_written_back_is_not_read_the_next_night(night, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("编号,内容\n1,没人管\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="ZF-WRITEBACK-SOURCE"):
        night(tmp_path / "in", write_back=tmp_path / "in" / "结果.csv")
    for where in (tmp_path / "结果.csv", tmp_path / "in" / ".结果.csv"):  # what is hidden is not read
        assert night(tmp_path / "in", write_back=where).read == 1


def read_table(path):
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as f:
            return list(csv.reader(f))
    book = load_workbook(path)
    table = [["" if c is None else c for c in row] for row in book.active.iter_rows(values_only=True)]
    assert all(c.data_type != "f" for row in book.active.iter_rows() for c in row)
    book.close()
    return table


@any_store
def test_a_changed_text_that_cannot_be_scored_gets_no_scores_of_the_old_one(night, write_jsonl, records, tmp_path):
    class Refusing:
        def score(self, documents):
            return [Rejected(d.place, "ZF-REC-SCORE", "打分出错", d.id, d.text) for d in documents]

    target = tmp_path / "out.csv"
    night(write_jsonl("a.jsonl", records[:3]), write_back=target)
    changed = [{**records[0], "text": "改过的正文，没有人打得了分。"}, *records[1:3]]
    report = night(write_jsonl("a.jsonl", changed), write_back=target, scoring=Refusing())
    assert (report.rejected, report.unchanged) == (1, 2)
    written = listed(target)
    assert [bool(row["zuofeng_问题分"]) for row in written] == [False, True, True]
    assert "ZF-REC-SCORE" in written[0]["zuofeng_说明"]


def test_a_chunk_beyond_what_a_query_may_ask_is_asked_in_parts(night, write_jsonl, records, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.batch.store.LOOKUP", 5)
    source = write_jsonl("a.jsonl", records)
    night(source, chunk=40)
    again = night(source, chunk=40, write_back=tmp_path / "out.csv")
    assert again.unchanged == len(records)
    assert all(row["zuofeng_问题分"] for row in listed(tmp_path / "out.csv"))


def test_a_name_in_gb18030_is_read_as_any_other(night, write_jsonl, records, tmp_path):
    from pipeline.desk.models import Chunk, Run

    source = write_jsonl("来件/b.jsonl", records[:5]).parent
    odd = os.fsdecode("投诉".encode("gb18030"))
    for name, some in (
        (f"{odd}.jsonl", [*records[5:10], {"id": "空", "text": " "}]),
        (f"{odd}/a.jsonl", records[10:12]),
    ):
        write_jsonl(f"来件/{name}", some)
    (source / f"{odd}.pdf").write_bytes(b"x")
    (source / f"{odd}.txt").write_bytes(b"")
    done = night(source)
    assert (done.new, done.rejected) == (12, 1)
    told = json.loads(Path(done.report_file).read_text(encoding="utf-8"))
    shown = [str(source / name) for name in ("b.jsonl", "投诉/a.jsonl", "投诉.jsonl", "投诉.txt")]
    assert sorted(told["sources"]) == sorted(shown)
    assert {u["file"] for u in told["unreadable"]} == {str(source / "投诉.pdf"), shown[3]}
    assert "投诉.jsonl:6" in Path(done.rejected_file).read_text(encoding="utf-8")
    assert {place.partition(":")[0] for *_, place in rows()[0]} == {"b.jsonl", "a.jsonl", "投诉.jsonl"}
    assert {*Chunk.objects.values_list("source", flat=True)} == {*shown[:3]}
    assert night(source / f"{odd}.jsonl").unchanged == 5
    assert Run.objects.first().source == shown[2]


def test_a_commit_whose_answer_is_lost_is_neither_done_twice_nor_counted_as_a_failure(
    night, write_jsonl, records, monkeypatch
):
    from pipeline.batch import night as at_work
    from pipeline.desk.models import Chunk, Document

    loses_answers(monkeypatch, at_work, True)
    report = night(write_jsonl("a.jsonl", records))
    assert (report.new, report.aside) == (len(records), [])
    assert Document.objects.count() == len(records)
    assert {*Chunk.objects.values_list("state", "attempts")} == {("done", 0)}
