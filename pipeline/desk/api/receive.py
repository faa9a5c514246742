"""Taking documents in: a file for the night, which alone writes documents and never loses or doubles one."""

from __future__ import annotations

import datetime as dt
import json
import threading
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from django.conf import settings

from pipeline.batch.once import Once
from pipeline.batch.sources import ColumnMap, Limits
from pipeline.batch.sources.jsonl import JsonRecords
from pipeline.batch.sources.lines import Line
from pipeline.desk.api.faults import RefusedError
from pipeline.desk.api.waiting import waiting_in
from pipeline.desk.models import Document
from pipeline.documents import Rejected, text_hash
from pipeline.errors import UnfinishedError
from pipeline.settings import load_settings
from pipeline.whole import write_file

__all__ = ["receive"]

#: Between looking and writing nobody else hands in.
_TURN = threading.Lock()


def receive(client: str, documents: Sequence[Mapping[str, str]]) -> tuple[list[str], list[str], str]:
    """Keep ``documents`` for the next night; return the ids accepted, those known already, and the file's name.

    What waits already is accepted again and kept once; without anything new there is no file and its name is empty.
    Raises RefusedError when an id is used twice, or is that of a stored or waiting document with another text: only
    the source it came from may change a document.
    """
    twice = [i for i, n in Counter(d["id"] for d in documents).items() if n > 1]
    if twice:
        raise RefusedError(422, "ZF-API-TWICE", "一次请求里有重复的编号", "每件一个编号。", tuple(twice))
    home = load_settings(Path(settings.ZUOFENG_HOME))
    columns, limits = ColumnMap().preferring(home.columns), Limits(max_text_bytes=home.max_text_bytes)
    read = _as_the_night_reads(documents, columns, limits)
    stored = dict(Document.objects.filter(key__in=list(read)).values_list("key", "text_hash"))
    inbox = Path(settings.ZUOFENG_HOME) / settings.ZUOFENG_DESK.api_inbox
    try:
        with _TURN:
            held = waiting_in(inbox, columns, limits).hashes(read) | stored
            others = [i for i, digest in read.items() if held.get(i, digest) != digest]
            if others:
                raise RefusedError(
                    409, "ZF-API-KNOWN", "库里或收件处已有这些编号，正文不同", "换编号；要改原件，由原来的来源改。",
                    tuple(others),
                )  # fmt: skip
            fresh = [d for d in documents if d["id"] not in held]
            name = _write(inbox, client, fresh) if fresh else ""
    except OSError as e:
        raise UnfinishedError(
            "ZF-API-INBOX", f"收件处用不了：{e.strerror}", "没有收下，稍后再交；请运维员查看磁盘。"
        ) from e
    return [i for i in read if i not in stored], sorted(stored), name


def _as_the_night_reads(documents: Sequence[Mapping[str, str]], columns: ColumnMap, limits: Limits) -> dict[str, str]:
    """Return the hash of each text as it will be stored, by id; raises RefusedError for what would be set aside."""
    reader, once = JsonRecords("接口", columns, limits), Once()
    hashes, unfit = {}, []
    for number, given in enumerate(documents, 1):
        made = reader.record(Line(number, json.dumps(given, ensure_ascii=False)))
        record = None if made is None else once.sift(made[:1])[0]
        if isinstance(record, Rejected) or record is None or record.id != given["id"]:
            why = record.reason if isinstance(record, Rejected) else "编号读出来不一样"
            unfit.append(f"{given['id']} -> {why}")
        else:
            hashes[record.id] = text_hash(record.text)
    if unfit:
        raise RefusedError(422, "ZF-API-UNFIT", "夜间任务读不了这些件", "按逐条说明改正。", tuple(unfit))
    return hashes


def _write(folder: Path, client: str, documents: Sequence[Mapping[str, str]]) -> str:
    name = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S}-{client}-{uuid.uuid4().hex[:8]}.jsonl"
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    write_file(folder / name, "".join(json.dumps(d, ensure_ascii=False) + "\n" for d in documents))
    return name
