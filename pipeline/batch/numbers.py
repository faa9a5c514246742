"""What a night notices of the numbers of its records: people have decided under those that are stored, so none changes.

A column that got another name brings known texts under other numbers, numbers that begin anew in every file put other
texts under known ones, and what has no number is known by its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.batch.tally import Counts
from pipeline.documents import Document

__all__ = ["MANY", "Notice", "is_numbered", "notices", "sample", "unlike", "where_unnumbered"]

#: Fewer may be chance, and so may be less than half.
MANY = 20
#: Two texts are about something else below this share of common grams: a correction, or an answer added, keeps more.
_UNLIKE = 0.2
#: So many of a chunk are looked up: all would be a tenth of a night on PostgreSQL.
_LOOKED_UP = 200
_LIKE_A_NUMBER = re.compile(r"(?:编号|编码|号码?|流水|代码|id|no\.?)$", re.IGNORECASE)
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Notice:
    """``said`` names no file, for an alert; ``where`` does."""

    said: str
    todo: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.said}{self.where} → {self.todo}"


def notices(counts: Counts, last: Mapping[str, Any] | None = None) -> Iterator[Notice]:
    """Yield what is to be said of a run's numbers; with the report of the ``last`` one, what is worth an alert."""
    if counts.known_texts >= MANY and counts.known_texts * 2 >= counts.new:
        yield Notice(
            f"新增 {counts.new} 条里约有 {counts.known_texts} 条，库里已有一字不差的原文，编号却不同："
            "编号列可能改了名、换了列，或编号换了写法（全角数字、前面多了撇号）",
            "请来件方照原来的编号导出；只是列名变了，就在 zuofeng.toml 的 [columns] 里给 id 写上它"
            "（来源是数据库的，核对 [tables] 的 key 和 prefix）。"
            "重复进来的留在库里，复核台归入近似的件，可以一次判完。",
        )
    if counts.other_texts >= MANY and counts.other_texts * 2 >= counts.changed:
        yield Notice(
            f"内容有变的 {counts.changed} 条里约有 {counts.other_texts} 条，与库里同编号的原文几乎没有相同的字句："
            "编号可能每份文件都从头编，新的件顶掉了旧的",
            "先停定时任务；请来件方加一列不重复的编号，或在 zuofeng.toml 的 [columns] 里给 id 写上这样的列。"
            "被顶掉的还在当初的来件里，改好后放回来再读。",
        )
    unnumbered = counts.unnumbered.total()
    if unnumbered if last is None else unnumbered >= MANY and last.get("unnumbered") == {}:
        files = "；".join(where for where, _ in counts.unnumbered.most_common(_SHOWN))
        more = f" 等 {len(counts.unnumbered)} 个文件" if len(counts.unnumbered) > _SHOWN else ""
        yield Notice(
            f"新增里有 {unnumbered} 条没有编号，按正文认件，正文改一个字就成了另一件",
            "表里有编号列的，在 zuofeng.toml 的 [columns] 里给 id 写上列名；表头有三行的，请改成一行。"
            "已经读进来的会照编号再进来一次，复核台归入近似的件，可以一并判。",
            f"（{files}{more}）",
        )


def is_numbered(document: Document) -> bool:
    """Whether a record of several columns came with a number; what is a text and no more needs none."""
    # Asked of every new record, and nearly all have a number: the look at its beginning spares the hash.
    return not document.id.startswith("t-") or document.id[2:] != document.text_hash[:16] or len(document.row) < 2


def where_unnumbered(document: Document) -> str:
    """Return the file of a document, and which of its columns might hold the number it lacks."""
    file = document.place.rpartition(":")[0]
    names = [n for n in document.row if _LIKE_A_NUMBER.search(n.strip())]
    return f"{file}，像是编号的列：{'、'.join(names)}" if names else file


def sample(documents: Sequence[Document]) -> Sequence[Document]:
    """Return some of ``documents``, evenly taken; all when they are few."""
    return documents[:: -(-len(documents) // _LOOKED_UP) or 1]


def unlike(pairs: Sequence[tuple[str, str]]) -> int:
    """Return how many pairs of texts have hardly a phrase in common."""
    import numpy as np

    from pipeline.text.near import shares

    if not pairs:
        return 0
    texts = [text for pair in pairs for text in pair]
    return int((shares(texts, np.arange(len(texts)).reshape(-1, 2)) < _UNLIKE).sum())
