"""Retention: texts that were stored long enough ago are removed; scores, their origin and the ledger stay.

Removed: text and title of documents, quotes of evidence, the raw text of rejected records, what report files hold of
them, and the files they were handed in with over the interface. A purge is a run of its own, and is continued like a
night.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.batch.nightly import at_work, bring_up
from pipeline.batch.patience import Patience
from pipeline.desk.configure import ask_for_store

__all__ = ["Purged", "purge"]

_PATIENCE = Patience()


@dataclass
class Purged:
    """What was removed, or would be: ``counts`` of documents, quotes, rejected and files."""

    run: str
    before: dt.datetime
    dry_run: bool
    counts: Counter[str] = field(default_factory=Counter)
    starts: int = 1


def purge(
    *,
    before: dt.datetime,
    store: str,
    state: Path,
    inbox: Path | None = None,
    dry_run: bool = False,
    actor: str = "",
    patience: Patience = _PATIENCE,
    lock_seconds: float = 30.0,
) -> Purged:
    """Remove texts stored before ``before`` (aware) from the store, from the reports in ``state`` and from ``inbox``.

    Begin and end stand in the desk's sealed trail under ``actor``.
    A run that stopped is continued by the next with the same ``before``. Raises UnfinishedError when another run is at
    work, the store stays away or a signal came; ConfigError when there is no store.
    """
    ask_for_store(store)
    with at_work(store=store, state=state, patience=patience, lock_seconds=lock_seconds, dry_run=dry_run) as patience:
        bring_up(patience, dry_run=dry_run)
        from django.conf import settings

        from pipeline.batch.removal import remove
        from pipeline.desk.secret import secret_of

        if not dry_run:
            # The trail is sealed with the desk's secret.
            settings.SECRET_KEY = secret_of(state)
        return remove(
            before=before, reports=state / "reports", inbox=inbox, actor=actor, patience=patience, dry_run=dry_run
        )
