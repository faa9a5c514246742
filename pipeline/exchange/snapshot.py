"""A dataset as a snapshot: a folder named by the hash of its content, never changed after.

data.jsonl      the texts with labels, evidence, group, part, who, when, how sure
snapshot.json   sources with their hashes, counts, what was dropped and why
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.batch.sources import ColumnMap
from pipeline.errors import CorpusError
from pipeline.exchange.files import read_files
from pipeline.exchange.labelled import to_lines
from pipeline.exchange.parts import assign, read_parts, write_parts
from pipeline.exchange.settle import settle
from pipeline.taxonomy import Taxonomy
from pipeline.whole import write_folder

__all__ = ["Snapshot", "take"]

PARTS_FILE = "parts.jsonl"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where a snapshot lies and what its ``snapshot.json`` says."""

    folder: Path
    about: dict[str, Any]
    fresh: bool


def take(
    paths: Sequence[Path], taxonomy: Taxonomy, out: Path, *, kind: str = "", columns: ColumnMap | None = None
) -> Snapshot:
    """Gather labelled files into a snapshot below ``out``; the same content gives the same folder.

    Parts are written down in ``parts.jsonl`` beside the snapshots and hold for every later one. Raises CorpusError
    with every mistake of every file.
    """
    sources: list[dict[str, str]] = []
    read = read_files(paths, taxonomy, kind, columns, sources=sources)
    settled, tied = settle(read.items, taxonomy)
    parts_file = out / PARTS_FILE
    known = read_parts(parts_file)
    items, torn = assign(settled, known)
    if not items:
        raise CorpusError("ZF-SNAPSHOT-EMPTY", "没有一条可用的标注", "看下面列出的原因。", [*read.passed, *tied, *torn])
    items = sorted(items, key=lambda i: i.gold.id)
    data = to_lines(items)
    digest = hashlib.sha256(taxonomy.sha256.encode() + data).hexdigest()
    folder = out / digest[:12]
    about: dict[str, Any] = {
        "sha256": digest,
        "taxonomy": {"id": taxonomy.id, "version": taxonomy.version, "sha256": taxonomy.sha256},
        "taken": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "sources": sources,
        "judgements": len(read.items),
        "people": sorted({i.by for i in read.items if i.by}),
        "texts": len(items),
        "groups": len({i.gold.group for i in items}),
        "parts": dict(sorted(Counter(i.gold.part for i in items).items())),
        "dropped": [*read.passed, *tied, *torn],
    }
    fresh = not folder.exists()
    if fresh:
        write_folder(
            folder, {"data.jsonl": data, "snapshot.json": json.dumps(about, ensure_ascii=False, indent=1).encode()}
        )
    else:
        about = json.loads((folder / "snapshot.json").read_text(encoding="utf-8"))
    write_parts(parts_file, known, items)
    return Snapshot(folder, about, fresh)
