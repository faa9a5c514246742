"""Garbage of which there is little: the collector looks for cycles the oftener the more is made, whatever it finds."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

__all__ = ["no_collecting", "rarely_collecting"]

#: New objects between two looks at the youngest, and looks between two at older ones (Python's own: 700, 10, 10).
_SELDOM = (200_000, 20, 10)


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


@contextlib.contextmanager
def rarely_collecting() -> Iterator[None]:
    """Look for cycles a few times a minute, and never among what is there already: a tenth of a night's time."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
