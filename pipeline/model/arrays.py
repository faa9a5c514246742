"""The arrays of an .npz where they stand: numpy would copy them all, which takes longer than to score a short text."""

from __future__ import annotations

import io
import math
import struct
import zipfile
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["arrays_of"]

#: Bytes ahead of a member's name in its zip; the last four of them are the lengths of the two fields behind.
_LOCAL = 30
#: numpy refuses longer headers of arrays.
_HEADER = 10 + 10_000


def arrays_of(raw: bytes) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays in ``raw``, an .npz as `numpy.savez` writes it; nobody can write to them.

    Those that stand on odd addresses are copied, as numpy would do at each use; single bytes never do. Raises
    ValueError, or what zipfile, struct and numpy do, for anything else than plain arrays.
    """
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {m.filename.removesuffix(".npy"): _array(raw, m) for m in archive.infolist()}


def _array(raw: bytes, member: zipfile.ZipInfo) -> npt.NDArray[Any]:
    if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{member.filename} is compressed")
    name, extra = struct.unpack_from("<HH", raw, member.header_offset + _LOCAL - 4)
    begin = member.header_offset + _LOCAL + name + extra
    head = io.BytesIO(raw[begin : begin + _HEADER])
    if np.lib.format.read_magic(head) != (1, 0):
        raise ValueError(f"{member.filename} is of another version")
    shape, by_column, dtype = np.lib.format.read_array_header_1_0(head)
    size = math.prod(shape)
    # Objects would be addresses.
    if dtype.hasobject or head.tell() + size * dtype.itemsize != member.file_size:
        raise ValueError(f"{member.filename} is no array of numbers, or of another size")
    flat = np.frombuffer(raw, dtype, size, begin + head.tell())
    return np.require(flat.reshape(shape, order="F" if by_column else "C"), requirements="A")
