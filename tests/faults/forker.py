"""A process with everything loaded that starts one night per line it reads, in a child that may be killed.

Started with a model's folder, a dictionary and a JSON list of texts; answers each order with the child's number,
then with its exit status. One thread only: it forks.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg  # noqa: F401  loaded once, before forking
import sqlalchemy  # noqa: F401
from faults.remembered import Remembered

from pipeline.batch import lock
from pipeline.batch.nightly import nightly
from pipeline.batch.patience import Patience
from pipeline.batch.sources import ColumnMap, Limits
from pipeline.desk.configure import open_store
from pipeline.documents import Document, Prediction, Rejected, text_hash
from pipeline.errors import ZuofengError
from pipeline.model.bundle import load_bundle
from pipeline.model.score import Scorer
from pipeline.table_settings import TableSettings
from pipeline.text.segment import load_dictionary


class Doubter:
    """A challenger that gives no label to every third text."""

    def __init__(self, scoring: Remembered) -> None:
        self._scoring = scoring

    def score(self, documents: Sequence[Document]) -> list[Prediction | Rejected]:
        return [self._doubt(p) if isinstance(p, Prediction) else p for p in self._scoring.score(documents)]

    def _doubt(self, p: Prediction) -> Prediction:
        return p._replace(decided=dict.fromkeys(p.decided, ())) if int(text_hash(p.id), 16) % 3 == 0 else p


def main() -> None:
    model, dictionary, texts = sys.argv[1:]
    scorer = Scorer(load_bundle(Path(model)), load_dictionary(Path(dictionary)))
    scoring = Remembered(scorer, json.loads(Path(texts).read_text(encoding="utf-8")))
    # Every child would load Django's models anew.
    open_store("sqlite:///:memory:", bring_up=False)
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(night(json.loads(line), scorer, scoring))
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def night(order: dict[str, Any], scorer: Scorer, scoring: Remembered) -> int:
    """Run one night in the child and return its exit code."""
    if order.get("migrate"):
        open_store(order["store"])
        return 0
    if wait := order.get("lock_wait"):
        lock._WAIT = wait
    if at := order.get("terminate_at"):
        scoring.before = lambda call: os.kill(os.getpid(), signal.SIGTERM) if call == at else None
    try:
        report = nightly(
            source=order["source"],
            scorer=scorer,
            store=order["store"],
            state=Path(order["state"]),
            columns=ColumnMap(),
            limits=Limits(),
            chunk=order["chunk"],
            scoring=scoring,
            patience=Patience(60, longest_pause=0.1),
            write_back=Path(order["write_back"]) if order.get("write_back") else None,
            write_tables=order.get("write_tables", False),
            tables=TableSettings(**order.get("tables", {})),
            beside=(lambda model: Doubter(scoring)) if order.get("beside") else None,
        )
    except ZuofengError as e:
        if says := order.get("says"):
            Path(says).write_text(str(e), encoding="utf-8")
        return e.exit_code
    return report.exit_code


if __name__ == "__main__":
    main()
