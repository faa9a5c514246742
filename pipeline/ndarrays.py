"""Arrays by what they hold; docstrings say their shapes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Bools", "Flags", "Floats", "Ints", "Points", "Shorts", "Singles"]

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Shorts = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
#: Code points of characters.
Points = npt.NDArray[np.uint32]
#: Bits that belong together.
Flags = npt.NDArray[np.uint8]
