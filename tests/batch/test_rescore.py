"""Another model over the backlog: nothing mixes, nothing is lost, what stopped is continued."""

import datetime as dt
import os
import signal

import pytest
from batch.conftest import age, dies

from pipeline.batch.rescore import rescore
from pipeline.errors import UnfinishedError


@pytest.fixture
def again(other, store, tmp_path):
    def run(**options):
        return rescore(
            scorer=options.pop("scorer", other), store=store, state=tmp_path / "state", **{"chunk": 7, **options}
        )

    return run


def said(model):
    from pipeline.desk.models import Prediction

    rows = Prediction.objects.filter(model=model).order_by("document__key")
    return list(rows.values_list("document__key", "problem_score", "scores", "evidence", "run_id"))


def documents():
    from pipeline.desk.models import Document

    return list(Document.objects.order_by("key").values())


def test_the_backlog_gets_the_scores_classify_would_give_and_keeps_the_old(
    night, again, write_jsonl, records, scorer, other
):
    from pipeline.desk.models import Run
    from pipeline.documents import Document

    night(write_jsonl("a.jsonl", records))
    old, before = said(scorer.bundle.id), documents()
    report = again()
    assert (report.read, report.rescored, report.unchanged) == (40, 40, 0)
    assert said(scorer.bundle.id) == old
    assert documents() == before
    expected = {p.id: p.problem_score for p in other.score([Document(r["id"], r["text"]) for r in records])}
    assert {key: score for key, score, *_ in said(other.bundle.id)} == expected
    assert list(Run.objects.values_list("kind", "state", "model")) == [
        ("rescore", "done", "other-model"), ("nightly", "done", scorer.bundle.id),
    ]  # fmt: skip
    assert again().unchanged == 40


def test_only_what_came_in_since(night, again, write_jsonl, records, other):
    night(write_jsonl("a.jsonl", records))
    age(10, [r["id"] for r in records[:25]])
    report = again(since=dt.datetime.now(dt.UTC) - dt.timedelta(days=5))
    assert report.rescored == 15
    assert {key for key, *_ in said(other.bundle.id)} == {r["id"] for r in records[25:]}


@pytest.mark.parametrize("page", [3, 100])
def test_what_stopped_is_continued_and_no_view_mixes_models_meanwhile(
    night, again, write_jsonl, records, other, scorer, monkeypatch, page
):
    from pipeline.batch import store as rows
    from pipeline.desk.models import Prediction, Run

    monkeypatch.setattr("pipeline.batch.rescore.PAGE", page)
    night(write_jsonl("a.jsonl", records))
    views = {scorer.bundle.id: rows.top_documents(scorer.bundle.id, 40)}
    score, calls = other.score, []
    dies(monkeypatch, other, after=3)
    with pytest.raises(ZeroDivisionError):
        again()
    assert rows.top_documents(scorer.bundle.id, 40) == views[scorer.bundle.id]
    half = {d["id"]: d["problem_score"] for d in rows.top_documents("other-model", 40)}
    assert (
        half.items()
        <= dict(Prediction.objects.filter(model="other-model").values_list("document__key", "problem_score")).items()
    )
    monkeypatch.setattr(other, "score", lambda given, **o: calls.append(len(given)) or score(given, **o))
    report = again()
    assert (report.rescored, report.starts, sum(calls)) == (40, 2, 19)
    assert Run.objects.filter(kind="rescore").count() == 1


def test_a_night_in_between_starts_it_anew_without_doing_it_twice(
    night, again, write_jsonl, records, other, scorer, monkeypatch
):
    night(write_jsonl("a.jsonl", records[:30]))
    dies(monkeypatch, other, after=2)
    with pytest.raises(ZeroDivisionError):
        again()
    monkeypatch.undo()
    night(write_jsonl("a.jsonl", records))
    report = again()
    assert (report.read, report.unchanged, report.rescored) == (40, 14, 26)


def test_a_view_shows_only_what_was_said_of_the_text_as_it_is_now(night, write_jsonl, records, scorer, other):
    from pipeline.batch import store as rows

    night(write_jsonl("a.jsonl", records))
    top = rows.top_documents(scorer.bundle.id, 1)[0]["id"]
    changed = [{**r, "text": "今天天气很好。"} if r["id"] == top else r for r in records]
    night(write_jsonl("a.jsonl", changed), scorer=other)
    assert top not in {d["id"] for d in rows.top_documents(scorer.bundle.id, 40)}
    assert top in {key for key, *_ in said(scorer.bundle.id)}


def test_a_dry_run_counts_and_writes_nothing(night, again, write_jsonl, records, other):
    from pipeline.desk.models import Run

    night(write_jsonl("a.jsonl", records))
    assert again(dry_run=True).rescored == 40
    assert said(other.bundle.id) == []
    assert Run.objects.count() == 1


def test_the_queue_speaks_for_one_model_until_a_night_uses_the_other(night, again, write_jsonl, records, scorer, other):
    from pipeline.desk.cases import take_in
    from pipeline.desk.tables import Case

    def stop_after_a_chunk(number, files, name, read):
        if read:
            os.kill(os.getpid(), signal.SIGTERM)

    def shown():
        return set(Case.objects.values_list("prediction__model", flat=True))

    source = write_jsonl("a.jsonl", records[:30])
    night(source)
    again()
    assert shown() == {scorer.bundle.id}
    source = write_jsonl("a.jsonl", records)
    night(source)
    assert (shown(), Case.objects.count()) == ({scorer.bundle.id}, 40)
    again()
    with pytest.raises(UnfinishedError):
        night(source, scorer=other, progress=stop_after_a_chunk)
    take_in()
    assert shown() == {scorer.bundle.id}
    night(source, scorer=other)
    assert shown() == {other.bundle.id}
    night(source)
    assert shown() == {scorer.bundle.id}
