"""Logs one can read by machine: one JSON object per line, and nothing of any text, number or name in them."""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
from typing import IO, Any, Literal

__all__ = ["configure_logs"]


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__  # its words may quote a record
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logs(form: Literal["text", "json"], out: IO[str] | None = None) -> None:
    """Send the logs of this program to ``out`` (standard error): JSON from INFO on, or plain warnings."""
    handler = logging.StreamHandler(out or sys.stderr)
    if form == "json":
        handler.setFormatter(_Json())
    logger = logging.getLogger("zuofeng")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(logging.INFO if form == "json" else logging.WARNING)
