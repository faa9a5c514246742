"""Which part of the data a text belongs to: decided once by a hash, written down, never changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.corpus.grams import squeeze
from pipeline.corpus.identity import text_key
from pipeline.corpus.situations import join_copies
from pipeline.documents import text_hash
from pipeline.errors import CorpusError
from pipeline.exchange.labelled import Labelled
from pipeline.whole import write_file

__all__ = ["assign", "read_parts", "write_parts"]

#: Of a thousand situations so many are held back: for tuning, and for the last word.
DEV, TEST = 100, 100


def read_parts(path: Path) -> dict[str, str]:
    """Return the part of every text decided so far, by the hash of the text."""
    if not path.exists():
        return {}
    try:
        return {r["text"]: r["part"] for r in map(json.loads, path.read_text(encoding="utf-8").splitlines())}
    except (ValueError, KeyError, TypeError) as e:
        raise CorpusError(
            "ZF-PARTS-BROKEN", f"划分记录 {path} 已损坏：{e}", "从备份恢复；它决定哪些文本不得用于训练。"
        ) from e


def write_parts(path: Path, known: dict[str, str], items: Sequence[Labelled]) -> None:
    """Add the parts of texts not yet written down."""
    new = {key: i.gold.part for i in items if (key := text_key(i.gold.text)) not in known}
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    # Whole: with half a line at its end, no snapshot could be taken any more.
    write_file(path, before + "".join(json.dumps({"text": key, "part": part}) + "\n" for key, part in new.items()))


def assign(items: Sequence[Labelled], known: dict[str, str]) -> tuple[list[Labelled], list[str]]:
    """Return ``items`` with group and part, and why any was dropped.

    Near copies and texts of one group become one group. A group takes the part one of its texts already has; else a
    hash of its smallest text decides, so that nobody's order of files does. A new text that would tie together texts
    already on different sides is dropped: the sides do not move.
    """
    groups = [g.group for g in join_copies([i.gold for i in items])]
    keys = [text_key(i.gold.text) for i in items]
    parts = [_part(i, key, known) for i, key in zip(items, keys, strict=True)]
    smallest: dict[str, str] = {}
    sides: dict[str, set[str]] = {}
    for group, key, part in zip(groups, keys, parts, strict=True):
        smallest[group] = min(smallest.get(group, key), key)
        sides.setdefault(group, set()).update({part} - {""})
    kept: list[Labelled] = []
    dropped: list[str] = []
    for item, group, own in zip(items, groups, parts, strict=True):
        theirs = sorted(sides[group])
        if not own and len(theirs) > 1:
            dropped.append(f"{item.gold.id}（{item.origin}）-> 与 {'、'.join(theirs)} 里的文本都近似，放哪边都会泄漏")
            continue
        part = own or (theirs[0] if theirs else _hashed(smallest[group]))
        kept.append(replace(item, gold=replace(item.gold, group=group, part=part)))
    return kept, dropped


def _hashed(key: str) -> str:
    number = int(hashlib.sha256(f"part {key}".encode()).hexdigest(), 16) % 1000
    return "test" if number < TEST else "dev" if number < TEST + DEV else "train"


def _part(item: Labelled, key: str, known: dict[str, str]) -> str:
    # Earlier records know a text with personal data by the hash of the text as it was given.
    return known.get(key) or known.get(text_hash(squeeze(item.gold.text))) or item.gold.part
