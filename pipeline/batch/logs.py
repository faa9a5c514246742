"""Logs as lines or as JSON: of a mistake its kind and place, of a page its route; never words that may quote a text."""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
import traceback
from typing import IO, Any, Literal

__all__ = ["configure_logs"]


def _facts(record: logging.LogRecord) -> tuple[str, dict[str, Any]]:
    """Return what happened, and what belongs to it by name."""
    message, fields = record.getMessage(), dict(getattr(record, "fields", {}))
    if request := getattr(record, "request", None):
        # Django's own message quotes the address that was asked for.
        route = request.resolver_match.route if request.resolver_match else ""
        message = "网页出错"
        fields |= {"method": request.method, "route": route, "status": getattr(record, "status_code", None)}
    if record.exc_info and record.exc_info[0]:
        # Its words may quote a record.
        fields["error"] = record.exc_info[0].__name__
        frames = traceback.walk_tb(record.exc_info[2])
        fields["at"] = [f"{f.f_code.co_filename}:{line} {f.f_code.co_name}" for f, line in frames]
    return message, fields


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        message, fields = _facts(record)
        line = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
            **fields,
        }
        return json.dumps(line, ensure_ascii=False, default=str)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        message, fields = _facts(record)
        places = fields.pop("at", [])
        time = dt.datetime.fromtimestamp(record.created).astimezone().isoformat(" ", "seconds")
        return "\n  ".join([" ".join([time, message, *(f"{k}={v}" for k, v in fields.items())]), *places])


def configure_logs(form: Literal["text", "json"], out: IO[str] | None = None) -> None:
    """Send the logs of this program to ``out`` (standard error): JSON from INFO on, or plain warnings.

    Of Django only errors are kept: what it refuses stands in the trail.
    """
    handler = logging.StreamHandler(out or sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    for name, level in (("zuofeng", logging.INFO if form == "json" else logging.WARNING), ("django", logging.ERROR)):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(level)
