"""The whole story in small: every step is a real command, and everything done stands in the trail."""

import os
import subprocess
import sys
from collections import Counter

import pytest

from pipeline.bench.story import NEEDED, Story

TRAIL = Counter({**dict.fromkeys(NEEDED, 1), "review.correct": 3, "review.reject": 2, "review.final": 1})


def test_from_the_first_night_to_a_new_model_and_back(root, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "bench", "story", "--texts", "120", "--reviews", "30", "--out", "here"],
        capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "ZUOFENG_HOME": str(root)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout
    steps = ["train", "nightly", "user add", "corpus reviews", "corpus snapshot", "train --corpus", "compare",
             "shadow start", "nightly", "shadow report", "promote", "nightly", "rollback", "models --history",
             "audit verify"]  # fmt: skip
    at = 0
    for step in steps:
        at = said.find(f"$ zuofeng {step}", at + 1)
        assert at > 0, step
    for expected in ("30 次模拟的复核", "1 / 1 夜", "陪跑 1 个", "每一个动作都在；封签不符 0 处"):
        assert expected in said
    assert len(list((tmp_path / "here" / "models").glob("zuofeng-*"))) == 2
    again = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "bench", "story", "--out", "here"],
        capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "ZUOFENG_HOME": str(root)}, check=False,
    )  # fmt: skip
    assert (again.returncode, "ZF-STORY-OUT" in again.stderr) == (2, True)


@pytest.mark.parametrize(
    ("lost", "missing"),
    [
        ([], []),
        (["model.train"], ["model.train"]),
        (["review.correct"], ["review.*"]),
        (["review.final"], ["review.final", "review.*"]),
    ],
)
def test_what_does_not_stand_in_the_trail_is_named(lost, missing):
    story = Story("m1", "m2", reviews=5, final=1, noisy=0, trail=TRAIL - Counter(lost), nights=(), broken=0)
    assert story.missing == missing
