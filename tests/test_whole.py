import os
import subprocess
import sys

import pytest

from pipeline.whole import append_line, write_file, write_folder


def test_a_file_takes_the_place_of_the_old_one(tmp_path):
    path = tmp_path / "below" / "a.txt"
    write_file(path, "旧")
    write_file(path, "新\r\n")
    assert path.read_bytes() == "新\r\n".encode()
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_a_line_is_one_of_its_own_behind_a_torn_one_too(tmp_path):
    path = tmp_path / "a.jsonl"
    append_line(path, {"a": "旧"})
    append_line(path, [1])
    path.write_bytes(path.read_bytes()[:-2])
    append_line(path, 2)
    assert path.read_text(encoding="utf-8").splitlines() == ['{"a": "旧"}', "[1", "2"]


def test_a_folder_holds_what_was_written_last_and_nothing_else(tmp_path):
    write_folder(tmp_path / "m", {"a": b"1", "b": b"2"})
    write_folder(tmp_path / "m", {"a": b"3"})
    assert {p.name: p.read_bytes() for p in (tmp_path / "m").iterdir()} == {"a": b"3"}
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_a_folder_that_holds_the_same_is_never_away(tmp_path):
    """The live model stays readable, and whole should the machine die, while the same is trained again."""
    write_folder(tmp_path / "m", {"a": b"1"})
    before = (tmp_path / "m").stat().st_ino
    write_folder(tmp_path / "m", {"a": b"1"})
    assert (tmp_path / "m").stat().st_ino == before
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


@pytest.mark.parametrize("write", [lambda p: write_file(p / "x", "新"), lambda p: write_folder(p / "x", {"a": b""})])
def test_what_breaks_off_leaves_the_old_and_no_remains(tmp_path, monkeypatch, write):
    write_file(tmp_path / "keep", "旧")

    def broken(*_):
        raise OSError("盘满了")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(OSError, match="盘满了"):
        write(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["keep"]


@pytest.mark.parametrize("write", ["write_file(path, '新')", "write_folder(path, {'a': b''})"])
def test_what_a_killed_process_left_goes_a_day_later_and_what_another_writes_now_stays(tmp_path, write):
    dies = f"""import os, pathlib, signal
from pipeline.whole import write_file, write_folder
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
path = pathlib.Path({str(tmp_path / "x")!r})
{write}"""
    for _ in range(2):
        assert subprocess.run([sys.executable, "-c", dies], check=False).returncode == -9
    old, fresh = tmp_path.iterdir()
    os.utime(old, (0, 0))
    write_file(tmp_path / "y", "新")
    assert {p.name for p in tmp_path.iterdir()} == {fresh.name, "y"}
