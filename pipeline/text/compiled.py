"""Python functions over arrays turned into machine code; numba keeps it beside the module or in the user's cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

__all__ = ["compiled", "wide"]

#: Makes a machine word of a smaller number.
wide = cast("Callable[[Any], int]", np.int64)

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """Return ``function`` compiled at its first call; the machine code is kept for later processes where that can be.

    Call only functions of the same module from it: numba does not see when those of another one change.
    """
    try:
        return cast("F", numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:
        # Neither the module's folder nor the user's cache can be written: compiled anew in each process.
        return cast("F", numba.njit(nogil=True)(function))
