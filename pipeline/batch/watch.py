"""After a run, however it ended: the metrics file, and the alert command when somebody should know."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.batch.alert import judge, send
from pipeline.batch.jump import Night
from pipeline.batch.metrics import write_metrics
from pipeline.batch.report import RunReport
from pipeline.errors import ZuofengError

__all__ = ["Watch", "earlier_nights", "last_report", "watched"]

log = logging.getLogger("zuofeng.watch")
#: Nights that say what is usual.
USUAL = 14


@dataclass
class Watch:
    """What the night reports; set ``report`` before leaving."""

    report: RunReport | None = None


@contextmanager
def watched(
    *, metrics: Path | None, alert: Sequence[str], work: str = "夜间任务", source: str = "", awaited: bool = True
) -> Iterator[Watch]:
    """Write ``metrics`` of ``source`` and run ``alert`` after the ``work`` inside, also when it raised.

    Its outcome stays. ``awaited`` as in `judge`.
    """
    watch = Watch()
    failure, code = "意外中断", 3
    try:
        yield watch
        failure, code = "", watch.report.exit_code if watch.report else 0
    except ZuofengError as e:
        failure, code = e.code, e.exit_code
        raise
    finally:
        report = watch.report
        if metrics is not None:
            try:
                write_metrics(metrics, report, source=source, exit_code=code, now=dt.datetime.now(dt.UTC))
            except OSError as e:
                log.error("指标文件没有写成", extra={"fields": {"error": e.strerror}})
        if alert:
            before, last = (earlier_nights(report.run), last_report(report)) if report is not None else ([], {})
            alerts = judge(report, failure, before, last=last, work=work, awaited=awaited)
            send(alert, alerts, run=report.run if report else "")


def earlier_nights(run: str) -> list[Night]:
    """Return what the last done runs of the same kind, source and model scored."""
    from django.db import Error

    from pipeline.batch import ledger

    found = []
    try:
        runs = ledger.counts_before(run, USUAL)
    except Error as e:
        log.error("以往的数字读不到，标签的比例没有核对", extra={"fields": {"error": type(e).__name__}})
        return []
    for chunks in runs:
        labels: Counter[str] = Counter()
        for counts in chunks:
            labels.update(counts["labels"])
        found.append(Night(sum(c["new"] + c["changed"] + c["rescored"] for c in chunks), labels))
    return found


def last_report(report: RunReport) -> dict[str, Any]:
    """Return what the report of the last done run of the same kind, source and model said; nothing without one."""
    from django.db import Error

    from pipeline.batch import ledger

    try:
        for run in ledger.runs_before(report.run, 1):
            found: dict[str, Any] = json.loads(Path(report.report_file).with_name(f"{run}.json").read_bytes())
            return found
    except (Error, OSError, ValueError) as e:
        log.error("上一夜的报告读不到", extra={"fields": {"error": type(e).__name__}})
    return {}
