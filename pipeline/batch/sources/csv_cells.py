"""CSV cells, strictly: a quote that closes must stand before a delimiter or the end of the line.

The standard library's reader is lenient there, and so an opening quote that is never closed swallows the
following records without a word, up to the next quote in anybody's text. Strictness is what lets the reader
find the one faulty record and take up again on the next line.
"""

from __future__ import annotations

from enum import Enum, auto

__all__ = ["DELIMITERS", "CellParser", "State"]

#: What cells are told apart by.
DELIMITERS = ",\t;|"


class State(Enum):
    """Where a record stands after a line: complete, waiting for more, or impossible."""

    DONE = auto()
    OPEN = auto()
    BROKEN = auto()


class CellParser:
    """Collect the cells of one record from one or more physical lines."""

    def __init__(self, delimiter: str) -> None:
        self.cells: list[str] = []
        self._delimiter = delimiter
        self._quoted: list[str] | None = None

    def feed(self, line: str) -> State:
        """Take one more line, with its line end, and say where the record stands."""
        delimiter, cells = self._delimiter, self.cells
        body = line.removesuffix("\n").removesuffix("\r")
        if self._quoted is None and '"' not in body:
            cells += body.split(delimiter)
            return State.DONE
        at = 0
        while True:
            if self._quoted is not None:
                stop = line.find('"', at)
                if stop < 0:
                    self._quoted.append(line[at:])
                    return State.OPEN
                self._quoted.append(line[at:stop])
                if line.startswith('"', stop + 1):
                    self._quoted.append('"')
                    at = stop + 2
                    continue
                cells.append("".join(self._quoted))
                self._quoted = None
                at = stop + 1
                while at < len(body) and body[at] in " \t" and body[at] != delimiter:
                    at += 1
                if at >= len(body):
                    return State.DONE
                if body[at] != delimiter:
                    return State.BROKEN
                at += 1
            if body.startswith('"', at):
                self._quoted = []
                at += 1
                continue
            stop = body.find(delimiter, at)
            if stop < 0:
                cells.append(body[at:])
                return State.DONE
            cells.append(body[at:stop])
            at = stop + 1
