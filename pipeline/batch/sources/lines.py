"""The lines of a text file as it stood when it was opened.

Exports and logs may grow while they are read. Only the bytes that were there at opening are read; when they
end in the middle of a line and the file has grown since, that half line is left for the next night. A file
replaced by another (rename) is read to its own end, because the handle keeps the old one alive.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, Self

from pipeline.batch.sources.encoding import decode_line, detect
from pipeline.batch.sources.limits import Limits
from pipeline.batch.sources.names import legible
from pipeline.batch.sources.signature import check_kind, open_file
from pipeline.errors import SourceError

__all__ = ["Line", "Lines"]

_CHUNK = 1 << 18
#: So many zeros in a row are the end of no text, in whatever encoding.
_ZEROS = 8
_SHOWN = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """A physical line with its line end; ``fault`` says why its text cannot be trusted."""

    number: int
    text: str
    fault: Literal["", "encoding", "length"] = ""


class Lines:
    """Iterate once over the lines of ``path``; a context manager that closes the file."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.name = legible(path.name)
        self._cap = limits.max_line_bytes
        self._file = open_file(path)
        try:
            self._size = os.fstat(self._file.fileno()).st_size
            self._left = _filled(self._file, self._size)
            self._hollow = self._left < self._size
            check_kind(path, self._file, "text")
            head = self._read()
            self.encoding, bom = detect(head)
            self._buffer, self._start = bytearray(head[bom:]), 0
        except BaseException:
            self._file.close()
            raise
        end, self._width = "\n", 2 if self.encoding.startswith("utf-16") else 1
        if "\n".encode(self.encoding) not in head and "\r".encode(self.encoding) in head:
            end = "\r"  # classic Mac
        self._end = end.encode(self.encoding)
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def grown(self) -> bool:
        """Whether the file is longer now than when it was opened."""
        return os.fstat(self._file.fileno()).st_size > self._size

    def _read(self) -> bytes:
        if not self._left and self._hollow:
            raise SourceError(
                "ZF-SRC-CHANGED",
                f"{self.name} 的末尾全是零字节：还在拷入，或没有拷完。",
                "已读出的完整记录有效；拷完之后下一夜会再读，不会重复。拷贝断了的请重新拷。",
            )
        if not self._left:
            return b""
        data = self._file.read(min(_CHUNK, self._left))
        if not data:
            raise SourceError(
                "ZF-SRC-CHANGED",
                f"{self.name} 在读取过程中被截短或改写。",
                "已读出的记录有效；请等文件写完后再运行一次，不会重复。",
            )
        self._left -= len(data)
        return data

    def _find(self, buffer: bytearray, start: int) -> int:
        at = buffer.find(self._end, start)
        while at >= 0 and at % self._width:
            at = buffer.find(self._end, at + 1)
        return at

    def ahead(self) -> bytes:
        """Return the whole lines that come next and were read already, where they may be taken at once.

        They may in UTF-8 with ends of today, and when none of them can be too long.
        """
        if self._end != b"\n" or self.encoding != "utf-8":
            return b""
        stop = self._buffer.rfind(b"\n", self._start) + 1
        if not 0 < stop - self._start <= self._cap:
            return b""
        with memoryview(self._buffer) as whole:
            return bytes(whole[self._start : stop])

    def skip(self, size: int) -> None:
        """Go on behind the first ``size`` bytes of what lies ahead."""
        self._number += self._buffer.count(b"\n", self._start, self._start + size)
        self._start += size

    def _raw(self) -> Iterator[tuple[bytes, bool]]:
        """Yield each line's bytes and whether it was too long to keep whole."""
        buffer, scan = self._buffer, 0
        shown: bytes | None = None
        while True:
            at = self._find(buffer, max(scan, self._start))
            if at >= 0:
                stop = at + self._width
                line = (bytes(buffer[self._start : stop]), False) if shown is None else (shown, True)
                self._start = scan = stop
                shown = None
                yield line
                continue
            del buffer[: self._start]
            self._start, scan = 0, len(buffer) // self._width * self._width
            if len(buffer) > self._cap or shown is not None:
                shown = shown or bytes(buffer[: _SHOWN * self._width])
                del buffer[:scan]
                scan = 0
            data = self._read()
            if not data:
                break
            buffer += data
        if (buffer or shown is not None) and not self.grown:
            yield (bytes(buffer), False) if shown is None else (shown, True)

    def __iter__(self) -> Iterator[Line]:
        for raw, cut in self._raw():
            self._number += 1
            text, trusted = decode_line(raw, self.encoding)
            yield Line(self._number, text, "length" if cut else "" if trusted else "encoding")


def _filled(file: BinaryIO, size: int) -> int:
    """Return the size without the zeros at the end: a copy gets its whole length first, and then what it holds."""
    end = size
    while end:
        start = max(0, end - _CHUNK)
        file.seek(start)
        data = file.read(end - start).rstrip(b"\0")
        end = start + len(data)
        if data:
            break
    return end if size - end >= _ZEROS else size
