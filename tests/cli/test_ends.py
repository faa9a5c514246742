"""How a command ends when something goes wrong: its exit code, and what it says."""

import errno
import sys

import pytest
import typer
from typer.testing import CliRunner

from pipeline.cli import app, main
from pipeline.errors import ZuofengError


@pytest.fixture
def end(monkeypatch, capsys, restored_logs):
    """Run a verb that raises; return the exit code and what stands on standard error."""

    def run(error):
        def command():
            raise error

        monkeypatch.setattr("pipeline.cli.doctor.command", command)
        monkeypatch.setattr(sys, "argv", ["zuofeng", "doctor"])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, capsys.readouterr().err

    return run


def test_an_error_nobody_foresaw_ends_with_3_and_its_place_but_not_its_words(end):
    code, said = end(ValueError("张三来信"))
    assert code == 3
    assert "[ZF-UNEXPECTED]" in said
    assert "→" in said
    assert __file__ in said
    assert "张三" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize("error", [KeyboardInterrupt, EOFError])
def test_what_is_broken_off_ends_with_3_and_a_sentence(end, error):
    code, said = end(error())
    assert (code, said.partition("]")[0]) == (3, "[ZF-STOPPED")


@pytest.mark.parametrize(
    ("number", "expected"), [(errno.ENOENT, 2), (errno.EACCES, 2), (errno.EISDIR, 2), (errno.ENOSPC, 3), (errno.EIO, 3)]
)
def test_an_error_of_a_file_names_it_and_ends_with_3_when_another_run_may_help(end, number, expected):
    code, said = end(OSError(number, "", "来件/甲.csv"))
    assert code == expected
    assert said.startswith("[ZF-FILE] 来件/甲.csv")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_full_disk_is_said_also_where_no_file_is_named(end, number):
    code, said = end(OSError(number, "No space left on device"))
    assert (code, said.partition("]")[0]) == (3, "[ZF-FILE")
    assert "磁盘" in said


@pytest.mark.parametrize(
    "words",
    [
        "nightly --source none.csv --write-back {}",
        "compare none none --report {}",
        "drift --report {}",
        "suggest none.csv --out {}",
        "audit-labels --out {}",
        "corpus export none.jsonl --to csv --out {}",
        "evaluate --report {}",
        "train --out {}",
    ],
)
def test_a_place_that_cannot_be_written_is_said_before_any_work(words, tmp_path):
    (tmp_path / "file").touch()
    arguments = words.format(tmp_path / "file" / "out" / "x.csv").split()
    done = CliRunner().invoke(app, [*arguments, "--home", str(tmp_path / "none")])
    assert isinstance(done.exception, ZuofengError)
    assert (done.exception.code, done.exception.exit_code) == ("ZF-OUT-WRITE", 2)


@pytest.mark.parametrize(("to", "name"), [("label-studio", "x.xml"), ("csv", "x.xlsx"), ("gold", "x.json")])
def test_an_export_named_as_something_else_is_refused_before_any_work(to, name, tmp_path):
    words = ["corpus", "export", "none.jsonl", "--to", to, "--out", str(tmp_path / name), "--home", str(tmp_path)]
    done = CliRunner().invoke(app, words)
    assert isinstance(done.exception, ZuofengError)
    assert (done.exception.code, done.exception.exit_code) == ("ZF-EXCHANGE-ENDING", 2)
    assert list(tmp_path.iterdir()) == []


def test_trying_a_place_leaves_it_as_it_was(tmp_path):
    from pipeline.cli.common import out_file, out_folder

    kept = tmp_path / "kept.csv"
    kept.write_text("旧的", encoding="utf-8")
    assert out_file(kept) == kept
    out_file(tmp_path / "new.csv")
    out_folder(tmp_path / "a" / "b")
    assert [p.read_text(encoding="utf-8") for p in tmp_path.iterdir()] == ["旧的"]


def test_every_option_that_names_an_output_is_tried():
    def options(command):
        for verb in command.list_commands(None) if hasattr(command, "list_commands") else ():
            yield from options(command.get_command(None, verb))
        yield from (p for p in command.params if {"--out", "--report", "--picture", "--write-back"} & set(p.opts))

    found = list(options(typer.main.get_group(app)))
    assert len(found) > 15
    assert [p.opts for p in found if p.callback is None] == []
