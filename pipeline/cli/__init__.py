"""The command ``zuofeng``: one file per verb. A verb parses and prints; the work is a plain function elsewhere."""

from __future__ import annotations

import errno
import gc
import logging
import os
import sys
from itertools import pairwise

from pipeline.batch.logs import configure_logs
from pipeline.cli.verbs import TABLE, VERBS, lazy
from pipeline.collecting import rarely_collecting
from pipeline.errors import ConfigError, UnfinishedError, ZuofengError

__all__ = ["app", "main"]

log = logging.getLogger("zuofeng.cli")
#: What a write that fails says, without the name of the file.
_OF_DISKS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)

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
    """Run the command line; whatever goes wrong ends in an exit code with a sentence, not a traceback."""
    # Our matrices are small: a BLAS that wakes every core for each takes longer, and twice the processor time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    configure_logs("text")
    try:
        # What starting makes stays.
        with rarely_collecting():
            app(args=_with_values(sys.argv[1:]))
    except Exception as e:  # noqa: BLE001  left to the interpreter it would end with 1, which means done
        told = e if isinstance(e, ZuofengError) else _told(e)
        print(told, file=sys.stderr)  # noqa: T201
        sys.exit(told.exit_code)
    finally:
        # The process ends: to look through all it holds, time and again, takes longer than to score a text.
        gc.freeze()


def _told(e: Exception) -> ZuofengError:
    """Return what to tell of an error nobody foresaw; its own words may quote a text and stay unsaid."""
    if isinstance(e, OSError) and e.filename is not None:
        for_good = isinstance(e, FileNotFoundError | PermissionError | IsADirectoryError | NotADirectoryError)
        kind = ConfigError if for_good else UnfinishedError
        return kind("ZF-FILE", f"{e.filename} 用不了：{e.strerror}", "核对路径和权限，磁盘满就腾出地方，之后重跑。")
    if isinstance(e, OSError) and e.errno in _OF_DISKS:
        why = os.strerror(e.errno or 0)
        return UnfinishedError(
            "ZF-FILE", f"读写文件出错：{why}", "磁盘或临时目录满了就腾出地方，之后重跑；写下的有效。"
        )
    log.error("没有料到的错误", exc_info=e)
    return UnfinishedError(
        "ZF-UNEXPECTED",
        f"没有料到的错误（{type(e).__name__}）",
        "写下的有效，重跑即可；再出现就把日志里它的位置告诉开发者。",
    )
