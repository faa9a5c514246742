"""A night that writes while people review, and what has to hold afterwards."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.bench.desk.drive import Crew, Made, drive
from pipeline.bench.desk.measure import served, sessions_of
from pipeline.bench.night import watch_night
from pipeline.settings import Settings
from pipeline.taxonomy import load_taxonomy

__all__ = ["Beside", "lost", "measure_night", "overwritten", "write_inbox"]

#: Of the night's records so many in a hundred are stored already with the same text, and with another one.
SAME, CHANGED = 10, 5
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Beside:
    """What came of it; ``lost`` and ``overwritten`` name decisions, one line each."""

    crew: Crew
    night: int
    seconds: float
    rows: int
    lost: list[str]
    overwritten: list[str]


def measure_night(
    settings: Settings,
    real_home: Path,
    texts: Sequence[str],
    *,
    documents: int,
    rows: int,
    users: int,
    think: float,
    told: Callable[[str], None] = lambda step: None,
) -> Beside:
    """Let the live model of ``real_home`` write ``rows`` into the store of ``settings`` while ``users`` review."""
    from pipeline.desk.configure import open_desk

    open_desk(settings)
    from pipeline.bench.desk.fill import fill
    from pipeline.desk.models import Prediction

    fill(texts, load_taxonomy(settings.taxonomy_file).columns, documents=documents, reviews=documents // 10, told=told)
    source = settings.home / "inbox.jsonl"
    write_inbox(source, texts, rows)
    before = Prediction.objects.count()
    crew, end = Crew(), threading.Event()
    sessions = sessions_of(users)
    with served(settings) as address:
        desk = threading.Thread(
            target=drive,
            args=(address, sessions),
            kwargs={"words": ["办理"], "filters": ["label="], "seconds": 24 * 3600, "think": think, "until": end}
            | {"crew": crew},
        )
        desk.start()
        told("一夜开始")
        try:
            seen = watch_night(source, settings.store_url, home=real_home, state=settings.home / "night")
        finally:
            end.set()
            desk.join()
    written = Prediction.objects.count() - before
    return Beside(crew, seen.code, seen.seconds, written, lost(crew.made), overwritten())


def write_inbox(path: Path, texts: Sequence[str], rows: int) -> None:
    """Write the night's records: new ones, stored ones with the same text, stored ones whose text has changed."""
    from pipeline.desk.models import Document

    same, changed = rows * SAME // 100, rows * CHANGED // 100
    # What waits is where people are at work.
    waiting = Document.objects.filter(case__state="open").order_by("-id").values_list("key", "text")
    stored = list(waiting[: same + changed])
    records = [(key, text if n % 3 else f"{text}补充材料。") for n, (key, text) in enumerate(stored)]
    records += [(f"N{n:08d}", f"{texts[n % len(texts)]}第{n}件。") for n in range(rows - len(records))]
    with path.open("w", encoding="utf-8") as lines:
        for key, text in records:
            lines.write(json.dumps({"id": key, "text": text}, ensure_ascii=False) + "\n")


def lost(made: Sequence[Made]) -> list[str]:
    """Return the decisions that the server said it saved and that are not stored as they were made."""
    from pipeline.desk.schemes import flat
    from pipeline.desk.tables import Decision

    decisions = Decision.objects.filter(by__username__in={m.by for m in made})
    rows = decisions.values_list("by__username", "document_id", "labels")
    stored = {(by, document, tuple(sorted(flat(labels)))) for by, document, labels in rows}
    return [f"{m.by} {m.document} {m.labels}" for m in made if (m.by, m.document, m.labels) not in stored]


def overwritten() -> list[str]:
    """Return the cases that do not stand as the decisions on their text leave them."""
    from pipeline.desk.rounds import state_after
    from pipeline.desk.tables import Case, CaseLabel, Decision

    wrong = []
    ids = list(Decision.objects.order_by("document_id").values_list("document_id", flat=True).distinct())
    for at in range(0, len(ids), CHUNK):
        some = ids[at : at + CHUNK]
        decisions: dict[int, list[Decision]] = {}
        for d in Decision.objects.filter(document__in=some).order_by("id"):
            decisions.setdefault(d.document_id, []).append(d)
        labels: dict[int, set[str]] = {}
        for pk, label in CaseLabel.objects.filter(case__in=some).values_list("case_id", "label"):
            labels.setdefault(pk, set()).add(label)
        for case in Case.objects.filter(pk__in=some).exclude(state__in=("second", "disputed")):
            state, said = state_after(decisions[case.pk], case.text_hash)
            if said is not None and (case.state != state or labels.get(case.pk, set()) != set(said)):
                wrong.append(f"{case.pk} {case.state} {sorted(labels.get(case.pk, set()))} != {state} {sorted(said)}")
    return wrong
