"""What the desk does beside answering: takes in what a night left behind, and keeps the counts fresh."""

from __future__ import annotations

import logging
import threading

from django.db import Error, close_old_connections, connections

from pipeline.desk.cases import refresh_if_new
from pipeline.desk.tallies import roll_up_if_due

__all__ = ["Keeper"]

log = logging.getLogger("zuofeng.desk")
#: Seconds between two looks.
EVERY = 60.0


class Keeper(threading.Thread):
    """Looks every minute until it is stopped. A night brings the queue up itself: this is for one that broke off."""

    def __init__(self, every: float = EVERY) -> None:
        super().__init__(name="keeper", daemon=True)
        self._every = every
        self._stop_asked = threading.Event()

    def run(self) -> None:
        """Look until stopped; a store that is away is looked at again later."""
        while True:
            close_old_connections()
            try:
                refresh_if_new()
                roll_up_if_due()
            except (Error, OSError) as e:
                # A store that is away, rules that cannot be read: the next look may find them.
                log.warning("队列暂时没有更新", extra={"fields": {"error": str(e).partition("\n")[0][:200]}})
            if self._stop_asked.wait(self._every):
                connections.close_all()
                return

    def stop(self) -> None:
        """Stop after the look that is going on."""
        self._stop_asked.set()
