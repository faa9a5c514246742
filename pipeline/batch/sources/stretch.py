"""Many records of a table as text at once, as long as they are just what the header promises.

Whatever is in the way, a broken quote, a missing cell, a line in another encoding, is left to those who read line by
line, and so is the record that the end of what was read cuts in two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pipeline.batch.sources.csv_cells import DELIMITERS
from pipeline.batch.sources.limits import Limits
from pipeline.batch.sources.lines import Lines

__all__ = ["Stretch"]

#: Where records are odd, decoding what follows again and again would cost more than it saves.
_MOST_REST = 255


class Stretch:
    """Takes whole records with ``width`` cells off the front of ``lines``."""

    def __init__(self, lines: Lines, delimiter: str, width: int, limits: Limits) -> None:
        self._lines = lines
        self._most = limits.max_record_lines
        self._record = _pattern(delimiter, width) if delimiter in DELIMITERS else None
        self._rest = self._waits = 0

    def take(self) -> Iterator[tuple[Sequence[str], bool]]:
        """Yield the cells of each record, and whether they are known to hold no NUL."""
        if self._record is None or self._waits:
            self._waits = max(0, self._waits - 1)
            return
        data, text = _decode(self._lines.ahead())
        clean, at, match = b"\0" not in data, 0, self._record.match
        while (found := match(text, at)) is not None:
            end = found.end()
            if end - at > self._most and text.count("\n", at, end) > self._most:
                break
            at = end
            yield [_bare(cell) if cell[:1] == '"' else cell for cell in found.groups()], clean
        self._rest = self._waits = 0 if at or not data else min(2 * self._rest + 1, _MOST_REST)
        self._lines.skip(len(data) - len(text[at:].encode()))


def _decode(data: bytes) -> tuple[bytes, str]:
    """Return what there is up to the first line that is not UTF-8, also as text."""
    try:
        return data, data.decode()
    except UnicodeDecodeError as error:
        data = data[: data.rfind(b"\n", 0, error.start) + 1]
        return data, data.decode()


def _bare(cell: str) -> str:
    return cell.rstrip(" \t")[1:-1].replace('""', '"')


def _pattern(delimiter: str, width: int) -> re.Pattern[str]:
    """Return what a record looks like; quotes as strict as those of ``CellParser``."""
    blank = "[ ]" if delimiter == "\t" else r"[ \t]"
    end = re.escape(delimiter)
    cell = rf'("[^"]*+(?:""[^"]*+)*+"{blank}*+|[^"{end}\r\n][^{end}\r\n]*+|)'
    return re.compile(end.join([cell] * width) + r"\r?\n")
