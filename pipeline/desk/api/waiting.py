"""What waits in the inbox: which documents were handed in, and with which text."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from pathlib import Path

from pipeline.batch.sources import ColumnMap, Limits
from pipeline.batch.sources.jsonl import JsonRecords
from pipeline.batch.sources.lines import Line
from pipeline.documents import Document

__all__ = ["Waiting", "waiting_in"]


class Waiting:
    """The documents in the files of ``folder``: each file is written once, and read here once.

    The files alone are the truth: after a restart they are read again, and what is gone from there waits no more. For
    one thread at a time.
    """

    def __init__(self, folder: Path, columns: ColumnMap, limits: Limits) -> None:
        self._folder = folder
        self._reader = JsonRecords("接口", columns, limits)
        self._files: set[str] = set()
        #: Hash of the text and name of the file, by the document's id.
        self._held: dict[str, tuple[str, str]] = {}

    def hashes(self, ids: Iterable[str]) -> dict[str, str]:
        """Return the hashes of the texts of those ``ids`` that wait; raises OSError when the folder cannot be read."""
        self._catch_up()
        return {i: self._held[i][0] for i in ids if i in self._held}

    def _catch_up(self) -> None:
        there: set[str] = set()
        if self._folder.is_dir():
            with os.scandir(self._folder) as entries:
                there = {e.name for e in entries if e.name.endswith(".jsonl")}
        if gone := self._files - there:
            self._held = {i: (digest, name) for i, (digest, name) in self._held.items() if name not in gone}
            self._files -= gone
        for name in sorted(there - self._files):  # in the order of the night, which takes the first of two
            self._read(name)
            self._files.add(name)

    def _read(self, name: str) -> None:
        try:
            with (self._folder / name).open(encoding="utf-8", errors="replace", newline="\n") as lines:
                for number, line in enumerate(lines, 1):
                    made = self._reader.record(Line(number, line))
                    if made is not None and isinstance(made[0], Document):
                        self._held.setdefault(made[0].id, (made[0].text_hash, name))
        except FileNotFoundError:
            pass  # purged just now: the store knows its documents


@functools.lru_cache(maxsize=1)
def waiting_in(folder: Path, columns: ColumnMap, limits: Limits) -> Waiting:
    """Return the one of this process; other settings read the same files in another way, so they begin anew."""
    return Waiting(folder, columns, limits)
