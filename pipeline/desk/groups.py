"""Joins cases whose texts say nearly the same, so that people decide them once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from pipeline.desk.among import among
from pipeline.desk.locks import lock
from pipeline.desk.tables import Case, Signature, Tally
from pipeline.desk.upsert import assign, insert, upsert
from pipeline.text.near import ALGORITHM, NEAR, Matrix, pairs, shares, signatures

if TYPE_CHECKING:
    from scipy.cluster.hierarchy import DisjointSet

__all__ = ["link", "sign"]

CHUNK = 2000
#: The mark up to which cases were compared, and the algorithm of a signature that was made anew and waits for it: a
#: crash in between costs no group.
COMPARED, ANEW = "compared", f"{ALGORITHM} new"
#: Documents that are compared, newest first: what came in years ago is no longer waiting.
MOST = 400_000
#: Signatures that are marked as compared at once: on SQLite everybody who decides waits for it.
MARKED = 20_000
_SIGNATURE = ("case", "text_hash", "algorithm", "values")


def link() -> int:
    """Sign what is new or has another text, and join it with what it repeats; return how many cases joined a group."""
    # Imported here: scipy's graphs take longer than a quiet night.
    from scipy.cluster.hierarchy import DisjointSet

    anew, mark = _sign(), _compared()
    signed = Signature.objects.filter(algorithm__in=(ALGORITHM, ANEW))
    if not anew and not signed.filter(case_id__gt=mark).exists():
        return 0
    ids, matrix = _newest(signed)
    proposed = ids[pairs(matrix, (ids > mark) | np.isin(ids, anew))].tolist()
    together = DisjointSet({i for pair in proposed for i in pair})
    for at in range(0, len(proposed), CHUNK):
        _compare(proposed[at : at + CHUNK], together)
    joined = _join(together)
    for at in range(0, len(anew), MARKED):
        Signature.objects.filter(among(anew[at : at + MARKED]), algorithm=ANEW).update(algorithm=ALGORITHM)
    Tally.objects.update_or_create(
        name=COMPARED, defaults={"at": timezone.now(), "cases": 0, "data": max(mark, int(ids[-1]))}
    )
    return joined


def _compared() -> int:
    """Return the last case that was compared: numbers ascend with the nights."""
    row = Tally.objects.filter(name=COMPARED).first()
    return row.data if row else 0


def _newest(signed: QuerySet) -> tuple[npt.NDArray[np.int64], Matrix]:
    """Return the newest cases, oldest first, and their signatures, as they are kept: as objects they fill memory."""
    ids, values = [], bytearray()
    for pk, of in signed.order_by("-case_id").values_list("case_id", "values")[:MOST].iterator(chunk_size=CHUNK):
        ids.append(pk)
        values += of
    matrix = np.frombuffer(values, np.uint32).reshape(len(ids), -1)
    return np.array(ids, np.int64)[::-1], matrix[::-1]


def sign(rows: Sequence[tuple[int, str, bytes]]) -> None:
    """Store the signatures of cases that have none: (case, text's hash, one row of `signatures`)."""
    insert(Signature, _SIGNATURE, [(pk, digest, ALGORITHM, values) for pk, digest, values in rows])


def _sign() -> list[int]:
    """Store the missing signatures and return whose they are; a changed text leaves the group of its old one."""
    stale = Case.objects.filter(
        Q(signature=None) | ~Q(signature__text_hash=F("text_hash")) | ~Q(signature__algorithm=ALGORITHM)
    )
    # What was purged is compared with nothing; it stays in the group it was in.
    ids = list(stale.filter(purged=False).order_by("pk").values_list("pk", flat=True))
    for at in range(0, len(ids), CHUNK):
        some = ids[at : at + CHUNK]
        with transaction.atomic():
            # With whatever is left behind in their groups.
            lock(Case.objects.filter(Q(among(some)) | Q(among(some, "group"))))
            rows = list(Case.objects.filter(among(some), purged=False).values_list("pk", "text_hash", "document__text"))
            made = signatures([text for _, _, text in rows])
            upsert(
                Signature,
                _SIGNATURE,
                [(pk, h, ANEW, values.tobytes()) for (pk, h, _), values in zip(rows, made, strict=True)],
                unique=_SIGNATURE[:1],
                update=_SIGNATURE[1:],
            )
            _leave([pk for pk, _, _ in rows])
    return ids


def _compare(proposed: Sequence[Sequence[int]], together: DisjointSet) -> None:
    """Put those of the proposed pairs together whose texts really share enough; what hangs together is not compared."""
    apart = [pair for pair in proposed if not together.connected(*pair)]
    if not apart:
        return
    ids = sorted({i for pair in apart for i in pair})
    texts = dict(Case.objects.filter(among(ids)).values_list("pk", "document__text"))
    row = {pk: i for i, pk in enumerate(ids)}
    found = shares([texts[i] for i in ids], np.array([[row[i] for i in pair] for pair in apart]))
    for (one, other), share in zip(apart, found.tolist(), strict=True):
        if share >= NEAR:
            together.merge(one, other)


def _join(together: DisjointSet) -> int:
    """Give what hangs together one group, named after its first document; return how many cases are new in one."""
    known: dict[int, int | None] = {}
    ids = sorted(i for subset in together.subsets() if len(subset) > 1 for i in subset)
    for at in range(0, len(ids), CHUNK):
        known.update(Case.objects.filter(pk__in=ids[at : at + CHUNK]).values_list("pk", "group"))
    for i, group in known.items():
        if group is not None:
            together.add(group)
            together.merge(i, group)
    renamed: dict[int, int] = {}
    names: dict[int, int] = {}
    for subset in together.subsets():
        first = min(subset)
        for i in subset & known.keys():
            old = known[i]
            if old != first:
                names[i] = first
                if old is not None:
                    renamed[old] = first
    olds = sorted(renamed)
    for at in range(0, len(olds), CHUNK):
        others = Case.objects.filter(group__in=olds[at : at + CHUNK]).values_list("pk", "group")
        names.update((pk, renamed[group]) for pk, group in others)
    with transaction.atomic():
        lock(Case.objects.filter(among(list(names))))
        assign(Case, "group", names)
    return sum(g is None for g in known.values())


def _leave(changed: Sequence[int]) -> None:
    """Take cases out of their groups; a group that was named after one of them gets another name."""
    for gone in Case.objects.filter(among(changed), group=F("pk")).values_list("pk", flat=True):
        rest = Case.objects.filter(group=gone).exclude(among(changed))
        heir = rest.order_by("pk").values_list("pk", flat=True).first()
        if heir is not None:
            rest.update(group=heir)
    Case.objects.filter(among(changed)).exclude(group=None).update(group=None)
