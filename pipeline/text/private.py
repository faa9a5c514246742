"""The folder where machine code is kept. Whoever can write there can run code as this user, so it is nobody else's."""

from __future__ import annotations

import os
import stat
from pathlib import Path

__all__ = ["is_own", "own_folder"]

_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def own_folder(folder: Path) -> bool:
    """Make ``folder``, open to this user alone, if it is not there; return whether nobody else can put files there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return False
    return is_own(folder)


def is_own(folder: Path) -> bool:
    """Return whether only this user can change what is in ``folder``, and only this user or root the way to it."""
    if not hasattr(os, "getuid"):
        return True  # Windows: profiles are private
    folder = folder.resolve()
    if folder.stat().st_uid != os.getuid() or folder.stat().st_mode & _OTHERS:
        return False
    ways = [p.stat() for p in folder.parents]
    # Where others may write, as in /tmp, the sticky bit keeps them from what is not theirs.
    return all(w.st_uid in (0, os.getuid()) and (w.st_mode & stat.S_ISVTX or not w.st_mode & _OTHERS) for w in ways)
