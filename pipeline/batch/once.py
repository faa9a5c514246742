"""A number counts once in a run, whatever file it comes from; where it comes again it is set aside.

So is one whose last digits are lost: the next night's complaint with the same first ones would take its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from pipeline.batch.sources.records import is_rounded
from pipeline.documents import Document, Rejected
from pipeline.ndarrays import Ints

__all__ = ["Once"]


class _Seen(NamedTuple):
    """Hashes of numbers, ascending, those of their texts, and as how many-th record each came."""

    number: Ints
    text: Ints
    at: Ints

    def with_(self, other: Self) -> _Seen:
        both = [np.concatenate(of) for of in zip(self, other, strict=True)]
        order = np.argsort(both[0])
        return _Seen(*(of[order] for of in both))

    def look_up(self, number: Ints, text: Ints, at: Ints) -> None:
        """Write the text and the place of each number that was seen over those given."""
        place = np.minimum(np.searchsorted(self.number, number), len(self.number) - 1)
        hit = self.number[place] == number
        text[hit], at[hit] = self.text[place[hit]], self.at[place[hit]]


class Once:
    """Remembers of every record a hash of its number and of its text, and where it stood: in arrays, for a night may
    bring millions.
    """

    def __init__(self) -> None:
        #: Each less than half of the one before.
        self._seen: list[_Seen] = []
        self._places: list[bytes] = []
        self._starts: list[int] = []
        self._count = 0

    def sift(self, records: Sequence[Document | Rejected]) -> list[Document | Rejected]:
        """Return the records, those whose number already came, or is lost in part, as rejections that say so."""
        kept = [_rounded(r) if isinstance(r, Document) and is_rounded(r.id) else r for r in records]
        documents = [(at, r) for at, r in enumerate(kept) if isinstance(r, Document)]
        if not documents:
            return kept
        number = np.array([hash(d.id) for _, d in documents], np.int64)
        text = np.array([hash(d.text_hash) for _, d in documents], np.int64)
        here = self._count + np.arange(len(documents))
        self._remember([d.place for _, d in documents])
        _, first, of = np.unique(number, return_index=True, return_inverse=True)
        before, at = text[first][of], here[first][of]
        for seen in self._seen:
            seen.look_up(number, before, at)
        for i in np.flatnonzero(at < here).tolist():
            place, document = documents[i]
            kept[place] = _again(document, self._place(int(at[i])), same=bool(before[i] == text[i]))
        new = first[at[first] == here[first]]
        self._add(_Seen(number[new], text[new], here[new]))
        return kept

    def _add(self, seen: _Seen) -> None:
        if not len(seen.number):
            return
        while self._seen and len(self._seen[-1].number) < 2 * len(seen.number):
            seen = self._seen.pop().with_(seen)
        self._seen.append(seen)

    def _remember(self, places: Sequence[str]) -> None:
        self._starts.append(self._count)
        self._places.append("\0".join(places).encode("utf-8", "surrogatepass"))
        self._count += len(places)

    def _place(self, at: int) -> str:
        """Return where the record stood that came as the ``at``-th."""
        part = int(np.searchsorted(self._starts, at, side="right")) - 1
        return self._places[part].decode("utf-8", "surrogatepass").split("\0")[at - self._starts[part]]


def _again(record: Document, place: str, *, same: bool) -> Rejected:
    if same:
        code, what = "ZF-REC-DUPLICATE", "编号和内容都相同，只算一次"
    else:
        code, what = "ZF-REC-CONFLICT", "编号相同而内容不同，留用先读到的那条；是两件事，请核对编号"
        file = place.rpartition(":")[0]
        if file != record.place.rpartition(":")[0]:
            what += f"；这条才是更正的，把 {file} 移出来源，下一夜就换成这条"
    return Rejected(record.place, code, f"与 {place} {what}", record.id, record.text)


def _rounded(record: Document) -> Rejected:
    what = f"编号 {record.id} 的末几位已被表格软件舍去：请把编号一列设为文本，从原系统重新导出"
    return Rejected(record.place, "ZF-REC-DIGITS", what, record.id, record.text)
