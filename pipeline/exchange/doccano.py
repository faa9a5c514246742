"""doccano: JSON lines of its projects, in and out.

Written for "intent detection and slot filling", the one kind that holds both labels of the whole text (``cats``) and
spans (``entities``); text classification and sequence labelling are read too. Other keys are its metadata: doccano
keeps them through an import and writes them beside the text again (``data_export`` of doccano 1.8).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.corpus.lines import parse_lines
from pipeline.exchange.labelled import FIELDS, Labelled, Read, build, label_ids, to_record
from pipeline.taxonomy import Taxonomy

__all__ = ["from_lines", "to_lines"]


def to_lines(items: Iterable[Labelled]) -> bytes:
    """Return one line per judgement; allow overlapping spans in the project before importing."""
    lines = []
    for item in items:
        record = to_record(item)
        line = {k: record[k] for k in ("id", "text", *FIELDS, "sure") if k in record}
        line["cats"] = [label for labels in record["labels"].values() for label in labels]
        line["entities"] = [[e["start"], e["end"], e["label"]] for e in record["evidence"]]
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    return "".join(lines).encode()


def from_lines(raw: bytes, taxonomy: Taxonomy, name: str) -> Read:
    """Read an export of any of the three kinds of project."""
    items: list[Labelled] = []
    wrong: list[str] = []
    for where, given in parse_lines(raw.decode("utf-8-sig").split("\n"), name, wrong):
        try:
            record, mistakes = _record(given, taxonomy)
        except (AttributeError, KeyError, TypeError, ValueError) as e:
            wrong.append(f"{where} -> 不是 doccano 的一行：{e}")
            continue
        items += build(record, taxonomy, where, wrong, mistakes)
    return Read(tuple(items), tuple(wrong))


def _record(given: Mapping[str, Any], taxonomy: Taxonomy) -> tuple[dict[str, Any], list[str]]:
    flat = given.get("label", given.get("labels", []))
    both = [*given.get("entities", []), *(x for x in flat if not isinstance(x, str))]
    spans = [_span(s) for s in both]
    named = [*given.get("cats", []), *(x for x in flat if isinstance(x, str)), *(label for _, _, label in spans)]
    labels, unknown = label_ids(named, taxonomy)
    known = {label: ids for _, _, label in spans for ids in label_ids([label], taxonomy)[0].values() if ids}
    record = {k: given[k] for k in (*FIELDS, "sure") if k in given}
    record |= {
        "id": str(given.get("id", "")),
        "text": given.get("text", given.get("data", "")),
        "labels": labels,
        "evidence": [{"start": a, "end": b, "label": known[label][0]} for a, b, label in spans if label in known],
    }
    return record, unknown


def _span(span: Any) -> tuple[int, int, str]:
    if isinstance(span, Mapping):
        return span["start_offset"], span["end_offset"], span["label"]
    start, end, label = span
    return start, end, label
