"""Arrays by what they hold; docstrings say their shapes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = [
    "Bools", "Codes", "Columns", "Flags", "Floats", "Grains", "Ints", "Keys", "Points", "Shorts", "Signs", "Singles",
]  # fmt: skip

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Shorts = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
#: Code points of characters.
Points = npt.NDArray[np.uint32]
#: Bits that belong together.
Flags = npt.NDArray[np.uint8]
#: 1, -1, or 0 for neither; exponents of two.
Signs = npt.NDArray[np.int8]
#: Weights in 8 bits, each row in whole numbers of a grain of its own.
Grains = npt.NDArray[np.int8]
#: Classes of characters.
Codes = npt.NDArray[np.uint16]
#: Columns of features, the block of each in the last bits.
Columns = npt.NDArray[np.uint32]
#: Hashes, and several small numbers packed into one.
Keys = npt.NDArray[np.uint64]
