"""What the office's own rules say beside the model: a second opinion that orders and explains, never decides.

Rules stand in ``corpora/rules.toml`` (`pipeline.analyst.rules`); without that file nothing here costs anything.
"""

from __future__ import annotations

import functools
import hashlib
import logging
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from pipeline.analyst.rules import Rule, find_hits, parse_rules
from pipeline.desk.among import among
from pipeline.desk.locks import lock
from pipeline.desk.queue import WAITING
from pipeline.desk.reading import masked
from pipeline.desk.schemes import decided_ids, label_names, taxonomy
from pipeline.desk.tables import Case, Tally
from pipeline.errors import ConfigError
from pipeline.settings import load_settings

__all__ = ["Objection", "check_rules", "look_on", "objections"]

log = logging.getLogger("zuofeng.rules")

#: Cases that are looked at together.
AT_ONCE = 200
#: Name of the tally that says which rules the objections were counted by.
COUNTED_BY = "rules"
_read: dict[Path, tuple[int, tuple[Rule, ...]]] = {}


@dataclass(frozen=True, slots=True)
class Objection:
    """A label that a rule gives and the model does not, with the words that speak for it, masked."""

    label: str
    words: str


def objections(case: Case) -> list[Objection]:
    """Return what the rules say of this document that the model does not; nothing of one that is judged blind."""
    return [] if case.unseen else _against([case]).get(case.pk, [])


def look_on() -> int:
    """Count objections for some waiting cases that have not been looked at; return how many were.

    All are looked at again when the rules change; by which they were counted last is kept beside the other counts.
    """
    rules = _rules()
    if not rules:
        return 0
    by = {"sha256": hashlib.sha256(repr(rules).encode()).hexdigest()}
    # Where the rules say more, the model says less: of what is judged blind not even that may show.
    waiting = Case.objects.filter(state__in=WAITING, purged=False, blind=False)
    if not Tally.objects.filter(name=COUNTED_BY, data=by).exists():
        with transaction.atomic():
            Case.objects.filter(among(lock(waiting.exclude(against=None)))).update(against=None)
        Tally.objects.update_or_create(name=COUNTED_BY, defaults={"at": timezone.now(), "cases": 0, "data": by})
    rows = waiting.filter(against=None).select_related("document", "prediction").order_by("-priority")
    cases = list(rows[:AT_ONCE])
    found = _against(cases)
    for case in cases:
        case.against = len(found.get(case.pk, ()))
    with transaction.atomic():
        lock(Case.objects.filter(among([c.pk for c in cases])))
        Case.objects.bulk_update(cases, ["against"])
    return len(cases)


def _against(cases: list[Case]) -> dict[int, list[Objection]]:
    rules, names = _rules(), label_names()
    found: dict[int, dict[str, Objection]] = defaultdict(dict)
    if not rules or not cases:
        return {}
    texts = [c.document.text for c in cases]
    for hit in find_hits(rules, texts):
        case, label = cases[hit.row], hit.rule.label
        if label not in decided_ids(case.prediction.decided) and label not in found[case.pk]:
            words = masked(texts[hit.row])[hit.start : hit.end]
            found[case.pk][label] = Objection(names.get(label, label), words)
    return {pk: list(by_label.values()) for pk, by_label in found.items()}


@functools.lru_cache(maxsize=4)
def _file(home: str) -> Path:
    return load_settings(Path(home)).rules_file


def check_rules() -> None:
    """Read the rules anew; raises ConfigError with every mistake in them, or when they cannot be read."""
    path = _file(str(settings.ZUOFENG_HOME))
    if not path.is_file():
        return
    try:
        changed, raw = path.stat().st_mtime_ns, path.read_bytes()
    except OSError as e:
        raise ConfigError("ZF-RULES-READ", f"读不到规则 {path}（{e.strerror}）", "让运行复核台的用户能读。") from e
    _read[path] = changed, tuple(parse_rules(raw, path.name, taxonomy()))


def _rules() -> tuple[Rule, ...]:
    """The rules as they stand now; after a change for the worse those before it, and a warning."""
    path = _file(str(settings.ZUOFENG_HOME))
    if not path.is_file():
        return ()
    kept = _read.get(path, (-1, ()))
    if kept[0] != (changed := path.stat().st_mtime_ns):
        try:
            check_rules()
        except ConfigError as e:
            wrong = list(e.details) or [e.message]
            log.warning("规则有错，仍用改动之前的", extra={"fields": {"code": e.code, "wrong": wrong}})
            if e.code == "ZF-RULES-READ":
                return kept[1]  # once they can be read, the file is no newer
            _read[path] = changed, kept[1]
    return _read[path][1]
