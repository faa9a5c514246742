"""Taking documents in: a file for the night, which alone writes documents and never loses or doubles one."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from django.conf import settings

from pipeline.batch.sources import ColumnMap, Limits
from pipeline.batch.sources.jsonl import JsonRecords
from pipeline.batch.sources.lines import Line
from pipeline.desk.api.faults import RefusedError
from pipeline.desk.models import Document
from pipeline.documents import Rejected, text_hash
from pipeline.errors import UnfinishedError
from pipeline.settings import load_settings
from pipeline.whole import write_file

__all__ = ["receive"]


def receive(client: str, documents: Sequence[Mapping[str, str]]) -> tuple[list[str], list[str], str]:
    """Keep ``documents`` for the next night; return the ids accepted, those known already, and the file's name.

    Raises RefusedError when an id is used twice, or is that of a stored document with another text: only the source
    it came from may change a document.
    """
    twice = [i for i, n in Counter(d["id"] for d in documents).items() if n > 1]
    if twice:
        raise RefusedError(422, "ZF-API-TWICE", "一次请求里有重复的编号", "每件一个编号。", tuple(twice))
    read = _as_the_night_reads(documents)
    stored = dict(Document.objects.filter(key__in=[d["id"] for d in documents]).values_list("key", "text_hash"))
    others = [i for i, held in stored.items() if held != read[i]]
    if others:
        raise RefusedError(
            409, "ZF-API-KNOWN", "库里已有这些编号，正文不同", "换编号；要改原件，由原来的来源改。", tuple(others)
        )
    fresh = [d for d in documents if d["id"] not in stored]
    name = _write(client, fresh) if fresh else ""
    return [d["id"] for d in fresh], sorted(stored), name


def _as_the_night_reads(documents: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the hash of each text as it will be stored, by id; raises RefusedError for what would be set aside."""
    home = load_settings(Path(settings.ZUOFENG_HOME))
    columns = ColumnMap().preferring(home.columns)
    reader = JsonRecords("接口", columns, Limits(max_text_bytes=home.max_text_bytes))
    hashes, unfit = {}, []
    for number, given in enumerate(documents, 1):
        made = reader.record(Line(number, json.dumps(given, ensure_ascii=False)))
        record = None if made is None else made[0]
        if isinstance(record, Rejected) or record is None or record.id != given["id"]:
            why = record.reason if isinstance(record, Rejected) else "编号读出来不一样"
            unfit.append(f"{given['id']} -> {why}")
        else:
            hashes[record.id] = text_hash(record.text)
    if unfit:
        raise RefusedError(422, "ZF-API-UNFIT", "夜间任务读不了这些件", "按逐条说明改正。", tuple(unfit))
    return hashes


def _write(client: str, documents: Sequence[Mapping[str, str]]) -> str:
    folder = Path(settings.ZUOFENG_HOME) / settings.ZUOFENG_DESK.api_inbox
    name = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S}-{client}-{uuid.uuid4().hex[:8]}.jsonl"
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        write_file(folder / name, "".join(json.dumps(d, ensure_ascii=False) + "\n" for d in documents))
    except OSError as e:
        raise UnfinishedError(
            "ZF-API-INBOX", f"收件处写不进去：{e.strerror}", "没有收下，稍后再交；请运维员查看磁盘。"
        ) from e
    return name
