"""Records and workers that fail, a model and sources that change, a clock that goes back."""

import dataclasses
import datetime as dt
import json
import os
import shutil

import pytest
from faults import poison
from faults.conftest import at_calls
from faults.dump import dump

from pipeline.batch.child import Bounds
from pipeline.batch.sources import ColumnMap, Limits, open_source
from pipeline.batch.worker import Worker
from pipeline.documents import Document
from pipeline.errors import UnfinishedError
from pipeline.model.bundle import load_bundle
from pipeline.model.registry import find_model

#: Soon reached by the poisoned; where nothing is poisoned the usual ones hold, which a slow machine does not reach.
NARROW, USUAL = Bounds(seconds=3.0, memory=1 << 30), Bounds()


def write(path, records):
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), encoding="utf-8")
    return path


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def fragile(trained, corpora):
    return poison.Fragile(trained, corpora / "dictionary.txt")


def test_a_poisoned_record_is_set_aside_alone(night, fresh, sources, fragile, account, tmp_path):
    """Out of time, out of memory, a crash and an error in scoring: all others are scored as if it were not there."""
    tally = account("poisoned record", fresh.kind)
    good = lines(sources.first)[:40]
    what = {"ZF-REC-TIME": poison.TIME, "ZF-REC-MEMORY": poison.MEMORY, "ZF-REC-CRASH": poison.CRASH,
            "ZF-REC-SCORE": poison.ERROR}  # fmt: skip
    bad = [{"编号": code, "内容": f"这一条：{text}"} for code, text in what.items()]
    calm = fresh.copy()
    night(calm.url, source=write(tmp_path / "in.jsonl", [*good, *[{"编号": b["编号"], "内容": ""} for b in bad]]))
    with Worker(fragile, NARROW) as worker:
        report = night(fresh.url, source=write(tmp_path / "in.jsonl", [*good, *bad]), scoring=worker)
    assert (report.new, report.rejected, report.aside, report.exit_code) == (40, 4, [], 1)
    rejected = [json.loads(r) for r in dump(fresh.url)["rejected"]]
    assert {r["key"]: r["code"] for r in rejected} == {code: code for code in what}
    tally.injected += len(bad)
    tally.runs += 1
    expected, found = (dump(s.url, content=True) for s in (calm, fresh))
    tally.rounds += 1
    for table in ("document", "prediction"):
        tally.lost += (expected[table] - found[table]).total()
        tally.doubled += (found[table] - expected[table]).total()
    calm.drop()


def test_scores_of_the_worker_are_those_of_the_scorer(scorer, sources, fragile):
    documents = [d for d in open_source(sources.first, columns=ColumnMap(), limits=Limits()) if isinstance(d, Document)]
    with Worker(fragile, USUAL) as worker:
        assert worker.score(documents) == scorer.score(documents)


def test_a_scorer_that_fails_everything_sets_all_aside_and_says_3(night, fresh, sources, fragile):
    broken = dataclasses.replace(fragile, broken=True)
    with Worker(broken, USUAL) as worker, pytest.raises(UnfinishedError, match="ZF-NIGHT-ASIDE"):
        night(fresh.url, source=sources.first, scoring=worker, chunk=100)
    chunks = [json.loads(c) for c in dump(fresh.url)["chunk"]]
    assert [(c["state"], c["reason"].startswith("BrokenScoringError")) for c in chunks] == [("aside", True)] * 2


def test_a_chunk_that_fails_three_times_is_set_aside(night, fresh, sources, remembered, account):
    """The night goes on, and the next one takes it."""
    from django.db import DataError

    tally = account("chunk that fails three times", fresh.kind)
    calm = fresh.copy()
    night(calm.url)
    from pipeline.batch import night as at_work  # the first night has set Django up

    write_chunk, calls = at_work.write_chunk, []

    def fails(run, documents, *rest, **more):
        if any(d.place.endswith(":55") for d in documents):
            calls.append(1)
            raise DataError("value out of range")
        return write_chunk(run, documents, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(at_work, "write_chunk", fails)
        report = night(fresh.url)
    (aside,) = report.aside
    assert (len(calls), report.exit_code, aside["records"]) == (3, 1, 10)
    assert (aside["first"], aside["last"]) == ("second.jsonl:51", "second.jsonl:60")
    assert aside["reason"] == "DataError: value out of range"
    tally.injected += len(calls)
    night(fresh.url)
    tally.runs += 2
    tally.compare(dump(calm.url, content=True), fresh.url, content=True)
    calm.drop()


def test_a_model_replaced_in_mid_run_changes_nothing_of_the_run(
    night, fresh, sources, trained, scorer, words, account, tmp_path
):
    """The worker dies after the files were replaced: the one that follows still has the model of the run."""
    from functools import partial

    from pipeline.model.score import Scorer

    tally = account("model replaced in mid-run", fresh.kind)
    calm = fresh.copy()
    night(calm.url, source=sources.first)
    models = tmp_path / "models"
    shutil.copytree(trained, models / trained.name)
    bundle = load_bundle(models / trained.name)
    with Worker(partial(Scorer, bundle, words), USUAL) as worker:

        class Replaced:
            """Scores by the worker; the second call finds another model on disk and the worker dead."""

            calls = 0

            def score(self, documents):
                self.calls += 1
                if self.calls == 2:
                    (models / trained.name / "weights.npz").write_bytes(b"another model")
                    os.kill(worker._child.process.pid, 9)
                    tally.injected += 1
                return worker.score(documents)

        night(fresh.url, source=sources.first, scoring=Replaced(), scorer=Scorer(bundle, words))
    tally.runs += 1
    tally.compare(dump(calm.url), fresh.url)
    calm.drop()
    with pytest.raises(Exception, match="ZF-MODEL-CHANGED"):
        find_model(models, trained.name)


@pytest.mark.parametrize("change", ["appended", "truncated", "replaced", "replaced by rename"])
def test_a_source_that_changes_in_mid_run_is_complete_after_the_next(
    change, night, fresh, sources, remembered, account, tmp_path
):
    tally = account(f"source {change} in mid-run", fresh.kind)
    last = sources.second.read_text(encoding="utf-8")
    calm = fresh.copy()
    path = tmp_path / "in.jsonl"
    path.write_text(last, encoding="utf-8")
    night(calm.url, source=path)
    records = last.splitlines(keepends=True)
    path.write_text("".join(records[:150]), encoding="utf-8")

    def alter():
        tally.injected += 1
        if change == "appended":
            with path.open("a", encoding="utf-8") as file:
                file.write("".join(records[150:]))
        elif change == "truncated":
            os.truncate(path, 3000)
        elif change == "replaced":
            path.write_text(last, encoding="utf-8")
        else:
            write_beside = path.with_suffix(".new")
            write_beside.write_text(last, encoding="utf-8")
            write_beside.replace(path)

    at_calls(remembered, {4}, alter)
    report = night(fresh.url, source=path)
    assert report.read == report.new + report.rejected
    remembered.before = lambda call: None
    path.write_text(last, encoding="utf-8")
    night(fresh.url, source=path)
    tally.runs += 2
    tally.compare(dump(calm.url, content=True), fresh.url, content=True)
    calm.drop()


def test_a_clock_that_goes_back_does_not_change_the_order_of_runs(night, fresh, sources, account, monkeypatch):
    from pipeline.batch import nightly as module
    from pipeline.desk.models import Run

    tally = account("clock going back an hour", fresh.kind)
    calm = fresh.copy()
    night(calm.url, source=sources.first)
    night(calm.url)
    night(fresh.url, source=sources.first)

    class Back(dt.datetime):
        """An hour slow."""

        @classmethod
        def now(cls, tz=None):
            return dt.datetime.now(tz) - dt.timedelta(hours=1)

    class Clock:
        """The module ``datetime`` as the night sees it."""

        datetime, UTC = Back, dt.UTC

    monkeypatch.setattr(module, "dt", Clock)
    night(fresh.url)
    tally.injected += 1
    tally.runs += 2
    runs = list(Run.objects.order_by("serial").values_list("started", flat=True))
    assert runs[0] > runs[1]
    assert Run.objects.first().started == runs[1]
    tally.compare(dump(calm.url), fresh.url)
    calm.drop()
