"""Who made which model live, when and why: ``history.jsonl`` beside the models, lines added and never changed.

Each line holds the hash of all lines before it, so that a changed or missing one shows. A line is written before the
switch it speaks of: no model goes live without one. Where the two differ, because the machine died between them or
somebody edited ``champion`` by hand, the next action first writes down what it found.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pipeline.errors import UnfinishedError
from pipeline.model.registry import champion_id, set_champion
from pipeline.whole import append_line

__all__ = ["ACTIONS", "Entry", "History", "first_broken", "open_history", "read_history"]

FILE = "history.jsonl"
#: Full figures of each comparison, named by their hash.
FIGURES = "history"
ACTIONS = {
    "first": "首个模型",
    "promote": "启用",
    "adapt": "重设后启用",
    "rollback": "退回",
    "found": "发现在别处改动",
}
WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One switch. ``figures`` names the full figures by hash, ``summary`` holds the few that people ask for."""

    number: int
    at: str
    action: str
    model: str
    before: str | None
    author: str
    reason: str
    forced: bool = False
    objections: Sequence[str] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)
    figures: str = ""
    previous: str = ""


def read_history(folder: Path) -> list[Entry]:
    """Return every entry, oldest first; a line torn by a crash is no entry."""
    return [entry for _, entry in _lines(folder) if entry is not None]


def first_broken(folder: Path) -> int | None:
    """Return the number of the first line that does not follow from all before it; None when the history is whole."""
    before = hashlib.sha256()
    for number, (raw, entry) in enumerate(_lines(folder), 1):
        if entry is not None and entry.previous != before.hexdigest():
            return number
        before.update(raw + b"\n")
    return None


class History:
    """The history of one folder of models, held by one process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make_live(
        self,
        model: str,
        *,
        action: str,
        author: str,
        reason: str,
        forced: bool = False,
        objections: Sequence[str] = (),
        summary: Mapping[str, Any] | None = None,
        figures: Mapping[str, Any] | None = None,
    ) -> Entry:
        """Write the entry, then switch; the caller has checked that ``model`` can be loaded."""
        self.note_outside()
        entry = self._append(
            action=action,
            model=model,
            before=champion_id(self.folder),
            author=author,
            reason=reason,
            forced=forced,
            objections=tuple(objections),
            summary=summary or {},
            figures=self._keep(figures) if figures else "",
        )
        set_champion(self.folder, model)
        return entry

    def note_outside(self) -> None:
        """Write down a live model that the history does not know of."""
        entries, live = read_history(self.folder), champion_id(self.folder)
        known = entries[-1].model if entries else None
        if live is not None and live != known:
            self._append(action="found", model=live, before=known, author="", reason="在用模型与记录不符，照实记下")

    def origin(self) -> str | None:
        """Return the model that was live before the last promotion that has not been taken back."""
        live: list[str] = []
        before: list[str] = []
        for e in read_history(self.folder):
            if e.action == "found" and before[-1:] == [e.model]:
                # The machine died before the last switch, or somebody undid it by hand: all is as before its line.
                live = before
            before = live.copy()
            if e.action == "rollback" and live:
                live.pop()
            if not live or live[-1] != e.model:
                live.append(e.model)
        return live[-2] if len(live) > 1 else None

    def _append(self, **given: Any) -> Entry:
        lines = _lines(self.folder)
        entry = Entry(
            number=sum(e is not None for _, e in lines) + 1,
            at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            previous=hashlib.sha256(b"".join(raw + b"\n" for raw, _ in lines)).hexdigest(),
            **given,
        )
        append_line(self.folder / FILE, asdict(entry))
        return entry

    def _keep(self, figures: Mapping[str, Any]) -> str:
        raw = (json.dumps(figures, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()
        digest = hashlib.sha256(raw).hexdigest()
        (self.folder / FIGURES).mkdir(exist_ok=True)
        (self.folder / FIGURES / f"{digest}.json").write_bytes(raw)
        return digest


@contextmanager
def open_history(folder: Path, *, wait: float = WAIT_SECONDS) -> Iterator[History]:
    """Hold the history of ``folder`` alone; raises UnfinishedError when another process holds it too long."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".history.lock", timeout=wait):
            yield History(folder)
    except Timeout as e:
        raise UnfinishedError("ZF-HISTORY-BUSY", "另一个程序正在换模型", "等它做完再试。") from e


def _lines(folder: Path) -> list[tuple[bytes, Entry | None]]:
    try:
        raw = (folder / FILE).read_bytes()
    except FileNotFoundError:
        return []
    return [(line, _entry(line)) for line in raw.split(b"\n") if line]


def _entry(line: bytes) -> Entry | None:
    try:
        return Entry(**json.loads(line))
    except (ValueError, TypeError):
        return None
