"""Texts go and stay gone; scores, their origin and the ledger stay."""

import datetime as dt
import json
from pathlib import Path

import pytest
from batch.conftest import age, files_below, loses_answers

from pipeline.batch.patience import Patience
from pipeline.batch.purge import purge
from pipeline.batch.rescore import rescore
from pipeline.desk.configure import open_store
from pipeline.errors import UnfinishedError

#: A sentence that no other text has.
MARK = "紫檀算盘第九颗珠子"


@pytest.fixture
def clean(store, tmp_path):
    def run(days=730, **options):
        before = options.pop("before", None) or dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
        return purge(before=before, store=store, state=tmp_path / "state", **options)

    return run


@pytest.fixture
def marked(records):
    """Records whose every text can be found again wherever it is kept."""
    made = [{**r, "text": f"{MARK}{i}。{r['text']}", "title": f"{MARK}题{i}"} for i, r in enumerate(records[:20])]
    return [*made, {**made[0], "text": f"{MARK}编号相同而内容不同"}]


def scores():
    from pipeline.desk.models import Prediction

    rows = Prediction.objects.order_by("document__key", "model")
    return [
        (*row, [(e["label"], e["start"], e["end"], e["weight"]) for e in evidence])
        for *row, evidence in rows.values_list(
            "document__key", "model", "text_hash", "thresholds", "is_problem", "problem_score", "scores", "decided",
            "run_id", "evidence",
        )
    ]  # fmt: skip


def everything():
    """All columns of all tables that may hold a text."""
    from pipeline.desk.models import Chunk, Document, Prediction, RejectedRecord, Run

    tables = (Document, Prediction, RejectedRecord, Chunk, Run)
    return json.dumps([list(t.objects.values()) for t in tables], default=str, ensure_ascii=False)


def test_what_was_written_over_is_in_no_free_page(tmp_path, monkeypatch):
    """Whatever SQLite was built with."""
    from django.db.backends.sqlite3 import base

    real, path = base.Database.connect, tmp_path / "store.sqlite3"

    def plain(*args, **options):
        made = real(*args, **options)
        made.execute("PRAGMA secure_delete=OFF")
        return made

    monkeypatch.setattr(base.Database, "connect", plain)
    open_store(f"sqlite:///{path}", bring_up=False)
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE one (text TEXT)")
        cursor.execute("INSERT INTO one VALUES (%s)", [MARK * 2000])
        cursor.execute("UPDATE one SET text = '改过了'")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert MARK.encode() not in path.read_bytes()


def test_texts_go_and_scores_stay(night, clean, write_jsonl, marked):
    from pipeline.desk.models import Document, Run

    night(write_jsonl("in/a.jsonl", marked))
    age(800)
    before = scores()
    report = clean()
    assert report.counts["documents"] == report.counts["quotes"] == 20
    assert MARK not in everything()
    assert scores() == before
    assert Document.objects.filter(purged=True, text="", title="").count() == 20
    run = Run.objects.get(kind="purge")
    assert (run.state, run.counts) == ("done", dict(report.counts))
    assert sum(c.counts["documents"] for c in run.chunks.filter(source="documents")) == 20
    assert clean().counts.total() == 0


def test_a_night_whose_clock_had_gone_back_is_as_young_as_those_before_it(night, clean, write_jsonl, marked, tmp_path):
    from pipeline.desk.models import Document, Run

    then = dt.datetime.now(dt.UTC) - dt.timedelta(days=900)
    night(write_jsonl("a.jsonl", marked[:10]))
    late = night(write_jsonl("b.jsonl", [*marked[10:20], marked[19]]))
    Run.objects.filter(id=late.run).update(started=then)
    Document.objects.filter(run=late.run).update(stored=then)
    listed = tmp_path / "state" / "reports" / f"{late.run}-rejected.csv"
    assert clean(dry_run=True).counts.total() == clean().counts.total() == 0
    assert listed.exists()
    age(800)
    assert clean().counts["documents"] == 20
    assert not listed.exists()


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_no_byte_of_a_purged_text_is_left_in_the_files(night, clean, write_jsonl, marked, store, tmp_path):
    from pipeline.desk.models import Prediction

    long = [{**r, "text": r["text"] + MARK * 3000} for r in marked[:3]]  # does not fit on a page
    night(write_jsonl("in/a.jsonl", [*marked[3:], *long]))
    age(800)
    path = Path(store.removeprefix("sqlite:///"))
    # As JSON writes them into the database.
    quotes = {
        json.dumps(e["quote"], ensure_ascii=False)[1:-1].encode() for p in Prediction.objects.all() for e in p.evidence
    }
    quotes = {q for q in quotes if len(q) > 3 * 5}

    def held():
        database = b"".join(p.read_bytes() for p in path.parent.glob(f"{path.name}*"))
        reports = files_below(tmp_path / "state")
        return MARK.encode() in database, any(q in database for q in quotes), MARK.encode() in reports

    assert held() == (True, True, True)
    report = clean()
    assert report.counts["files"] > 0
    assert held() == (False, False, False)


def test_a_recent_report_keeps_only_texts_that_are_still_in_the_store(night, clean, write_jsonl, marked):
    old, new = marked[:10], marked[10:20]
    night(write_jsonl("in/a.jsonl", old))
    age(800)
    recent = Path(night(write_jsonl("in/b.jsonl", new)).report_file)

    def top():
        return json.loads(recent.read_text(encoding="utf-8"))["top"]

    before = top()
    listed = {d["id"] for d in before}
    changed, *stay = [r for r in new if r["id"] in listed]
    assert stay
    assert listed & {r["id"] for r in old}
    night(write_jsonl("in/c.jsonl", [{**changed, "text": changed["text"] + "至今没有人来。"}]))
    files = clean(dry_run=True).counts["files"]
    assert top() == before
    assert clean().counts["files"] == files
    assert top() == [d for d in before if d["id"] in {r["id"] for r in stay}]
    assert clean().counts["files"] == 0


def test_a_table_without_a_header_leaves_nothing_of_its_first_record_in_the_report(
    night, clean, write_jsonl, marked, tmp_path
):
    write_jsonl("in/b.jsonl", marked[:2])
    (tmp_path / "in" / "a.csv").write_text(f"{MARK},街道\n第二件,街道\n", encoding="utf-8")
    report = Path(night(tmp_path / "in").report_file)
    said = json.loads(report.read_text(encoding="utf-8"))["unreadable"]
    assert MARK in said[0]["reason"]
    assert clean().counts["files"] == 0
    age(800)
    assert clean(dry_run=True).counts["files"] == clean().counts["files"] == 1
    left = json.loads(report.read_text(encoding="utf-8"))["unreadable"]
    assert left == [{**said[0], "reason": "a.csv 里没有可作正文的列"}]
    assert clean().counts["files"] == 0


def test_reports_of_runs_that_the_store_does_not_know_go_by_their_age(night, clean, write_jsonl, marked, tmp_path):
    report = Path(night(write_jsonl("in/a.jsonl", marked)).report_file)
    listed = report.with_name(f"{report.stem}-rejected.csv")
    # As they stay behind when an earlier day of the store is put back, or another store is used from now on.
    for day, path in ((day, path) for day in ("20200101", "29990101") for path in (report, listed)):
        path.with_name(day + path.name[8:]).write_bytes(path.read_bytes())
    (report.parent / "备忘.json").write_text("{}", encoding="utf-8")
    others = [report.with_name("29990101" + p.name[8:]).read_bytes() for p in (report, listed)]
    assert clean(dry_run=True).counts["files"] == clean().counts["files"] == 2
    old = report.with_name("20200101" + report.name[8:])
    assert not old.with_name("20200101" + listed.name[8:]).exists()
    assert json.loads(old.read_text(encoding="utf-8"))["top"] == []
    assert MARK in report.read_text(encoding="utf-8")
    assert [report.with_name("29990101" + p.name[8:]).read_bytes() for p in (report, listed)] == others
    assert clean().counts["files"] == 0


def test_the_callers_own_table_and_file_stay_as_they_were(
    table_night, night, clean, caller, texts, write_jsonl, tmp_path
):
    from pipeline.desk.models import Prediction

    caller.make("工单", list(enumerate(texts[:12])))
    source, out = (
        write_jsonl("a.jsonl", [{"id": f"甲{i}", "text": t} for i, t in enumerate(texts[:12])]),
        tmp_path / "o.csv",
    )
    table_night(caller.source(table="工单"))
    night(source, write_back=out)
    rows, written = caller.rows("工单"), out.read_bytes()
    assert any(p.evidence for p in Prediction.objects.all())
    age(800)
    clean()
    caller.count_writes("工单")
    assert table_night(caller.source(table="工单")).unchanged == 12
    assert night(source, write_back=out).unchanged == 12
    assert caller.writes() == []
    assert (caller.rows("工单"), out.read_bytes()) == (rows, written)
    assert not any(e["quote"] for p in Prediction.objects.all() for e in p.evidence)


def test_what_was_handed_in_goes_when_all_of_it_is_gone(night, clean, write_jsonl, marked, tmp_path):
    inbox = tmp_path / "inbox"
    all_old, half = (write_jsonl(f"inbox/{n}.jsonl", some) for n, some in (("a", marked[:5]), ("b", marked[5:10])))
    night(inbox)
    unread = write_jsonl("inbox/c.jsonl", marked[10:12])
    torn, empty = tmp_path / "inbox" / "d.jsonl", tmp_path / "inbox" / "e.jsonl"
    torn.write_text('{"id": "x", "text": ', encoding="utf-8")
    empty.touch()
    age(800, [r["id"] for r in marked[:8]])
    before = clean(inbox=inbox, dry_run=True).counts["files"]
    assert all_old.exists()
    assert clean(inbox=inbox).counts["files"] == before == 2  # with the report that lists them
    assert [p.exists() for p in (all_old, half, unread, torn, empty)] == [False, True, True, True, True]
    assert night(inbox).new == 2


def test_only_texts_old_enough_go_and_a_changed_text_is_new(night, clean, write_jsonl, marked):
    from pipeline.desk.models import Document

    night(write_jsonl("in/a.jsonl", marked[:20]))
    age(800, [r["id"] for r in marked[:12]])
    moved = [{**r, "承办单位": "某委"} for r in marked[:4]]
    changed = [{**r, "text": r["text"] + "至今没有人来。"} for r in marked[4:8]]
    assert night(write_jsonl("in/a.jsonl", [*moved, *changed, *marked[8:20]])).changed == 4
    assert clean().counts["documents"] == 8
    left = set(Document.objects.filter(purged=False).values_list("key", flat=True))
    assert left == {r["id"] for r in marked[4:8] + marked[12:20]}


def test_quotes_of_a_text_that_was_replaced_go_from_what_other_models_said(night, clean, write_jsonl, marked, other):
    from pipeline.desk.models import Prediction

    def quoting(model):
        said = Prediction.objects.filter(model=model).order_by("document__key")
        return [p.document.key for p in said.select_related("document") if any(e["quote"] for e in p.evidence)]

    night(write_jsonl("in/a.jsonl", marked[:20]))
    live = Prediction.objects.values_list("model", flat=True).first()
    age(800)
    before = scores()
    told = set(quoting(live))
    changed = [{**r, "text": f"{r['text'][::-1]}至今没有人来。"} for r in marked[:12]]
    stay = {r["id"] for r in marked[12:20]}
    assert night(write_jsonl("in/a.jsonl", [*changed, *marked[12:20]]), scorer=other).changed == 12
    age(10, stay)
    new = quoting("other-model")
    assert told - stay
    assert new
    dry = clean(dry_run=True).counts
    done = clean().counts
    assert done == dry
    assert (done["documents"], done["quotes"]) == (0, len(told - stay))
    assert (set(quoting(live)), quoting("other-model")) == (told & stay, new)
    assert [row for row in scores() if row[1] == live] == before
    assert clean().counts["quotes"] == 0


def test_what_was_purged_stays_purged_when_it_comes_again(night, clean, write_jsonl, marked, other, store, tmp_path):
    from pipeline.desk.models import Prediction

    source = write_jsonl("in/a.jsonl", marked[:20])
    night(source)
    age(800)
    clean()
    for _ in range(2):  # the second asks the store for nothing
        assert night(source).unchanged == 20
    assert night(source, scorer=other).rescored == 20  # the source still has the text
    assert MARK not in everything()
    assert Prediction.objects.filter(model="other-model").count() == 20
    assert rescore(scorer=other, store=store, state=tmp_path / "state").read == 0
    again = [{**marked[0], "text": f"{MARK}又写了一封"}, *marked[1:20]]
    assert night(write_jsonl("in/a.jsonl", again)).changed == 1
    assert f"{MARK}又写了一封" in everything()


def test_a_dry_run_says_what_would_go_and_touches_nothing(night, clean, write_jsonl, marked, tmp_path):
    night(write_jsonl("in/a.jsonl", marked))
    age(800)
    before, files = everything(), sorted(tmp_path.rglob("*"))
    dry = clean(dry_run=True)
    assert (everything(), sorted(tmp_path.rglob("*"))) == (before, files)
    done = clean()
    assert done.counts == dry.counts
    assert done.counts["rejected"] == 1
    assert done.counts["files"] == 2


def test_one_that_was_stopped_is_continued(night, clean, write_jsonl, marked, monkeypatch):
    from pipeline.desk.models import Run

    night(write_jsonl("in/a.jsonl", marked))
    age(800)
    from pipeline.batch import removal

    monkeypatch.setattr(removal, "CHUNK", 6)
    before = dt.datetime.now(dt.UTC) - dt.timedelta(days=700)
    run = Patience.run

    def stops(self, work):
        if Run.objects.filter(kind="purge", chunks__number=2).exists():
            self.stop.set()
        return run(self, work)

    with monkeypatch.context() as patch:
        patch.setattr(Patience, "run", stops)
        with pytest.raises(UnfinishedError, match="ZF-PURGE-STOPPED"):
            clean(before=before)
    left = Run.objects.get(kind="purge")
    assert left.state == "unfinished"
    assert 0 < left.counts["documents"] < 20
    report = clean(before=before)
    assert (report.counts["documents"], report.starts) == (20, 2)
    assert Run.objects.get(kind="purge").state == "done"


def test_a_commit_whose_answer_is_lost_is_counted_once_and_wholly(night, clean, write_jsonl, marked, monkeypatch):
    from pipeline.batch import removal
    from pipeline.desk.models import Chunk, Run

    night(write_jsonl("in/a.jsonl", marked))
    age(800)
    monkeypatch.setattr(removal, "CHUNK", 6)
    loses_answers(monkeypatch, removal, False, True)  # of beginning, of the first chunk
    assert clean().counts["documents"] == 20
    run = Run.objects.get(kind="purge")
    assert run.counts["documents"] == 20
    chunks = Chunk.objects.filter(run=run, source="documents").order_by("number")
    assert [c.counts["documents"] for c in chunks] == [6, 6, 6, 2]


def test_begin_and_end_stand_in_the_sealed_trail(night, clean, write_jsonl, marked):
    from pipeline.desk import audit
    from pipeline.desk.tables import AuditEntry

    night(write_jsonl("in/a.jsonl", marked[:5]))
    age(1000)
    clean(dry_run=True)
    assert not AuditEntry.objects.filter(action__startswith="purge.").exists()
    done = clean(actor="ops")
    begin, end = AuditEntry.objects.filter(action__startswith="purge.").order_by("number")
    assert [(e.action, e.actor, e.target) for e in (begin, end)] == [
        ("purge.begin", "ops", done.run),
        ("purge.end", "ops", done.run),
    ]
    assert (end.detail["state"], end.detail["documents"], end.detail["quotes"]) == ("done", 5, 5)
    _, _, broken = audit.verify()
    assert broken == []
