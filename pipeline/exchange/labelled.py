"""A labelled text with who said so, when, and how surely; our own JSON lines of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.batch.sources.records import mend
from pipeline.corpus.gold import Gold, parse_gold
from pipeline.corpus.lines import parse_lines
from pipeline.taxonomy import Taxonomy

__all__ = ["FIELDS", "Labelled", "Read", "build", "from_lines", "in_order", "label_ids", "to_lines", "to_record"]

#: What a text carries besides itself, its labels and its evidence; all of it travels through every format.
FIELDS = ("group", "part", "register", "domain", "pair", "by", "at")


@dataclass(frozen=True, slots=True)
class Labelled:
    """One judgement: ``by`` whom, ``at`` what time (ISO 8601), how ``sure`` (0 to 1, None: not said)."""

    gold: Gold
    by: str = ""
    at: str = ""
    sure: float | None = None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """What a file held: judgements, mistakes that must be put right, and what was passed over with its reason."""

    items: tuple[Labelled, ...]
    wrong: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()


def build(
    record: Any, taxonomy: Taxonomy, origin: str, wrong: list[str], mistakes: Sequence[str] = ()
) -> list[Labelled]:
    """Return the judgement of one record in our own form; of one with mistakes none, ``wrong`` is told of all of them.

    ``mistakes`` are those known before.
    """
    if not isinstance(record, Mapping):
        wrong.append(f"{origin} -> 应为 JSON 对象")
        return []
    # Half an emoji, left by tools that cut by UTF-16 units, cannot be written; mended it is the text of the store.
    record = {k: mend(v) if isinstance(v, str) else v for k, v in record.items()}
    gold, found = parse_gold(record, taxonomy)
    found = [*mistakes, *found]
    extra = {}
    for key in ("by", "at"):
        value = record.get(key, "")
        if not isinstance(value, str):
            found.append(f"{key} 应为文字")
        extra[key] = value
    if gold is None or found:
        wrong += [f"{origin} -> {w}" for w in found]
        return []
    # A judgement says itself how sure it is, or that it did not say.
    gold = in_order(replace(gold, sure=1.0), taxonomy)
    return [Labelled(gold, sure=record.get("sure"), origin=origin, **extra)]


def in_order(gold: Gold, taxonomy: Taxonomy) -> Gold:
    """Return ``gold`` with its labels in the taxonomy's order and its evidence in reading order."""
    labels = {s.id: tuple(x for x in s.label_ids if x in gold.labels.get(s.id, ())) for s in taxonomy.schemes}
    return replace(
        gold, labels=labels, evidence=tuple(sorted(set(gold.evidence), key=lambda e: (e.start, e.end, e.label)))
    )


def to_record(item: Labelled) -> dict[str, Any]:
    """Return the JSON object of one judgement; empty fields are left out."""
    g = item.gold
    fields = {"group": g.group if g.group != g.id else "", "part": g.part, "register": g.register, "domain": g.domain}
    fields |= {"pair": g.pair, "by": item.by, "at": item.at}
    return {
        "id": g.id,
        "text": g.text,
        "labels": {s: list(v) for s, v in g.labels.items()},
        "evidence": [{"start": e.start, "end": e.end, "label": e.label} for e in g.evidence],
        **{k: v for k, v in fields.items() if v},
        **({} if item.sure is None else {"sure": item.sure}),
    }


def to_lines(items: Iterable[Labelled]) -> bytes:
    """Return JSON lines that `read_gold`, `train`, `adapt` and `from_lines` read."""
    return "".join(json.dumps(to_record(i), ensure_ascii=False) + "\n" for i in items).encode()


def from_lines(raw: bytes, taxonomy: Taxonomy, name: str) -> Read:
    """Read our own JSON lines: gold texts and reviewed decisions alike."""
    wrong: list[str] = []
    lines = parse_lines(raw.decode("utf-8-sig").split("\n"), name, wrong)
    items = [item for where, record in lines for item in build(record, taxonomy, where, wrong)]
    return Read(tuple(items), tuple(wrong))


def label_ids(names: Sequence[object], taxonomy: Taxonomy) -> tuple[dict[str, list[str]], list[str]]:
    """Sort ids or Chinese names of labels into their schemes; return them and the names nobody knows.

    Two schemes may use one name; the id is then the only way to say which.
    """
    owner = {label: scheme for scheme, label in taxonomy.columns}
    by_name: dict[str, list[str]] = {}
    for s in taxonomy.schemes:
        for label in s.labels:
            by_name.setdefault(label.name, []).append(label.id)
    found: dict[str, list[str]] = {s.id: [] for s in taxonomy.schemes}
    unknown = []
    for name in names:
        ids = [name] if isinstance(name, str) and name in owner else by_name.get(str(name), [])
        if len(ids) != 1:
            unknown.append(f"没有标签 {name!r}" if not ids else f"{name!r} 有几个标签同名，请写编号 {'、'.join(ids)}")
            continue
        if ids[0] not in found[owner[ids[0]]]:
            found[owner[ids[0]]].append(ids[0])
    return found, unknown
