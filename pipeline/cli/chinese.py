"""The words that typer puts around ours, in Chinese: those of a help page, and what is wrong with a command line."""

from __future__ import annotations

import re
from functools import partial
from typing import IO, Any
from unicodedata import east_asian_width

import typer

from pipeline.errors import ConfigError

__all__ = ["USAGE", "speak", "translate_help", "word_error"]

#: Anything wrong with a command line; typer does not export its name.
USAGE: type[Exception] = typer.BadParameter.__bases__[0]
_CODE = "ZF-USAGE"
#: What values are, as a help page names them.
_VALUES = {"path": "路径", "str": "文字", "int": "整数", "int range": "整数", "float": "数", "float range": "数",
           "%y-%m-%d": "年-月-日"}  # fmt: skip
_HELP = (
    (r"^Usage: ", "用法："),
    (r"\[OPTIONS\]", "[选项]"),
    (r"COMMAND \[ARGS\]\.\.\.", "命令 …"),
    (r"^Arguments:$", "参数："),
    (r"^Options:$", "选项："),
    (r"^Commands:$", "命令："),
    (r"^(\w+):$", r"\1："),
    (r"Show this message and exit\.", "打印这些说明。"),
    (r"\bdefault:", "默认"),
    (r"\brequired\]", "必填]"),
)
#: What is wrong, inner sentences last: they stand within others.
_WRONG = (
    (r"^Missing (?:option|argument) '?([^']+?)'?\.(?: .*)?$", r"没有写 \1"),
    (r"^No such option: (\S+)(?: \(Possible options: (.+)\))?$", r"没有 \1 这个选项，相近的有：\2"),
    (r"^No such command '(.+?)'\.+(?: Did you mean (.+)\?)?$", r"没有 \1 这条命令，相近的有：\2"),
    (r"^Got unexpected extra arguments?(?:\(s\))? \((.+)\)$", r"多写了 \1"),
    (r"^Option '(.+)' requires (?:an argument|\d+ arguments)\.?$", r"\1 后面要写一个值"),
    (r"^Option '(.+)' does not take a value\.$", r"\1 后面不写值"),
    (r"^Invalid value(?: for '(.+?)')?: ", r"\1 不对："),
    (r"'([^']*)' is not one of (.+?)\.?$", r"没有“\1”，只能是 \2"),
    (r"'([^']*)' does not match the formats? .*$", r"“\1”应写作 2026-03-01 这样"),
)


def speak(command: Any) -> Any:
    """Make ``command``, and those below it, print its help in Chinese; return it."""
    command.get_help = partial(_help, command.get_help)
    for below in getattr(command, "commands", {}).values():
        speak(below)
    return command


def _help(written: Any, ctx: Any) -> str:
    return translate_help(written(ctx))


def translate_help(text: str) -> str:
    """Return a help page with typer's words in Chinese, its columns as they stood."""
    for english, chinese in _HELP:
        text = re.sub(english, chinese, text, flags=re.MULTILINE)
    text = re.sub(r"<(list\[)?([\w %-]+?)\]?>", _value, text)
    return re.sub(r"^(  \S.*?\S)( {2,})(?=\S)", _beside, text, flags=re.MULTILINE)


def _value(found: re.Match[str]) -> str:
    several, name = found.groups()
    told = f"<{_VALUES.get(name.lower(), name)}>{'…' if several else ''}"
    return told + " " * (len(found[0]) - len(told))


def _beside(found: re.Match[str]) -> str:
    """Keep the column beside a name where it was: what is written wide takes two places and was counted as one."""
    head = found[1]
    return head + " " * max(1, len(found[2]) - sum(east_asian_width(c) in "WF" for c in head))


def word_error(error: Any) -> None:
    """Make ``error``, of the kind USAGE, show itself in Chinese; a page of help that takes its place stays."""
    if type(error).__name__ != "NoArgsIsHelpError":
        error.show = partial(_show, error)


def _show(error: Any, file: IO[Any] | None = None) -> None:
    said = error.format_message()
    if hasattr(error.__cause__, "errors"):
        from pipeline.mistakes import mistakes

        said = f"{said.partition(': ')[0]}: {mistakes(error.__cause__)[0].partition(' -> ')[2]}"
    for english, chinese in _WRONG:
        said = re.sub(english, chinese, said)
    said = re.sub(r"，相近的有：$", "", said.removeprefix(" 不对：")).replace("'", "")
    path = error.ctx.command_path if error.ctx else "zuofeng"
    typer.echo(str(ConfigError(_CODE, said, f"写法见 {path} --help。")), file=file, err=True)
