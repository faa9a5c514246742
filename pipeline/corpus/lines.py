"""One JSON object a line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pipeline.errors import CorpusError

__all__ = ["json_lines", "parse_lines"]

#: Labelled files of other kinds, which people give where lines are wanted.
_OTHERS = (".csv", ".tsv", ".xlsx")


def json_lines(
    path: Path, wrong: list[str], code: str, name: str, *, read: list[dict[str, str]] | None = None
) -> Iterator[tuple[str, Any]]:
    """Yield where each line that is not blank stands, and what it holds; ``wrong`` is told of those that are no JSON,
    ``read`` of the file and the hash of just what was read: a pipe cannot be read twice, and a file may change.

    Raises CorpusError with ``code`` when the file, of what is called ``name``, cannot be read.
    """
    other = CorpusError(
        code, f"{path.name} 不是每行一条的 .jsonl", "先转成这样的：zuofeng corpus import 文件 --out 文件.jsonl。"
    )
    if path.suffix.lower() in _OTHERS:
        raise other
    try:
        # Not `splitlines`: a text may hold other line ends, such as U+2028, which JSON leaves as they are.
        raw = path.read_bytes()
        lines = raw.decode("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as e:
        raise CorpusError(code, f"读不了{name} {path}：{e}", "检查路径，文件须为 UTF-8。") from e
    if path.suffix.lower() == ".json" and next(filter(str.strip, lines), "").lstrip().startswith("["):
        raise other
    if read is not None:
        read.append({"file": path.name, "sha256": hashlib.sha256(raw).hexdigest()})
    yield from parse_lines(lines, path.name, wrong)


def parse_lines(lines: Iterable[str], name: str, wrong: list[str]) -> Iterator[tuple[str, Any]]:
    """Yield what `json_lines` does, of ``lines`` of the file ``name``."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{name}:{number}"
        try:
            yield where, json.loads(line)
        except ValueError as e:
            wrong.append(f"{where} -> 不是合格的 JSON：{e}")
