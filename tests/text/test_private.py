import os
import subprocess
import sys

import pytest

from pipeline.text.private import is_own, own_folder

COMPILE = """
import numpy as np
from pipeline.text import compiled, pieces
points = np.frombuffer("甲。乙。".encode("utf-32-le"), np.uint32)
pieces.cut_sentences(points, np.array([0]), np.array([4]))
"""


def test_a_new_folder_is_closed_to_others_and_used_again(tmp_path):
    folder = tmp_path / "a" / "b"
    assert own_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert own_folder(folder)


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o1777])
def test_a_folder_where_others_may_write_is_refused(tmp_path, mode):
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(mode)
    assert not own_folder(folder)
    inner = folder / "inner"
    inner.mkdir(mode=0o700)
    # Below a sticky folder nobody can take away what is ours; below another open one they can.
    assert is_own(inner) is (mode == 0o1777)


def test_another_users_folder_is_refused(tmp_path, monkeypatch):
    me = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: me + 1)
    assert not own_folder(tmp_path)


def test_machine_code_is_kept_in_the_private_folder_and_not_in_an_open_one(tmp_path):
    for name, mode in (("mine", 0o700), ("open", 0o777)):
        folder = tmp_path / name
        folder.mkdir()
        folder.chmod(mode)
        done = subprocess.run(
            [sys.executable, "-c", COMPILE], env={**os.environ, "NUMBA_CACHE_DIR": str(folder)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert bool(list(folder.rglob("*.nbc"))) is (name == "mine")
        assert ("ZF-CACHE-OPEN" in done.stderr) is (name == "open")
