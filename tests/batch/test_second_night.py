"""What the last run did just so is not looked up again, and whatever may have come in between is."""

import datetime as dt
from pathlib import Path

import pytest
from batch.conftest import dies
from batch.makers import Echo

from pipeline.batch.child import Bounds
from pipeline.batch.purge import purge
from pipeline.batch.rescore import rescore
from pipeline.batch.worker import Worker
from pipeline.documents import Rejected


@pytest.fixture
def asked(night, monkeypatch):
    """The numbers that the store was asked for."""
    from pipeline.batch import store as rows

    keys, known = [], rows.known
    monkeypatch.setattr(rows, "known", lambda some, model: keys.extend(some) or known(some, model))
    return keys


def stored():
    from pipeline.desk.models import Document, Prediction, RejectedRecord

    return [list(t.objects.order_by("pk").values()) for t in (Document, Prediction, RejectedRecord)]


def counted(report):
    return report.numbers(), report.reasons, report.exit_code


def listed(report):
    return Path(report.rejected_file).read_text(encoding="utf-8-sig")


def test_a_night_without_news_asks_the_store_for_no_document(night, write_jsonl, records, asked):
    again = [*records[:20], {"id": "empty", "text": " "}, records[3]]
    first = night(write_jsonl("a.jsonl", again))
    before = stored()
    asked.clear()
    second, third = night(first.sources[0]), night(first.sources[0])
    assert asked == []
    assert stored() == before
    assert (second.unchanged, second.rejected, second.read, second.exit_code) == (20, 2, 22, 1)
    assert counted(third) == counted(second)
    assert listed(first) == listed(second) == listed(third)


def test_only_the_chunk_with_news_is_looked_up(night, write_jsonl, records, asked):
    source = write_jsonl("a.jsonl", records)
    night(source)
    asked.clear()
    changed = {**records[10], "text": records[10]["text"] + "至今没有人来。"}
    report = night(write_jsonl("a.jsonl", [*records[:10], changed, *records[11:], {"id": "new", "text": "路灯坏了。"}]))
    assert (report.new, report.changed, report.unchanged) == (1, 1, 39)
    assert asked == [r["id"] for r in [*records[7:14], *records[35:]]] + ["new"]


def test_other_fields_of_the_same_text_are_written(night, write_jsonl, records):
    from pipeline.desk.models import Document

    night(write_jsonl("a.jsonl", records[:9]))
    night(write_jsonl("a.jsonl", [{**records[0], "unit": "城管局"}, *records[1:9]]))
    assert Document.objects.get(key=records[0]["id"]).unit == "城管局"


def test_a_number_of_an_old_chunk_is_set_aside_when_it_comes_again_behind_it(night, write_jsonl, records):
    night(write_jsonl("a.jsonl", records[:14]))
    other = {**records[2], "text": "另一件事，编号却一样"}
    report = night(write_jsonl("a.jsonl", [*records[:14], records[1], other]))
    assert (report.unchanged, report.rejected) == (14, 2)
    assert "与 a.jsonl:2 编号和内容都相同" in listed(report)
    assert "与 a.jsonl:3 编号相同而内容不同" in listed(report)


def test_what_scoring_refused_is_tried_anew(night, write_jsonl, records, scorer):
    class Refusing:
        def score(self, documents):
            refused = {d.id: Rejected(d.place, "ZF-REC-SCORE", "打分出错", d.id, d.text) for d in documents[:1]}
            return [refused.get(d.id) or scorer.score([d])[0] for d in documents]

    source = write_jsonl("a.jsonl", records[:14])
    assert night(source, scoring=Refusing()).rejected == 2
    report = night(source)
    assert (report.new, report.unchanged, report.rejected) == (2, 12, 0)


def test_after_another_run_everything_is_looked_up(night, write_jsonl, records, asked, store, tmp_path, other):
    source = write_jsonl("a.jsonl", records)
    work = {"store": store, "state": tmp_path / "state"}
    night(source)
    for between in (
        lambda: rescore(scorer=other, **work),
        lambda: purge(before=dt.datetime(2020, 1, 1, tzinfo=dt.UTC), **work),
        lambda: night(write_jsonl("b.jsonl", records[:3])),
        lambda: night(source, scorer=other),
        lambda: night(source, chunk=8),
    ):
        between()
        asked.clear()
        assert night(source).unchanged == 40
        assert len(asked) == 40


def test_another_program_looks_everything_up(night, write_jsonl, records, asked, monkeypatch):
    source = write_jsonl("a.jsonl", records)
    night(source)
    asked.clear()
    monkeypatch.setattr("pipeline.batch.ledger.program", lambda: "2.0+newer")
    assert night(source).unchanged == 40
    assert len(asked) == 40


def test_chunks_of_a_source_that_shrank_before_its_run_was_continued_say_nothing(
    night, write_jsonl, records, scorer, monkeypatch
):
    """The last chunk of the broken run was not read again, and one of its texts has changed since."""
    from pipeline.desk.models import Document

    dies(monkeypatch, scorer, after=2)
    with pytest.raises(ZeroDivisionError):
        night(write_jsonl("a.jsonl", records[:21]))
    monkeypatch.undo()
    moved = {**records[9], "text": records[9]["text"] + "至今没有人来。"}
    assert night(write_jsonl("a.jsonl", [moved])).starts == 2
    assert night(write_jsonl("a.jsonl", records[:21])).changed == 1
    assert Document.objects.get(key=records[9]["id"]).text == records[9]["text"]


def test_a_dry_run_says_what_a_night_would(night, write_jsonl, records, asked):
    source = write_jsonl("a.jsonl", records)
    night(source)
    asked.clear()
    report = night(source, dry_run=True)
    assert (report.unchanged, report.scored) == (40, 0)
    assert asked == []


@pytest.fixture
def taken_in(night, monkeypatch):
    """What the end of each night did for the desk."""
    from pipeline.desk import cases, tallies

    done, take_in, roll_up = [], cases.take_in, tallies.roll_up
    monkeypatch.setattr(cases, "take_in", lambda live=None: done.append("all") or take_in(live))
    monkeypatch.setattr(tallies, "roll_up", lambda: done.append("counts") or roll_up())
    return done


def test_a_quiet_night_leaves_the_desk_as_it_is(night, write_jsonl, records, taken_in):
    from pipeline.desk import audit
    from pipeline.desk.tables import Case, Tally

    def desk():
        return [list(t.objects.order_by("pk").values()) for t in (Case, Tally)]

    source = write_jsonl("a.jsonl", records)
    first = night(source)
    before = desk()
    taken_in.clear()
    assert night(source).top == first.top != []
    assert taken_in == []
    assert desk() == before
    audit.record("document.see", records[0]["id"])
    night(source)
    assert taken_in == ["counts"]
    taken_in.clear()
    night(source)
    assert taken_in == []


def test_a_quiet_night_starts_no_process(night, write_jsonl, records):
    started = []

    class Seen(Worker):
        def start(self):
            started.append(self)

    source = write_jsonl("a.jsonl", records)
    night(source)
    night(source, scoring=Seen(Echo, Bounds()))
    assert started == []
    night(write_jsonl("b.jsonl", records), scoring=Seen(Echo, Bounds()))
    assert len(started) == 1


def test_news_of_any_kind_are_taken_in(night, write_jsonl, records, taken_in, store, tmp_path, other):
    source = write_jsonl("a.jsonl", records)
    night(source)
    taken_in.clear()
    for between in (
        lambda: write_jsonl("a.jsonl", [{**records[0], "title": "路灯"}, *records[1:]]),
        lambda: write_jsonl("a.jsonl", [*records, {"id": "new", "text": "路灯坏了。"}]),
        lambda: rescore(scorer=other, store=store, state=tmp_path / "state") and taken_in.clear(),
    ):
        between()
        night(source)
        assert taken_in == ["all"]
        taken_in.clear()


def test_a_night_that_broke_off_before_the_desk_was_brought_up_is_not_relied_on(night, write_jsonl, records, taken_in):
    from pipeline.desk import cases
    from pipeline.desk.tables import Case

    def grouped():
        return {*Case.objects.exclude(group=None).values_list("document__key", flat=True)}

    again = {"id": "again", "text": f"{records[0]['text']}！"}
    source = write_jsonl("a.jsonl", [*records, again])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cases, "take_in", lambda live=None: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            night(source)
    assert grouped() == set()
    assert night(source).starts == 2
    assert taken_in == ["all"]
    assert grouped() == {records[0]["id"], "again"}
