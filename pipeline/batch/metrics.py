"""The last night on each source as an OpenMetrics file for node-exporter's textfile collector."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.batch.report import RunReport
from pipeline.whole import write_file

__all__ = ["write_metrics"]

_PREFIX = "zuofeng_night_"


def write_metrics(path: Path, report: RunReport | None, *, source: str, exit_code: int, now: dt.datetime) -> None:
    """Write what is known of the night on ``source`` that ended ``now``, whole or not at all; gauges only.

    ``report`` is None when there was none. The file's lines of other sources stay, as does this one's last success.
    """
    registry = CollectorRegistry()
    before = _read(path)

    def gauge(name: str, says: str, *labels: str) -> Callable[..., Gauge]:
        made = Gauge(_PREFIX + name, says, ("source", *labels), registry=registry)
        for of, value in before.get(_PREFIX + name, []):
            if of.keys() == {"source", *labels} and of["source"] != source:
                made.labels(**of).set(value)
        return partial(made.labels, source)

    gauge("last_end_timestamp_seconds", "When the last night ended")().set(now.timestamp())
    gauge("exit_code", "0 done, 1 with records set aside, 2 configuration, 3 unfinished")().set(exit_code)
    success = gauge("last_success_timestamp_seconds", "When a night was last done")
    duration = gauge("duration_seconds", "How long it took")
    starts = gauge("starts", "Times it was started until done")
    aside = gauge("chunks_aside", "Chunks set aside")
    unreadable = gauge("files_unreadable", "Files set aside")
    model = gauge("model", "The model that scored", "model")
    records = gauge("records", "Records by what became of them", "outcome")
    labels = gauge("label_documents", "Documents scored with the label", "label")
    if exit_code <= 1:
        success().set(now.timestamp())
    else:
        for of, value in before.get(_PREFIX + "last_success_timestamp_seconds", []):
            if of.get("source", source) == source:  # before there were labels it was the only one
                success().set(value)
    if report is not None:
        duration().set(report.seconds)
        starts().set(report.starts)
        aside().set(len(report.aside))
        unreadable().set(len(report.unreadable))
        model(report.model).set(1)
        for name, count in report.numbers().items():
            records(name).set(count)
        for label, count in sorted(report.labels.items()):
            labels(label).set(count)
    write_file(path, generate_latest(registry).decode())  # type: ignore[no-untyped-call]
    path.chmod(0o644)


def _read(path: Path) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Return the labels and values in the file by metric; none when it is not there or not of this kind."""
    try:
        families = list(text_string_to_metric_families(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return {}
    return {f.name: [(s.labels, s.value) for s in f.samples] for f in families}
