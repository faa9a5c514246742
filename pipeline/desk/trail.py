"""What is done to models on the command line stands in the desk's trail too, beside what people decide."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.errors import ZuofengError
from pipeline.model.history import read_history
from pipeline.model.runs import read_runs
from pipeline.settings import Settings

__all__ = ["note"]


def note(settings: Settings, action: str = "", target: str = "", *, actor: str = "", **detail: Any) -> str:
    """Write ``action`` into the trail, after whatever the models' own records have that it lacks.

    Returns why nothing was written, empty when it was or when there is no store yet. Nothing waits for the store: a
    model must be taken back whether it answers or not, and what is missed here is written the next time, from the
    records beside the models.
    """
    from django.db import Error

    from pipeline.desk.configure import embedded_file, open_desk

    try:
        path = embedded_file(settings.store_url)
        if path is not None and not path.exists():
            return ""
        open_desk(settings, bring_up=False)
        _write(settings.path("models"), action, target, actor, detail)
    except ZuofengError as e:
        return e.message
    except Error as e:
        return str(e).strip().partition("\n")[0]
    return ""


def _write(folder: Path, action: str, target: str, actor: str, detail: dict[str, Any]) -> None:
    from django.db import transaction

    from pipeline.desk import audit
    from pipeline.desk.tables import AuditEntry

    with transaction.atomic():
        # Two commands at once must not both find the same line missing.
        audit.line_up()
        rows = AuditEntry.objects.filter(action__startswith="model.").values_list("detail", flat=True)
        known = {d.get("record") for d in rows}
        for mark, name, model, who, more in _records(folder):
            if mark not in known:
                audit.record(name, model, actor=who, record=mark, **more)
        if action:
            audit.record(action, target, actor=actor, **detail)


def _records(folder: Path) -> Iterator[tuple[str, str, str, str, dict[str, Any]]]:
    """Yield trainings and switches in the order of their times: a mark, the action, the model, who, what else."""
    found = []
    for run in read_runs(folder):
        more = {"at": run["at"], "texts": run["corpus"]["texts"], "corpus": run["corpus"]["sha256"][:12]}
        found.append((run["at"], _mark(run), "model.train", run["model"], run["author"], more))
    for e in read_history(folder):
        more = {"at": e.at, "before": e.before or "", "reason": e.reason, "forced": e.forced}
        if e.objections:
            more["objections"] = list(e.objections)
        found.append((e.at, _mark(asdict(e)), f"model.{e.action}", e.model, e.author, more))
    for _, *rest in sorted(found, key=lambda r: r[0]):
        yield tuple(rest)


def _mark(record: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:16]
