"""From what the operator names (a file, a folder, a glob) to the files to read."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.batch.sources.names import legible
from pipeline.errors import SourceError

__all__ = ["SUFFIXES", "expand", "is_large", "skipped"]

#: Bytes of a night's work for which compiled code pays off in any case, whatever packs them.
LARGE = 8 << 20
SUFFIXES = (".csv", ".tsv", ".xlsx", ".jsonl", ".parquet", ".txt", ".docx")


def _hidden(path: Path, root: Path) -> bool:
    """Whether a part below ``root`` is hidden, or an Office lock file."""
    return any(part.startswith((".", "~$")) for part in path.relative_to(root).parts)


def _visible(folder: Path) -> Iterator[Path]:
    return (p for p in folder.rglob("*") if not _hidden(p, folder) and p.is_file())


def _supported(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def expand(source: str | Path) -> list[Path]:
    """Return the files that ``source`` names, sorted.

    A file stands for itself, whatever its suffix; a folder for every supported file in it and below, hidden
    ones left out; anything with ``*``, ``?`` or ``[`` is a glob (``**`` goes down), of supported files.
    An empty folder or a glob without a match gives an empty list: nothing came in.

    Raises
    ------
    SourceError
        ``ZF-SRC-MISSING`` when there is no such file or folder.
    """
    path = Path(source)
    if path.is_dir():
        return sorted(filter(_supported, _visible(path)))
    if path.is_file():
        return [path]
    pattern = os.fspath(source)
    if glob.has_magic(pattern):
        fixed = path
        while glob.has_magic(str(fixed)):
            fixed = fixed.parent
        if fixed.is_dir():
            hits = (Path(hit) for hit in glob.iglob(pattern, recursive=True))  # noqa: PTH207 - takes absolute patterns
            return sorted({h for h in hits if h.is_file() and _supported(h) and not h.name.startswith((".", "~$"))})
    raise SourceError("ZF-SRC-MISSING", f"找不到文件或文件夹：{legible(source)}", "请核对路径；通配符要加引号。")


def skipped(source: str | Path) -> list[Path]:
    """Return the visible files of a folder that ``expand`` leaves out for their suffix, to be reported."""
    path = Path(source)
    return sorted(p for p in _visible(path) if not _supported(p)) if path.is_dir() else []


def is_large(source: str) -> bool:
    """Whether the files that ``source`` names are thousands of texts; of a database, or of what is not there, no."""
    if "://" in source:
        return False
    try:
        return sum(p.stat().st_size for p in expand(source)) > LARGE
    except (SourceError, OSError):
        return False  # said by the one who reads it
