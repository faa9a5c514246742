"""Another model over what is stored: the same ledger, the old predictions beside the new ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.batch.nightly import InProcess, Progress, at_work, run_feeds
from pipeline.batch.patience import Patience
from pipeline.batch.report import RunReport
from pipeline.batch.worker import Scoring
from pipeline.desk.configure import ask_for_store
from pipeline.documents import Document, Rejected
from pipeline.model.score import Scorer

__all__ = ["StoreFeed", "rescore"]

_PATIENCE = Patience()
PAGE = 2000


class StoreFeed:
    """The texts of the store in the order of their row numbers, without those that were purged."""

    ordered = True
    timid = False
    name = "存储"

    def __init__(self, since: dt.datetime | None, patience: Patience) -> None:
        self._since = since
        self._patience = patience
        self._number = 0

    def read(self, after: Any) -> Iterator[Document | Rejected]:
        """Yield the documents behind row number ``after``, page by page."""
        from pipeline.batch.store import document_of
        from pipeline.desk.models import Document as Row

        rows = Row.objects.filter(purged=False).order_by("id")
        if self._since is not None:
            rows = rows.filter(stored__gte=self._since)
        last = after or 0
        while page := self._patience.run(lambda: list(rows.filter(id__gt=last)[:PAGE])):  # noqa: B023  runs at once
            last = page[-1].id
            for d in page:
                self._number = d.id
                yield document_of(d)

    def mark(self, record: Document | Rejected) -> Any:
        """Return the row number of the document read last."""
        return self._number


def rescore(
    *,
    scorer: Scorer,
    store: str,
    state: Path,
    since: dt.datetime | None = None,
    chunk: int = 2000,
    dry_run: bool = False,
    scoring: Scoring | None = None,
    patience: Patience = _PATIENCE,
    lock_seconds: float = 30.0,
    progress: Progress = lambda number, files, name, records: None,
) -> RunReport:
    """Score what came in since ``since`` (aware; None: everything) with ``scorer``'s model and return the report.

    What the model has scored already stays as it is. Every view shows one model, so that nothing mixes while this is
    half done: score first, then make the model live. Raises as ``nightly`` does, and is continued like it; ConfigError
    when there is no store.
    """
    ask_for_store(store)
    with at_work(store=store, state=state, patience=patience, lock_seconds=lock_seconds, dry_run=dry_run) as patience:
        report = RunReport(model=scorer.bundle.id, sources=[StoreFeed.name], dry_run=dry_run)
        return run_feeds(
            [StoreFeed(since, patience)], report, kind="rescore", source=since.isoformat() if since else "",
            bundle=scorer.bundle, scoring=scoring or InProcess(scorer), state=state, chunk=chunk, patience=patience,
            targets=[], progress=progress,
        )  # fmt: skip
