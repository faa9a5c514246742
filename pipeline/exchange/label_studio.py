"""Label Studio: its JSON of tasks, in and out, and the labelling configuration of a taxonomy.

Formats: https://labelstud.io/guide/task_format and, for JSON-MIN, https://labelstud.io/guide/export. Offsets of its
text regions count UTF-16 units, not characters (HumanSignal/label-studio#1347); the quoted text tells which were meant.
In it a line break stands as a backslash and an n, and white space as the page showed it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from pipeline.corpus.grams import squeeze
from pipeline.exchange.labelled import FIELDS, Labelled, Read, build, label_ids, to_record
from pipeline.taxonomy import Taxonomy

__all__ = ["DOCUMENT", "config", "from_tasks", "to_tasks"]

TEXT, EVIDENCE = "text", "evidence"
#: The number of a text in ``data`` besides ``id``, which in JSON-MIN gives way to the number of the task.
DOCUMENT = "document"


def config(taxonomy: Taxonomy) -> str:
    """Return the labelling configuration: one group of choices per scheme, and labels for evidence.

    Names are shown, ids are exported (``alias``).
    """
    lines = ["<View>", f'  <Labels name="{EVIDENCE}" toName="{TEXT}">']
    lines += [
        f'    <Label value="{escape(label.name)}" alias="{escape(label.id)}"/>'
        for s in taxonomy.schemes
        for label in s.labels
    ]
    lines += ["  </Labels>", f'  <Text name="{TEXT}" value="${TEXT}" granularity="symbol"/>']
    for s in taxonomy.schemes:
        choice = "single" if s.kind == "exclusive" else "multiple"
        lines += [f'  <Header value="{escape(s.name)}"/>']
        lines += [f'  <Choices name="{escape(s.id)}" toName="{TEXT}" choice="{choice}">']
        lines += [f'    <Choice value="{escape(x.name)}" alias="{escape(x.id)}"/>' for x in s.labels]
        lines += ["  </Choices>"]
    return "\n".join([*lines, "</View>", ""])


def to_tasks(items: Iterable[Labelled]) -> bytes:
    """Return tasks with one annotation each; what Label Studio has no place for travels in ``data``."""
    tasks = []
    for item in items:
        record = to_record(item)
        text = item.gold.text
        result: list[dict[str, Any]] = [
            {"id": f"{s}", "from_name": s, "to_name": TEXT, "type": "choices", "value": {"choices": labels}}
            for s, labels in record["labels"].items()
            if labels
        ]
        for n, e in enumerate(item.gold.evidence):
            value = {"start": _units(text[: e.start]), "end": _units(text[: e.end]), "labels": [e.label]}
            value["text"] = text[e.start : e.end]
            result.append({"id": f"e{n}", "from_name": EVIDENCE, "to_name": TEXT, "type": "labels", "value": value})
        data = {DOCUMENT: record["id"]} | {k: record[k] for k in ("id", "text", *FIELDS, "sure") if k in record}
        tasks.append({"data": data, "annotations": [{"result": result}]})
    return (json.dumps(tasks, ensure_ascii=False, indent=1) + "\n").encode()


def from_tasks(raw: bytes, taxonomy: Taxonomy, name: str) -> Read:
    """Read an export, JSON or JSON-MIN: one judgement per annotation that was not skipped."""
    items: list[Labelled] = []
    wrong: list[str] = []
    passed: list[str] = []
    tasks = json.loads(raw.decode("utf-8-sig"))
    for number, task in enumerate(tasks if isinstance(tasks, list) else [tasks], 1):
        where = f"{name}[{number}]"
        if not isinstance(task, Mapping):
            wrong.append(f"{where} -> 应为任务对象")
            continue
        small = "annotations" not in task and "data" not in task
        annotations = [_from_min(task, taxonomy)] if small else task.get("annotations") or []
        data = task if small else task.get("data") or {}
        done = [a for a in annotations if not a.get("was_cancelled")]
        if not done:
            passed.append(f"{where} -> {'跳过了' if annotations else '还没有标注'}")
        for annotation in done:
            record, mistakes = _record(task, data, annotation, taxonomy)
            items += build(record, taxonomy, where, wrong, mistakes)
    return Read(tuple(items), tuple(wrong), tuple(passed))


def _record(
    task: Mapping[str, Any], data: Mapping[str, Any], annotation: Mapping[str, Any], taxonomy: Taxonomy
) -> tuple[dict[str, Any], list[str]]:
    text = data.get(TEXT, "")
    named: list[object] = []
    spans = []
    mistakes: list[str] = []
    for region in annotation.get("result", []):
        value = region.get("value", {})
        named += value.get("choices", [])
        for label in value.get("labels", []):
            named.append(label)
            place = _place(str(text), value)
            ids = [x for found in label_ids([label], taxonomy)[0].values() for x in found]
            if place is None:
                mistakes.append(f"证据“{value.get('text', '')}”与原文对不上（{value.get('start')}–{value.get('end')}）")
            else:
                spans += [{"start": place[0], "end": place[1], "label": x} for x in ids]
    labels, unknown = label_ids(named, taxonomy)
    by = annotation.get("completed_by", data.get("by", ""))
    if isinstance(by, Mapping):
        by = by.get("email") or by.get("id", "")
    record = {k: data[k] for k in ("group", "part", "register", "domain", "pair", "sure") if k in data}
    record |= {
        "id": str(data.get(DOCUMENT) or data.get("id") or task.get("id", "")),
        "text": text,
        "labels": labels,
        "evidence": spans,
        "by": str(by),
        "at": str(annotation.get("updated_at") or annotation.get("created_at") or data.get("at", "")),
    }
    return record, mistakes + unknown


def _from_min(task: Mapping[str, Any], taxonomy: Taxonomy) -> dict[str, Any]:
    """Return what JSON-MIN flattened as an annotation again."""
    result: list[dict[str, Any]] = []
    for s in taxonomy.schemes:
        given = task.get(s.id, [])
        names = given.get("choices", []) if isinstance(given, Mapping) else [given] if isinstance(given, str) else given
        result.append({"value": {"choices": names}})
    result += [{"value": region} for region in task.get(EVIDENCE, [])]
    kept = {k: task[k] for k in ("created_at", "updated_at") if k in task}
    return kept | {"result": result} | ({"completed_by": task["annotator"]} if "annotator" in task else {})


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _place(text: str, value: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return a region's offsets in characters; None where they do not fit the text that it quotes."""
    start, end = value.get("start"), value.get("end")
    if not isinstance(start, int) or not isinstance(end, int):
        return None
    raw = text.encode("utf-16-le", "surrogatepass")
    before, within = (
        len(raw[2 * a : 2 * b].decode("utf-16-le", "surrogatepass")) for a, b in ((0, start), (start, end))
    )
    counted = (((before, before + within), len(raw) // 2), ((start, end), len(text)))
    places = [place for place, last in counted if 0 <= start < end <= last]
    if "text" not in value:
        return next(iter(places), None)
    quoted = str(value["text"])
    # Exactly as quoted goes before nearly so: counted the other way the same words may stand one blank further.
    for same in (str, _words):
        for a, b in places:
            if same(text[a:b]) == same(quoted):
                return a, b
    return None


def _words(text: str) -> str:
    return squeeze(text.replace("\\n", "\n"))
