"""Arrays of an ``.npz`` file whose hash has been checked: copied out of memory, without zip's own checksum again."""

from __future__ import annotations

import io
import struct
import zipfile
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["read_arrays"]

#: Of a member's own header: its size, and where it says how long name and extra field behind it are.
_HEADER, _LENGTHS = 30, 26


def read_arrays(raw: bytes) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of uncompressed ``.npz`` bytes by name; ValueError for anything else, objects too."""
    arrays = {}
    with zipfile.ZipFile(io.BytesIO(raw)) as members:
        for member in members.infolist():
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{member.filename} is compressed")
            name, extra = struct.unpack_from("<HH", raw, member.header_offset + _LENGTHS)
            begin = member.header_offset + _HEADER + name + extra
            head = io.BytesIO(raw[begin : begin + min(member.file_size, 1000)])
            if np.lib.format.read_magic(head) != (1, 0):
                raise ValueError(f"{member.filename} is of an unknown version")
            shape, by_column, kind = np.lib.format.read_array_header_1_0(head)
            if kind.hasobject:
                raise ValueError(f"{member.filename} holds objects")
            if begin + member.file_size > len(raw) or head.tell() + prod(shape) * kind.itemsize != member.file_size:
                raise ValueError(f"{member.filename} has another size than it says")
            values = np.frombuffer(raw, kind, prod(shape), begin + head.tell())
            arrays[member.filename.removesuffix(".npy")] = values.reshape(shape, order="F" if by_column else "C").copy(
                "A"
            )
    return arrays
