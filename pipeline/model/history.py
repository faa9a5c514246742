"""Which model was live when: every switch is a line in a file beside the models, never changed afterwards."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import BundleError

__all__ = ["CHINA", "Switch", "live_during", "note_switch", "switches"]

#: The days that people speak of; China has no summer time.
CHINA = dt.timezone(dt.timedelta(hours=8))
FILE = "history.jsonl"


@dataclass(frozen=True, slots=True)
class Switch:
    """At ``time`` (aware) ``model`` took the place of ``before``."""

    time: dt.datetime
    model: str
    before: str | None


def note_switch(folder: Path, model: str, before: str | None, *, now: dt.datetime | None = None) -> None:
    """Add a line to the history of ``folder``."""
    time = now or dt.datetime.now(dt.UTC)
    line = json.dumps({"time": time.isoformat(timespec="seconds"), "model": model, "before": before})
    with (folder / FILE).open("a", encoding="utf-8") as out:
        out.write(line + "\n")


def switches(folder: Path) -> list[Switch]:
    """Return all switches in the order they were made; raises BundleError when the file is damaged."""
    try:
        lines = (folder / FILE).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    found = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            found.append(Switch(dt.datetime.fromisoformat(row["time"]), row["model"], row["before"]))
        except (ValueError, KeyError, TypeError) as e:
            raise BundleError(
                "ZF-MODEL-HISTORY", f"{folder / FILE} 第 {number} 行读不懂", "从备份恢复这个文件，或删去那一行。"
            ) from e
    return found


def live_during(folder: Path, day: dt.date) -> list[Switch]:
    """Return what was live on ``day`` (in China): the last switch before it, if any, and those on it."""
    before: list[Switch] = []
    during: list[Switch] = []
    for switch in switches(folder):
        made = switch.time.astimezone(CHINA).date()
        if made < day:
            before = [switch]
        elif made == day:
            during.append(switch)
    return before + during
