"""The whole story in small: every step is a real command, and everything done stands in the trail."""

import os
import subprocess
import sys


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
