"""A number counts once in a run, whatever file it comes from; where it comes again it is set aside."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.documents import Document, Rejected

__all__ = ["Once"]


class Once:
    """Remembers of every record a hash of its number and of its text, and where it stood."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[int, str]] = {}

    def sift(self, records: Sequence[Document | Rejected]) -> list[Document | Rejected]:
        """Return the records, those whose number already came as rejections that say where."""
        seen, kept = self._seen, list(records)
        for at, record in enumerate(kept):
            if isinstance(record, Rejected):
                continue
            here = hash(record.text_hash), record.place
            before = seen.setdefault(hash(record.id), here)
            if before is not here:
                kept[at] = _again(record, before[1], same=before[0] == here[0])
        return kept


def _again(record: Document, place: str, *, same: bool) -> Rejected:
    code, what = ("ZF-REC-CONFLICT", "编号相同而内容不同，请核对编号")
    if same:
        code, what = ("ZF-REC-DUPLICATE", "编号和内容都相同，只算一次")
    return Rejected(record.place, code, f"与 {place} {what}", record.id, record.text)
