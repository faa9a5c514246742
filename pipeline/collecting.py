"""Garbage of which there is none: the collector looks for cycles the oftener the more is made, whatever it finds."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

__all__ = ["no_collecting"]


@contextlib.contextmanager
def no_collecting() -> Iterator[None]:
    """Make much that stays, or holds no cycles, without looking for any: that can take longer than making it."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
