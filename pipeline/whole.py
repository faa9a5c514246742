"""Files, folders and lines that appear whole or not at all, whatever dies in between."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

__all__ = ["append_line", "draft_below", "write_file", "write_folder"]

#: How the name of every draft begins.
_DRAFT = ".zuofeng-"
#: No draft is worked on for so long, in seconds: who left one died. Process numbers tell less, where several machines
#: or containers write into one folder.
_DAY = 86_400


def write_file(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 in place of what ``path`` held; make its folder. Who may read it is left to the umask."""
    with draft_below(path.parent) as folder:
        draft = folder / path.name
        with draft.open("w", encoding="utf-8", newline="") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        os.replace(draft, path)  # noqa: PTH105


def append_line(path: Path, value: object) -> None:
    """Add a line of JSON to what ``path`` holds, on the disk before this returns; one torn by a crash stays a line."""
    with path.open("ab+") as out:
        if out.tell():
            out.seek(-1, os.SEEK_END)
            out.write(b"" if out.read() == b"\n" else b"\n")
        out.write(json.dumps(value, ensure_ascii=False).encode() + b"\n")
        out.flush()
        os.fsync(out.fileno())


def write_folder(folder: Path, content: Mapping[str, bytes]) -> None:
    """Write files by name into ``folder``, in place of what else it held; make the folder above."""
    with draft_below(folder.parent) as draft:
        for name, data in content.items():
            with (draft / name).open("wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
        draft.chmod(0o755)
        if folder.exists():
            if {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()} == content:
                return  # somebody may be reading it: a model trained anew from the same corpus
            shutil.rmtree(folder)
        os.replace(draft, folder)  # noqa: PTH105


@contextlib.contextmanager
def draft_below(folder: Path) -> Iterator[Path]:
    """Make ``folder`` and yield a hidden one in it, for what is not whole yet: gone at the end, or the day after."""
    folder.mkdir(parents=True, exist_ok=True)
    _tidy(folder, int(time.time() / _DAY))
    draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=folder))
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@lru_cache(maxsize=64)
def _tidy(folder: Path, day: int) -> None:
    """Remove what processes that were killed left in ``folder``; once a ``day``, for some folders hold many files."""
    for draft in folder.glob(f"{_DRAFT}*"):
        with contextlib.suppress(OSError):  # another process does the same, or it is not ours
            if time.time() - draft.stat().st_mtime > _DAY:
                shutil.rmtree(draft, ignore_errors=True)
