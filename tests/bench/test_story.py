"""The whole story in small: every step is a real command, and everything done stands in the trail."""

import os
from collections import Counter

import pytest
from typer.testing import CliRunner

from pipeline.bench.story import NEEDED, Story
from pipeline.cli import app

TRAIL = Counter({**dict.fromkeys(NEEDED, 1), "review.correct": 3, "review.reject": 2, "review.final": 1})


def test_from_the_first_night_to_a_new_model_and_back(forks, root, tmp_path):
    told = ["bench", "story", "--texts", "120", "--reviews", "30", "--out", "here"]
    done = forks.run(told, env={**os.environ, "ZUOFENG_HOME": str(root)}, cwd=tmp_path, timeout=600)
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


def test_a_folder_with_something_in_it_is_refused_before_the_corpus_is_read(tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "x").touch()
    done = CliRunner().invoke(app, ["bench", "story", "--out", str(tmp_path / "here"), "--home", str(tmp_path)])
    assert getattr(done.exception, "code", done) == "ZF-STORY-OUT"


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
