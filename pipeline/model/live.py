"""Which model was live on a day, from the history of switches."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from pipeline.model.history import Entry, read_history

__all__ = ["CHINA", "live_during"]

#: The days that people speak of; China has no summer time.
CHINA = dt.timezone(dt.timedelta(hours=8))


def live_during(folder: Path, day: dt.date) -> list[Entry]:
    """Return what was live on ``day`` (in China): the last switch before it, if any, and those on it.

    Switches count in the order they were made: a clock that went back changes nothing.
    """
    before: list[Entry] = []
    during: list[Entry] = []
    for entry in read_history(folder):
        made = dt.datetime.fromisoformat(entry.at).astimezone(CHINA).date()
        if made < day:
            before = [entry]
        elif made == day:
            during.append(entry)
    return before + during
