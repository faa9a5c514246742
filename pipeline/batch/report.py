"""What a night says of itself: counts that add up, labels, and the documents to look at first."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.batch.tally import Counts
from pipeline.batch.writeback import write_csv
from pipeline.documents import Rejected
from pipeline.errors import ZuofengError
from pipeline.taxonomy import Taxonomy
from pipeline.whole import write_file

__all__ = ["RunReport", "label_rows", "write_rejected_csv", "write_report"]


@dataclass(kw_only=True)
class RunReport(Counts):
    """The counts of a whole run, and what happened on the way.

    ``unreadable`` names what could not be read at all: ``file``, ``code``, ``reason``, ``hint``.
    """

    run: str = ""
    model: str = ""
    sources: list[str] = field(default_factory=list)
    dry_run: bool = False
    started: str = ""
    finished: str = ""
    seconds: float = 0.0
    unreadable: list[dict[str, str]] = field(default_factory=list)
    aside: list[dict[str, Any]] = field(default_factory=list)
    #: What is to be said of the numbers of its records.
    notices: list[str] = field(default_factory=list)
    state: str = "running"
    starts: int = 1
    top: list[dict[str, Any]] = field(default_factory=list)
    rejected_file: str = ""
    report_file: str = ""
    statements: list[str] = field(default_factory=list)
    #: Seconds of the parent process by step; scoring runs beside them, and only what is waited for counts.
    steps: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def spent(self, step: str) -> Iterator[None]:
        """Add the seconds that pass to ``step``."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.steps[step] = round(self.steps.get(step, 0.0) + time.monotonic() - began, 3)

    @property
    def scored(self) -> int:
        """Documents scored in this run."""
        return self.new + self.changed + self.rescored

    @property
    def exit_code(self) -> int:
        """0 done, 1 done with records, chunks or files set aside, 3 to be continued."""
        if self.state == "unfinished":
            return 3
        return 1 if self.rejected or self.unreadable or self.aside else 0

    def cannot_read(self, name: str, error: ZuofengError) -> None:
        """Note a source that could not be read, or not to its end."""
        reason = "；".join([error.message.rstrip("。"), *error.details])
        self.unreadable.append({"file": name, "code": error.code, "reason": reason, "hint": error.hint})


def write_report(report: RunReport, folder: Path) -> None:
    """Write the report as JSON, whole or not at all."""
    path = folder / f"{report.run}.json"
    report.report_file = str(path)
    write_file(path, json.dumps(vars(report), ensure_ascii=False, indent=1) + "\n")


def write_rejected_csv(rejected: Iterable[Rejected], path: Path) -> None:
    """Write rejected records with their reasons, safe to open in Excel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_csv(
        path, ("位置", "编号", "代码", "原因", "原文"), ((r.place, r.id, r.code, r.reason, r.raw) for r in rejected)
    )


def label_rows(report: RunReport, taxonomy: Taxonomy) -> list[tuple[str, str, int]]:
    """Return ``(scheme name, label name, decided documents)`` in taxonomy order."""
    names = {s.id: s.name for s in taxonomy.schemes}
    return [(names[s], taxonomy.label(label).name, report.labels[label]) for s, label in taxonomy.columns]
