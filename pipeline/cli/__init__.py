"""The command ``zuofeng``: one file per verb. A verb parses and prints; the work is a plain function elsewhere."""

from __future__ import annotations

import sys
from itertools import pairwise

from pipeline.cli.verbs import TABLE, VERBS, lazy
from pipeline.errors import ZuofengError

__all__ = ["app", "main"]

app = lazy("zuofeng", VERBS, "作风：给投诉和材料文本标出七类形式主义表现和十二类问题，附证据，供分办人员核对。")


def _with_values(arguments: list[str]) -> list[str]:
    """Give ``--write-back`` without a value the one that means the caller's own table."""
    filled: list[str] = []
    for argument, following in pairwise([*arguments, "-"]):
        filled.append(argument)
        if argument == "--write-back" and following.startswith("-"):
            filled.append(TABLE)
    return filled


def main() -> None:
    """Run the command line; errors of ours end in their exit code with a sentence, not a traceback."""
    try:
        app(args=_with_values(sys.argv[1:]))
    except ZuofengError as e:
        print(e, file=sys.stderr)  # noqa: T201
        sys.exit(e.exit_code)
    except KeyboardInterrupt:
        print("已中断；已写入的结果有效，重跑即可。", file=sys.stderr)  # noqa: T201
        sys.exit(3)
