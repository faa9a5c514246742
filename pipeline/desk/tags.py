"""Template filters of the desk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from pipeline.desk.language import named

register = template.Library()


def get(mapping: Any, key: Any) -> Any:
    """Return ``mapping[key]``, empty when there is none."""
    return mapping.get(key, "") if mapping else ""


def percent(value: float) -> str:
    """Return a share as whole percent; what is not quite none or all never reads as such."""
    whole = round(value * 100)
    if whole == 100 and value < 1:
        return ">99%"
    return "<1%" if whole == 0 and value > 0 else f"{whole}%"


def times100(share: float) -> str:
    """Return a share as a whole number of percent without the sign, for addresses."""
    return str(round(share * 100))


def moment(value: Any) -> str:
    """Return a point in time as people here write it, to the minute."""
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value)
        except ValueError:
            return value
    if not value:
        return ""
    return str(timezone.localtime(value).strftime("%Y-%m-%d %H:%M"))


def clock(value: dt.datetime) -> str:
    """Return the time of the day, to the minute."""
    return timezone.localtime(value).strftime("%H:%M")


def choices(values: Sequence[str], now: str) -> SafeString:
    """Return ``values`` as options of a select, ``now`` chosen; hundreds of nodes of a template would be slow."""
    rest = [(v,) for v in values if v != now]
    chosen = format_html('<option value="{0}" selected>{0}</option>', now) if now else SafeString()
    return chosen + format_html_join("", '<option value="{0}">{0}</option>', rest)


register.filter("get", get)
register.filter("choices", choices)
register.filter("percent", percent)
register.filter("clock", clock)
register.filter("moment", moment)
register.filter("times100", times100)
register.filter("named", named)
