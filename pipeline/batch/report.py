"""What a night says of itself: counts that add up, labels, and the documents to look at first."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.batch.tally import COUNTS, Tally
from pipeline.batch.writeback import safe_cell
from pipeline.documents import Rejected
from pipeline.taxonomy import Taxonomy

__all__ = ["RunReport", "label_rows", "replace_file", "write_rejected_csv", "write_report"]


@dataclass
class RunReport:
    """``read`` = ``new`` + ``changed`` + ``rescored`` + ``unchanged`` + ``rejected``."""

    run: str
    model: str
    sources: list[str]
    dry_run: bool = False
    started: str = ""
    finished: str = ""
    seconds: float = 0.0
    read: int = 0
    new: int = 0
    changed: int = 0
    rescored: int = 0
    unchanged: int = 0
    rejected: int = 0
    review: int = 0
    problems: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    unreadable: list[dict[str, str]] = field(default_factory=list)
    aside: list[dict[str, Any]] = field(default_factory=list)
    state: str = "running"
    starts: int = 1
    top: list[dict[str, Any]] = field(default_factory=list)
    rejected_file: str = ""
    report_file: str = ""

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

    def add(self, tally: Tally) -> None:
        """Add what came of one chunk."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(tally, name))
        self.labels.update(tally.labels)
        self.reasons.update(tally.reasons)

    def counts(self) -> dict[str, int]:
        """Return the figures kept with the run."""
        return {n: getattr(self, n) for n in COUNTS}


def write_report(report: RunReport, folder: Path) -> Path:
    """Write the report as JSON, whole or not at all."""
    path = folder / f"{report.run}.json"
    report.report_file = str(path)
    replace_file(path, json.dumps(vars(report), ensure_ascii=False, indent=1) + "\n")
    return path


def write_rejected_csv(rejected: Iterable[Rejected], path: Path) -> None:
    """Write rejected records with their reasons, safe to open in Excel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="", errors="replace") as out:
        writer = csv.writer(out)
        writer.writerow(["位置", "编号", "代码", "原因", "原文"])
        writer.writerows([safe_cell(v) for v in (r.place, r.id, r.code, r.reason, r.raw)] for r in rejected)


def label_rows(report: RunReport, taxonomy: Taxonomy) -> list[tuple[str, str, int]]:
    """Return ``(scheme name, label name, decided documents)`` in taxonomy order."""
    names = {s.id: s.name for s in taxonomy.schemes}
    return [(names[s], taxonomy.label(label).name, report.labels[label]) for s, label in taxonomy.columns]


def replace_file(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)  # noqa: PTH105
