"""Help pages and what is said of a wrong command line hold no English of typer's."""

import re

import pytest
import typer
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.cli.verbs import BENCHES, VERBS

THEIRS = re.compile(
    r"Usage|OPTIONS|ARGS|Arguments|Options|Commands|Show this|default:|required|Error|Invalid|Missing|No such"
    r"|not (?:a valid|in the|one of)|<(?!=|路径|文字|整数|数|年-月-日)[^>|=]*>"
)


def leaves():
    """Yield the words of every command there is."""
    group = typer.main.get_group(app)
    for name in VERBS:
        below = group.get_command(None, name)
        yield [name]
        for sub in BENCHES if name == "bench" else getattr(below, "commands", ()):
            yield [name, sub]


@pytest.mark.parametrize("words", [[], *leaves()], ids=" ".join)
def test_help_is_chinese(words):
    said = CliRunner().invoke(app, [*words, "--help"])
    assert (said.exit_code, said.output.startswith("用法：")) == (0, True)
    assert THEIRS.findall(said.output) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("nightly --sourc x", "没有 --sourc 这个选项，相近的有：--source"),
        ("purge --nonsense", "没有 --nonsense 这个选项\n"),
        ("--nonsense", "没有 --nonsense 这个选项\n"),
        ("nigtly", "没有 nigtly 这条命令，相近的有：nightly"),
        ("user lis", "没有 lis 这条命令，相近的有：list"),
        ("bench xyz", "没有 xyz 这条命令\n"),
        ("purge", "没有写 --older-than"),
        ("compare 甲", "没有写 b"),
        ("promote", "没有写 model"),
        ("rollback --reason", "--reason 后面要写一个值"),
        ("nightly --dry-run=1", "--dry-run 后面不写值"),
        ("doctor 多余", "多写了 多余"),
        ("serve --port abc", "--port 不对：应为整数"),
        ("serve --port 99999", "--port 不对：太大，最大 65535"),
        ("user add x --role king", "--role 不对：没有“king”，只能是"),
        ("evaluate --format xml", "--format 不对：没有“xml”，只能是 table, json"),
        ("models --lang fr", "--lang 不对：没有“fr”，只能是 zh, en"),
        ("models --on 三月", "--on 不对：“三月”应写作 2026-03-01 这样"),
        ("why", "给出一个文本编号，或者用 --sample 1000 抽查，二者选一。"),
    ],
)
def test_what_is_wrong_with_a_command_line_is_said_in_chinese_with_what_to_do(words, told):
    given = words.split()
    said = CliRunner().invoke(app, given)
    assert said.exit_code == 2
    assert said.output.startswith("[ZF-USAGE] ")
    assert told in said.output
    assert "--help。" in said.output
    assert THEIRS.findall(said.output) == []
