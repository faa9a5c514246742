"""Who measures time is told when machine code is made: that takes a minute after an installation, and never again."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["watchers"]

#: Each is called with 1 when the compilation of a function begins and with -1 when it ends, in whatever thread. They
#: stand in a module of their own: to name one need not load the compiler.
watchers: list[Callable[[int], None]] = []
