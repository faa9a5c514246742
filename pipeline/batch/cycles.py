"""Garbage in cycles, looked for rarely: a night makes millions of objects and hardly a cycle."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["rarely_collecting"]

#: New objects between two looks at the youngest, and looks between two at older ones (Python's own: 700, 10, 10).
_SELDOM = (200_000, 20, 10)


@contextmanager
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
