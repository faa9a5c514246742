"""Counts for the first look in the morning. Nothing here reads a text."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from pipeline.desk.models import Run
from pipeline.desk.queue import WAITING
from pipeline.desk.schemes import label_names, taxonomy
from pipeline.desk.states import STATES, Kind, State
from pipeline.desk.tables import Case, CaseLabel, Decision
from pipeline.desk.tallies import kept

__all__ = ["Figures", "count_figures", "figures"]

MOST_ROWS = 12
TREND_LINES, TREND_NIGHTS = 6, 30
DAYS = 7


@dataclass(frozen=True, slots=True)
class Figures:
    """``places`` are (heading, [(value, documents)]); ``trend`` is (night, label, documents).

    ``counted`` is when, None for just now.
    """

    run: Run | None
    night: tuple[tuple[str, Any], ...]
    states: tuple[tuple[str, str, int], ...]
    labels: tuple[tuple[str, list[tuple[str, int]]], ...]
    places: tuple[tuple[str, list[tuple[str, int]]], ...]
    trend: list[tuple[str, str, int]]
    work: list[dict[str, Any]]
    seconds: int
    automatic: float
    counted: dt.datetime | None


def figures() -> Figures:
    """Return what the store holds: of a large one as it was last counted."""
    run = Run.objects.exclude(kind="purge").order_by("-started").first()
    row = kept("figures")
    found = count_figures() if row is None else row.data
    names = label_names()
    counts: dict[str, int] = found["labels"]
    return Figures(
        run=run,
        night=_night(run),
        states=tuple((s.value, name, found["states"].get(s.value, 0)) for s, name in STATES.items()),
        labels=tuple(
            (s.name, sorted(((x.name, counts.get(x.id, 0)) for x in s.labels), key=lambda r: -r[1]))
            for s in taxonomy().schemes
        ),
        places=tuple((name, [(value, n) for value, n in rows]) for name, rows in found["places"]),
        trend=[(day, names[label], n) for day, label, n in found["trend"] if label in names],
        work=found["work"],
        seconds=found["seconds"],
        automatic=found["automatic"],
        counted=row.at if row else None,
    )


def count_figures() -> dict[str, Any]:
    """Count it now; the result is plain enough to be kept as JSON."""
    counted = Case.objects.exclude(state__in=WAITING, purged=True)
    states = Counter(dict(counted.values_list("state").annotate(n=Count("pk"))))
    total = sum(states.values())
    spent = list(_recent().filter(seconds__gt=0).values_list("seconds", flat=True)[:5000])
    return {
        "states": dict(states),
        "labels": dict(CaseLabel.objects.values_list("label").annotate(n=Count("*"))),
        "places": [
            (name, _places(field)) for name, field in (("单位", "unit"), ("地区", "district"), ("渠道", "channel"))
        ],
        "trend": _trend(),
        "work": _work(),
        "seconds": round(median(spent)) if spent else 0,
        "automatic": states[State.AUTO] / total if total else 0.0,
    }


def _night(run: Run | None) -> tuple[tuple[str, Any], ...]:
    names = (("read", "读入"), ("new", "新增"), ("changed", "内容有变"), ("problems", "有问题"), ("review", "要人看"))
    counts = run.counts if run else {}
    return (*((name, counts.get(key, 0)) for key, name in names), ("搁置", counts.get("rejected", 0)))


def _places(field: str) -> list[tuple[str, int]]:
    name = f"document__{field}"
    rows = Case.objects.exclude(state=State.AUTO).exclude(**{name: ""}).values_list(name)
    return list(rows.annotate(n=Count("pk")).order_by("-n", name)[:MOST_ROWS])


def _trend() -> list[tuple[str, str, int]]:
    nights = sorted(Case.objects.values_list("run", flat=True).distinct().order_by("-run")[:TREND_NIGHTS])
    # Runs are numbered by UTC, in which a night here begins the day before.
    began = dict(Run.objects.filter(pk__in=nights).values_list("pk", "started"))
    day_of = {n: f"{timezone.localtime(began[n]):%m-%d}" for n in nights if n in began}
    names = label_names()
    rows = CaseLabel.objects.filter(case__run__in=nights).values_list("case__run", "label").annotate(n=Count("*"))
    by_day: Counter[tuple[str, str]] = Counter()
    for night, label, n in rows:
        if night in day_of:
            by_day[day_of[night], label] += n
    most: Counter[str] = Counter()
    for (_, label), n in by_day.items():
        most[label] += n
    days = list(dict.fromkeys(day_of.values()))
    shown = [label for label, _ in most.most_common(TREND_LINES) if label in names]
    return [(day, label, by_day[day, label]) for label in shown for day in days]


def _recent() -> Any:
    since = timezone.now() - dt.timedelta(days=DAYS)
    return Decision.objects.standing().filter(at__gte=since)


def _work() -> list[dict[str, Any]]:
    kinds = {k.value: Count("id", filter=Q(kind=k)) for k in (Kind.CONFIRM, Kind.CORRECT, Kind.REJECT, Kind.UNSURE)}
    return list(_recent().values("by__name", "by__username").annotate(n=Count("id"), **kinds).order_by("-n"))
