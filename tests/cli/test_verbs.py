import os
import re
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.cli.verbs import BENCHES, VERBS, bench


@pytest.mark.parametrize(("verbs", "group"), [(VERBS, app), (BENCHES, bench)])
def test_each_line_of_the_help_is_the_first_line_of_the_verbs_own(verbs, group):
    group = typer.main.get_group(group)
    own = {name: group.get_command(None, name).get_short_help_str(1000) for name in verbs}
    assert own == {name: line for name, (_where, line) in verbs.items()}
    assert group.list_commands(None) == list(verbs)


def test_help_and_a_slip_import_no_verb():
    code = (
        "import sys; from pipeline.cli import app\n"
        "try: app(args=sys.argv[1:])\n"
        "except SystemExit: print(sorted(m for m in sys.modules if m.startswith(('pipeline.cli.', 'numpy'))))"
    )
    for words in (["--help"], ["nightl"], ["bench", "--help"]):
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "['pipeline.cli.chinese', 'pipeline.cli.verbs']"


def test_help_says_for_whom_each_verb_is_as_the_guide_does(root):
    shown = CliRunner().invoke(app, ["--help"]).output
    guide = (root / "README.zh-CN.md").read_text(encoding="utf-8").partition("## 每天怎么用")[2].partition("\n## ")[0]
    parts = dict(re.findall(r"^\*\*(\S+?)\*\*.*?```sh\n(.*?)```", guide, re.DOTALL | re.MULTILINE))
    assert len(parts) == 3
    told = {who: set(re.findall(r"^zuofeng (\S+)", lines, re.MULTILINE)) for who, lines in parts.items()}
    sections = re.findall(r"^(\S+)：\n((?:  .*\n?)+)", shown, re.MULTILINE)
    found = {who: set(re.findall(r"^  ([a-z]\S+)", rows, re.MULTILINE)) for who, rows in sections}
    del found["选项"]
    assert found == told


def test_the_version_is_the_one_that_runs_are_recorded_with():
    from pipeline.model.runs import program

    said = CliRunner().invoke(app, ["--version"])
    assert (said.exit_code, said.output) == (0, f"{program()}\n")


def test_a_slip_is_corrected_and_nothing_is_help():
    run = CliRunner()
    assert "相近的有：nightly" in run.invoke(app, ["nightl"]).output
    shown = run.invoke(app, []).output
    assert all(name in shown for name in VERBS)
    assert "--install-completion" not in run.invoke(app, ["sample", "--help"]).output


def test_the_command_line_without_a_word_shows_help():
    done = subprocess.run([sys.executable, "-m", "pipeline.cli"], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert "nightly" in done.stdout + done.stderr


def test_a_short_text_is_classified_without_what_only_others_need(home):
    heavy = "numba", "scipy", "django", "pandas", "sklearn", "rich.table", "docx", "openpyxl", "pyarrow"
    code = (
        "import sys; from pipeline.cli import app\n"
        "try: app(args=['classify', '-'])\n"
        f"finally: print([m for m in {heavy} if m in sys.modules])"
    )
    text = '{"id": "1", "text": "打了三次12345没人管"}\n'
    done = subprocess.run(
        [sys.executable, "-c", code], input=text, capture_output=True, text=True, check=True,
        env={**os.environ, "ZUOFENG_HOME": str(home)},
    )  # fmt: skip
    told, imported = done.stdout.splitlines()
    assert '"id": "1"' in told
    assert imported == "[]"
