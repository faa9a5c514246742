"""The last night as an OpenMetrics file for node-exporter's textfile collector."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.batch.report import RunReport
from pipeline.whole import write_file

__all__ = ["write_metrics"]

_SUCCESS = "zuofeng_night_last_success_timestamp_seconds"


def write_metrics(path: Path, report: RunReport | None, *, exit_code: int, now: dt.datetime) -> None:
    """Write what is known of the night that ended ``now``, whole or not at all; gauges only.

    ``report`` is None when there was none. The time of the last success is carried over from the file as it was.
    """
    registry = CollectorRegistry()

    def gauge(name: str, says: str, *labels: str) -> Gauge:
        return Gauge(f"zuofeng_night_{name}", says, labels, registry=registry)

    gauge("last_end_timestamp_seconds", "When the last night ended").set(now.timestamp())
    gauge("exit_code", "0 done, 1 with records set aside, 2 configuration, 3 unfinished").set(exit_code)
    success = now.timestamp() if exit_code <= 1 else _carried(path)
    if success is not None:
        gauge("last_success_timestamp_seconds", "When a night was last done").set(success)
    if report is not None:
        gauge("duration_seconds", "How long it took").set(report.seconds)
        gauge("starts", "Times it was started until done").set(report.starts)
        gauge("chunks_aside", "Chunks set aside").set(len(report.aside))
        gauge("files_unreadable", "Files set aside").set(len(report.unreadable))
        gauge("model", "The model that scored", "model").labels(report.model).set(1)
        records = gauge("records", "Records by what became of them", "outcome")
        for name, count in report.numbers().items():
            records.labels(name).set(count)
        labels = gauge("label_documents", "Documents scored with the label", "label")
        for label, count in sorted(report.labels.items()):
            labels.labels(label).set(count)
    write_file(path, generate_latest(registry).decode())  # type: ignore[no-untyped-call]
    path.chmod(0o644)


def _carried(path: Path) -> float | None:
    try:
        families = list(text_string_to_metric_families(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return None
    return next((s.value for f in families for s in f.samples if s.name == _SUCCESS), None)
