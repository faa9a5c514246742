"""Python functions over arrays turned into machine code, kept in a folder of the user's own."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
import platformdirs
from numba.core import event

from pipeline.text.compiling import watchers
from pipeline.text.private import own_folder

__all__ = ["compiled", "index", "wide"]

#: Makes a machine word of a smaller number.
wide = cast("Callable[[Any], int]", np.int64)
#: Makes an index never counted from the end, so that nothing need test for that; keep it from signed numbers.
index = cast("Callable[[Any], int]", np.uint64)

F = TypeVar("F", bound=Callable[..., object])

log = logging.getLogger("zuofeng.text")


def _keep() -> bool:
    """Tell numba where to keep machine code; return whether it can be kept. NUMBA_CACHE_DIR names another folder."""
    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or platformdirs.user_cache_path("zuofeng") / "machine-code")
    if own_folder(folder):
        numba.config.CACHE_DIR = str(folder)
        return True
    log.warning(
        "[ZF-CACHE-OPEN] 机器码缓存 %s 建不了，或别人也能写，因此不用：每次启动都要重新编译，慢几十秒。"
        "把它交给本用户：chown 后 chmod 700，或用 XDG_CACHE_HOME 另指一处。",
        folder,
    )
    return False


_KEPT = _keep()


class _Compiling(event.Listener):  # type: ignore[misc]  # numba has no types
    def on_start(self, event: object) -> None:
        for watcher in watchers:
            watcher(1)

    def on_end(self, event: object) -> None:
        for watcher in watchers:
            watcher(-1)


event.register("numba:compile", _Compiling())


def compiled(function: F) -> F:
    """Return ``function`` compiled at its first call; the machine code is kept for later processes where that can be.

    Call only functions of the same module from it: numba does not see when those of another one change, nor its
    constants; after changing one, empty the folder of machine code.
    """
    return cast("F", numba.njit(cache=_KEPT, nogil=True)(function))
