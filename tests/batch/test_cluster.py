"""A night on the workers of a scheduler says what a night on one machine says, whoever dies."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from callers import Caller
from faults.dump import dump

from pipeline.batch.child import Bounds
from pipeline.batch.cluster.client import Cluster, open_cluster
from pipeline.batch.cluster.parcel import pack, unpack
from pipeline.batch.cluster.task import Fit, examine
from pipeline.batch.nightly import nightly
from pipeline.batch.sources import ColumnMap, Limits
from pipeline.cli import app
from pipeline.documents import Document, Rejected
from pipeline.errors import BundleError, ConfigError, UnfinishedError

BOUNDS = Bounds()
LONG, SHORT = 120.0, 0.5


class Machines:
    """Processes on the loopback: a scheduler, and workers that wait for nobody's input."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.started: list[subprocess.Popen[str]] = []
        scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        self.address = self._said(scheduler, r"Scheduler at:\s+(tcp://\S+)")
        self.scheduler = scheduler

    def worker(self, *more: str, home: Path | None = None) -> subprocess.Popen[str]:
        options = ("--no-nanny", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", *more)
        worker = self._start("worker", self.address, *options, home=home)
        self._said(worker, r"Registered to:\s+(tcp://\S+)")
        return worker

    def _start(self, *words: str, home: Path | None = None) -> subprocess.Popen[str]:
        env = {
            **os.environ, "ZUOFENG_HOME": str(home or self.home), "PYTHONPATH": os.pathsep.join(sys.path),
            "OPENBLAS_NUM_THREADS": "1",
        }  # fmt: skip
        folder = self.home / f"p{len(self.started)}"
        folder.mkdir()
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *words], env=env, cwd=folder, text=True, stderr=subprocess.PIPE
        )
        self.started.append(process)
        return process

    @staticmethod
    def _said(process: subprocess.Popen[str], pattern: str) -> str:
        assert process.stderr
        told = []
        for line in process.stderr:
            told.append(line)
            if found := re.search(pattern, line):
                # Nobody reads on: what the process says later goes where it does not fill a pipe.
                return found[1]
        raise AssertionError("".join(told))

    def close(self) -> None:
        for process in reversed(self.started):
            process.kill()
            process.wait()
            assert process.stderr
            process.stderr.close()


@pytest.fixture
def machines(home):
    made = Machines(home)
    yield made
    made.close()


@pytest.fixture
def night(scorer, tmp_path):
    from django.db import connections

    def run(name, source, scoring=None, **options):
        store = f"sqlite:///{tmp_path / name}.sqlite3"
        nightly(
            source=str(source), scorer=scorer, store=store, state=tmp_path / "state", columns=ColumnMap(),
            limits=Limits(), scoring=scoring, **{"chunk": 7, **options},
        )  # fmt: skip
        connections.close_all()
        return dump(store)

    yield run
    connections.close_all()


@pytest.fixture
def folder(some_gold, tmp_path):
    """Parquet files of several chunks and row groups, with an empty text and one that came before."""
    rows = [{"编号": g.id, "内容": g.text} for g in some_gold[:60]]
    rows[20]["内容"] = " "
    rows[50] = rows[3]
    made = tmp_path / "inbox"
    made.mkdir()
    for name, some in (("a", rows[:30]), ("b", rows[30:53]), ("c", rows[53:])):
        pq.write_table(pa.Table.from_pylist(some), made / f"{name}.parquet", row_group_size=10)
    return made


@pytest.fixture
def table(some_gold, tmp_path):
    (tmp_path / "caller.db").touch()
    caller = Caller(f"sqlite:///{tmp_path / 'caller.db'}")
    caller.make("工单", [(i, " " if i == 5 else g.text) for i, g in enumerate(some_gold[:60])])
    return caller


def test_two_workers_write_the_table_one_process_writes(machines, folder, table, night, bundle):
    machines.worker()
    machines.worker()
    source = table.source(table="工单")
    with open_cluster(machines.address, bundle, BOUNDS, seconds=LONG) as cluster:
        assert cluster.lanes == 4
        assert night("many", folder, cluster) == night("one", folder)
        assert (cluster.read, cluster.sent) == (58, 0)
        many = night("many-t", source, cluster, write_tables=True)
        written = table.rows("工单")
        assert many == night("one-t", source, write_tables=True)
        # Workers read what is there: nobody sent them a text.
        assert (cluster.read, cluster.sent) == (58 + 59, 0)
    assert table.rows("工单") == written
    assert sum(row[2] is not None for row in written) == 59


def test_a_worker_killed_in_mid_run_costs_no_row(machines, folder, night, bundle):
    machines.worker()
    doomed = machines.worker("--preload", str(Path(__file__).with_name("doomed.py")))
    with open_cluster(machines.address, bundle, BOUNDS, seconds=LONG) as cluster:
        assert night("many", folder, cluster) == night("one", folder)
    assert doomed.wait(60) == -signal.SIGKILL


def test_a_scheduler_killed_in_mid_run_leaves_a_run_to_be_continued(machines, folder, night, bundle):
    machines.worker()

    def kill(number, files, name, read):
        if read and machines.scheduler.poll() is None:
            machines.scheduler.kill()
            machines.scheduler.wait()

    with open_cluster(machines.address, bundle, BOUNDS, seconds=LONG) as cluster:
        cluster._seconds = SHORT
        with pytest.raises(UnfinishedError, match="tcp://") as caught:
            night("many", folder, cluster, progress=kill)
    assert (caught.value.code, caught.value.exit_code) == ("ZF-CLUSTER-DOWN", 3)
    again, calm = night("many", folder), night("one", folder)
    assert {t: again[t] for t in again if t != "run"} == {t: calm[t] for t in calm if t != "run"}


def test_a_worker_that_does_not_fit_is_refused_by_name(machines, home, tmp_path, bundle):
    machines.worker()
    other = tmp_path / "other"
    shutil.copytree(home, other, ignore=shutil.ignore_patterns("p[0-9]*"))
    with (other / "corpora" / "dictionary.txt").open("a", encoding="utf-8") as out:
        out.write("别处的词 9\n")
    machines.worker(home=other)
    with (
        pytest.raises(BundleError, match="ZF-MODEL-DICTIONARY") as caught,
        open_cluster(machines.address, bundle, BOUNDS, seconds=LONG),
    ):
        pass
    assert caught.value.code == "ZF-CLUSTER-DICTIONARY"
    assert len(caught.value.details) == 1


def test_another_model_or_program_is_no_fit(home, bundle, monkeypatch):
    import dataclasses

    monkeypatch.setenv("ZUOFENG_HOME", str(home))
    fit = Fit.of(bundle)
    assert examine(fit) is None
    for change, code in (
        ({"model": "no-such-model"}, "ZF-CLUSTER-MODEL"),
        ({"manifest": "0" * 64}, "ZF-CLUSTER-MODEL"),
        ({"dictionary": "0" * 64}, "ZF-CLUSTER-DICTIONARY"),
        ({"program": "0.0.0+0"}, "ZF-CLUSTER-PROGRAM"),
    ):
        assert examine(dataclasses.replace(fit, **change)).code == code


def test_a_worker_without_the_encoder_is_no_fit(home, dense_trained, dense_bundle, encoder, monkeypatch):
    shutil.copytree(dense_trained, home / "models" / dense_trained.name)
    monkeypatch.setenv("ZUOFENG_HOME", str(home))
    fit = Fit.of(dense_bundle)
    fault = examine(fit)
    assert fault.code == "ZF-CLUSTER-ENCODER"
    assert "ZF-ENCODER-NONE" in fault.message
    assert fault.hint
    monkeypatch.setenv("ZUOFENG_ENCODER", str(encoder))
    assert examine(fit) is None


def test_a_scheduler_that_is_away_ends_the_command_with_3(home, folder, monkeypatch):
    monkeypatch.setenv("ZUOFENG_OUTAGE_SECONDS", str(SHORT))
    words = ["nightly", "--source", str(folder), "--home", str(home), "--cluster", "tcp://127.0.0.1:1"]
    with pytest.raises(UnfinishedError) as caught:
        app(args=words, standalone_mode=False)
    assert (caught.value.code, caught.value.exit_code) == ("ZF-CLUSTER-DOWN", 3)


def test_a_scheduler_without_workers_is_away_too(machines, bundle):
    with pytest.raises(UnfinishedError) as caught, open_cluster(machines.address, bundle, BOUNDS, seconds=SHORT):
        pass
    assert caught.value.code == "ZF-CLUSTER-DOWN"


def test_a_wrong_address_and_a_missing_extra_are_mistakes_of_the_operator(bundle, monkeypatch):
    for address, code in (("10.0.0.1:8786", "ZF-CLUSTER-ADDRESS"), ("tcp://10.0.0.1:8786", "ZF-CLUSTER-EXTRA")):
        monkeypatch.setitem(sys.modules, "distributed", None)
        with pytest.raises(ConfigError) as caught, open_cluster(address, bundle, BOUNDS, seconds=SHORT):
            pass
        assert (caught.value.code, caught.value.exit_code) == (code, 2)


def test_the_extra_costs_nothing_where_it_is_not_used():
    code = "import sys, pipeline.cli.nightly, pipeline.batch.cluster.client; print('distributed' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_what_is_unpacked_is_what_was_packed(scorer, some_gold):
    documents = [Document(g.id, g.text, place=g.id) for g in some_gold[:40]]
    answers = [*scorer.score(documents)]
    assert any(p.evidence for p in answers)
    answers[4], answers[7] = None, Rejected(documents[7].place, "ZF-REC-TIME", "慢", documents[7].id, documents[7].text)
    taxonomy = scorer.bundle.taxonomy
    assert unpack(pack(answers, taxonomy), documents, taxonomy, scorer.bundle.id) == answers
    assert unpack(pack([], taxonomy), [], taxonomy, scorer.bundle.id) == []


def test_texts_are_sent_to_workers_that_do_not_find_them(scorer, some_gold, monkeypatch, tmp_path):
    """In this process: the origin is gone, or says something else than the night read."""
    from pipeline.batch.cluster import task
    from pipeline.batch.files import FileRange

    documents = [Document(g.id, g.text, place=g.id) for g in some_gold[:6]]
    pq.write_table(pa.Table.from_pylist([{"内容": d.text} for d in documents[:4]]), tmp_path / "a.parquet")
    cluster = Cluster("tcp://nobody", scorer.bundle, BOUNDS, SHORT)

    def run(origin, digests, texts):
        there = task._read(origin) if origin else {}
        have = [there.get(digests[i : i + task.DIGEST]) for i in range(0, len(digests), task.DIGEST)] or texts
        answers = [scorer.score([Document("", t)])[0] if t else None for t in have]
        return pack(answers, scorer.bundle.taxonomy), answers.count(None)

    monkeypatch.setattr(cluster, "_run", run)
    origin = FileRange(str(tmp_path / "a.parquet"), 0, 6, ColumnMap(), Limits())
    expected = scorer.score(documents)
    assert cluster.score_from(origin, documents) == expected
    assert (cluster.read, cluster.sent) == (4, 2)
    (tmp_path / "a.parquet").unlink()
    assert cluster.score_from(origin, documents) == expected
    assert cluster.score_from(origin, documents) == expected
    assert (cluster.read, cluster.sent) == (4, 2 + 6 + 6)
