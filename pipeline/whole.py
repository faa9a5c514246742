"""Files and folders that appear whole or not at all, whatever dies in between."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

__all__ = ["write_file", "write_folder"]


def write_file(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 in place of what ``path`` held; make its folder. Who may read it is left to the umask."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8", newline="") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        os.replace(draft, path)  # noqa: PTH105
    finally:
        draft.unlink(missing_ok=True)


def write_folder(folder: Path, content: Mapping[str, bytes]) -> None:
    """Write files by name into ``folder``, in place of what it held; make the folder above."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
    try:
        for name, data in content.items():
            (draft / name).write_bytes(data)
        draft.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(draft, folder)  # noqa: PTH105
    finally:
        shutil.rmtree(draft, ignore_errors=True)
