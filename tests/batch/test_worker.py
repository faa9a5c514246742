import itertools
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from batch.makers import Compiling, Echo, Fragile, FragileInTwo, Overlapping, Remembering, Used, broken, never, wait_for
from hypothesis import given
from hypothesis import strategies as st

from pipeline.batch.child import Bounds, Child
from pipeline.batch.worker import CHARACTERS, Worker
from pipeline.documents import Document
from pipeline.errors import UnfinishedError


class Counting(Worker):
    """Answers with what it was asked and remembers the lots."""

    def _ask(self, documents, ahead=()):
        self.lots = [*getattr(self, "lots", []), documents]
        return documents


@given(
    st.lists(st.sampled_from([0, 1, 400, CHARACTERS // 2, CHARACTERS, CHARACTERS + 1]), max_size=20), st.integers(1, 7)
)
def test_every_document_is_sent_once_in_lots_that_are_not_too_large(lengths, batch):
    documents = [Document(str(i), "字" * n) for i, n in enumerate(lengths)]
    worker = Counting(None, Bounds(), batch=batch)
    assert worker.score(documents) == documents
    lots = getattr(worker, "lots", [])
    assert all(1 <= len(lot) <= batch for lot in lots)
    assert all(len(lot) == 1 or sum(len(d.text) for d in lot) <= CHARACTERS for lot in lots)
    # None could have taken the next document too.
    for lot, after in itertools.pairwise(lots):
        more = [*lot, after[0]]
        assert len(more) > batch or sum(len(d.text) for d in more) > CHARACTERS


def test_it_loads_while_something_else_is_done():
    with Worker(Echo, Bounds()) as worker:
        worker.start()
        child = worker._child
        worker.start()
        assert worker.score([Document("1", "一")])[0].text == "一"
        assert worker._child is child


@pytest.mark.parametrize("batch", [1, 2, 3])
@pytest.mark.parametrize("make", [Fragile, FragileInTwo])
def test_answers_are_those_of_their_own_documents_whatever_was_asked_ahead(make, batch):
    documents = [Document(str(i), "坏" if i == 2 else "死" if i == 5 else "好") for i in range(9)]
    with Worker(make, Bounds(), batch=batch) as worker:
        said = worker.score(documents)
    assert [a.id if isinstance(a, Document) else a.code for a in said] == [
        "0", "1", "ZF-REC-SCORE", "3", "4", "ZF-REC-CRASH", "6", "7", "8",
    ]  # fmt: skip


def test_the_next_documents_are_begun_before_the_answer_is_written():
    with Worker(Overlapping, Bounds(), batch=1) as worker:
        assert [a.text for a in worker.score([Document(str(i), "好") for i in range(3)])] == ["2", "3", "3"]


def test_what_takes_too_long_to_write_ends_the_process():
    with Worker(FragileInTwo, Bounds(seconds=0.5)) as worker:
        said = worker.score([Document("1", "好"), Document("2", "慢")])
    assert said[0].id == "1"
    assert said[1].code == "ZF-REC-TIME"


def test_a_process_begun_before_is_taken_and_ended():
    child = Child("batch.makers:remember")
    with Worker(Remembering, Bounds(), child=child) as worker:
        assert worker.score([Document("1", "一")])[0].text == "remembered"
        assert worker._child is child
        worker.dismiss()
        assert worker.score([Document("1", "一")])[0].text == "forgotten"
    assert child.pipe.closed
    with pytest.raises(ValueError, match="closed"):
        child.process.is_alive()


@pytest.mark.parametrize("warm", [False, True])
def test_a_warm_one_has_scored_something_before_it_is_asked(warm):
    with Worker(Used, Bounds(), warm=warm) as worker:
        assert worker.score([Document("1", "一")]) == [warm]


def test_what_is_compiled_once_is_not_held_against_a_document():
    with Worker(Compiling, Bounds()) as worker:
        assert worker.score([Document("1", "一")])[0].text == "False，True"


def test_what_still_loads_is_ended_at_once():
    worker = Worker(never, Bounds())
    worker.start()
    pid = worker._child.process.pid
    worker.close()
    assert worker._child is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("make", [Echo, broken])
def test_nobody_waits_for_what_is_ready_too_late_and_only_a_failure_is_heard(make, tmp_path, capfd):
    over = tmp_path / "over"
    with Child() as child:
        child.send_whole((partial(wait_for, over, make), Bounds(), False))
        child.dismiss()
        over.touch()
        child.process.join(30)
        code = child.process.exitcode
    said = capfd.readouterr().err
    assert (code, said) == (0, "") if make is Echo else code == 1 and "no such model" in said


def test_a_model_that_cannot_be_loaded_is_told_when_it_is_asked():
    with Worker(broken, Bounds()) as worker:
        worker.start()
        with pytest.raises(UnfinishedError, match="no such model"):
            worker.score([Document("1", "一")])


def test_a_process_that_dies_before_it_has_its_model_is_not_waited_for():
    """In a process of its own: what waits for ever in a system call no exception ends."""
    said = subprocess.run(
        [sys.executable, "-c", "from batch.makers import ask_one_that_dies; ask_one_that_dies()"],
        cwd=Path(__file__).parents[1], timeout=60, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "装载模型时进程意外退出" in said.stderr
