"""One chunk's records against what the store holds: new, changed, to be scored again, unchanged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from pipeline.batch.entry import Entry
from pipeline.batch.numbers import is_numbered, where_unnumbered
from pipeline.batch.store import Known, meta_of
from pipeline.batch.tally import Tally
from pipeline.documents import Document, Rejected, text_hash

__all__ = ["Sorting", "fingerprint"]


class Sorting:
    """One chunk's records against what the store holds; ``None`` stands for just these.

    With ``fixed``, stored fields stay, and so do the texts of these numbers: another text is set aside, with where the
    one that stays stood.
    """

    def __init__(
        self,
        records: Sequence[Document | Rejected],
        stored: Mapping[str, Known] | None = None,
        fixed: Mapping[str, str] | None = None,
    ) -> None:
        self.rejected = [r for r in records if isinstance(r, Rejected)]
        self.new: list[Document] = []
        self.changed: list[Document] = []
        self.rescored: list[Document] = []
        self.unchanged: list[Document] = []
        #: Same text, other fields; what was purged stays purged.
        self.moved: list[Document] = []
        #: Their text came again although it was purged: scored at need, kept not.
        self.purged: set[str] = set()
        self.conflicts: list[Rejected] = []
        #: Of the new ones whose texts the store has, of the changed ones that are about something else.
        self.known_texts = self.other_texts = 0
        if stored is None:
            self.unchanged = [d for d in records if isinstance(d, Document)]
            return
        for d in records:
            if isinstance(d, Rejected):
                continue
            old, digest = stored.get(d.id), d.text_hash
            if old is None:
                self.new.append(d)
                continue
            if old.text_hash != digest:
                if fixed and d.id in fixed:
                    reason = f"库里 {fixed[d.id]} 来自别的来源，编号相同而内容不同，没有改动它，请核对编号"
                    self.conflicts.append(Rejected(d.place, "ZF-REC-CONFLICT", reason, d.id, d.text))
                else:
                    self.changed.append(d)
                continue
            (self.unchanged if old.scored_hash == digest else self.rescored).append(d)
            if old.purged:
                self.purged.add(d.id)
            elif fixed is None and old.meta != meta_of(d):
                self.moved.append(d)

    @property
    def todo(self) -> list[Document]:
        """What has to be scored."""
        return [*self.new, *self.changed, *self.rescored]

    def tally(self, results: Sequence[Entry | Rejected], *, every: bool = False) -> Tally:
        """Count the chunk with what scoring returned for ``todo``; ``every`` lists all rejections, not its own."""
        refused = [*self.conflicts, *(r for r in results if isinstance(r, Rejected))]
        lost = {r.id for r in refused}
        new, changed, rescored = (
            sum(d.id not in lost for d in some) for some in (self.new, self.changed, self.rescored)
        )
        aside = [*self.rejected, *refused]
        tally = Tally(
            new=new, changed=changed, rescored=rescored, unchanged=len(self.unchanged), rejected=len(aside),
            reasons=Counter(r.code for r in aside),
            refused=[[r.place, r.code, r.reason, r.id] for r in (aside if every else refused)],
            known_texts=self.known_texts, other_texts=self.other_texts,
            unnumbered=Counter(where_unnumbered(d) for d in self.new if not is_numbered(d)),
        )  # fmt: skip
        tally.read = new + changed + rescored + tally.unchanged + tally.rejected
        for p in results:
            if isinstance(p, Entry):
                tally.problems += p.is_problem
                tally.review += p.review
                tally.labels.update(p.labels)
        return tally


def fingerprint(records: Iterable[Document | Rejected]) -> str:
    """Return a hash of what a chunk consists of; equal ones need not be worked through again."""
    said = []
    for r in records:
        if isinstance(r, Document):
            said.append("\x1f".join((r.id, r.text_hash, *meta_of(r))))
        else:
            said.append("\x1f".join((r.place, r.code, r.id, text_hash(r.raw))))
    return text_hash("".join(f"{one}\x1e" for one in said))
