"""A slice of the damaged inputs; ``zuofeng bench fuzz`` reads twenty thousand of each."""

import ast
import hashlib
import subprocess
import sys

import pytest

from pipeline.bench.fuzz import KINDS, fuzz, mutant
from pipeline.bench.fuzz.seeds import seeds


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_inputs_end_in_a_result_or_a_coded_error(kind):
    out = fuzz(kind, 150)
    assert out.findings == []
    assert out.inputs == out.results + out.coded == 150
    # Neither all sound nor all refused at the door.
    assert out.results > 5
    assert kind == "jsonl" or out.coded > 5


def test_a_number_always_makes_the_same_input_in_another_process_too():
    code = """if True:
        import hashlib
        from pipeline.bench.fuzz import KINDS, mutant
        print([hashlib.sha256(str(mutant(k, n)).encode()).hexdigest() for k in KINDS for n in range(20)])
    """
    here = [hashlib.sha256(str(mutant(k, n)).encode()).hexdigest() for k in KINDS for n in range(20)]
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert ast.literal_eval(there) == here
    assert sum(mutant(k, n) not in seeds(k) for k in KINDS for n in range(20)) > 15 * len(KINDS)


@pytest.mark.parametrize(
    ("does", "said"),
    [("raise KeyError(1)", "uncoded"), ("bytearray(2 << 30)", "memory"), ("os.abort()", "crash"), ("hang()", "hang")],
)
def test_bad_outcomes_are_noticed_and_the_rest_goes_on(does, said, monkeypatch, tmp_path):
    """A reader that fails at one input, in the child."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys, importlib.abc\n"
        "import pipeline.bench.fuzz.run as run\n"
        "def hang():\n    while True: pass\n"
        "run.SECONDS = 0.3\n"
        "made = []\n"
        f"def read(folder):\n    made.append(1)\n    if len(made) == len(run.seeds('csv')) + 3:\n        {does}\n"
        "run._reader = lambda kind: read\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    out = fuzz("csv", 8)
    assert [(f.kind, f.number) for f in out.findings] == [(said, 2)] or said in ("crash", "hang")
    assert {f.kind for f in out.findings} == {said}
    assert out.inputs == 8
