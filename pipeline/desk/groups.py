"""Joins cases whose texts say nearly the same, so that people decide them once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from django.db import transaction
from django.db.models import F, Q

from pipeline.desk.tables import Case, Signature
from pipeline.desk.upsert import upsert
from pipeline.text.near import ALGORITHM, NEAR, grams, jaccard, pairs, signatures

__all__ = ["link"]

CHUNK = 2000
#: Documents that are compared, newest first: what came in years ago is no longer waiting.
MOST = 400_000


def link() -> int:
    """Sign what is new or has another text, and join it with what it repeats; return how many cases joined a group."""
    fresh = _sign()
    if not fresh:
        return 0
    rows = list(
        Signature.objects.filter(algorithm=ALGORITHM).order_by("-case_id").values_list("case_id", "values")[:MOST]
    )[::-1]
    ids = np.array([i for i, _ in rows])
    matrix = np.frombuffer(b"".join(bytes(v) for _, v in rows), np.uint32).reshape(len(rows), -1)
    proposed = ids[pairs(matrix, np.isin(ids, list(fresh)))].tolist()
    near = [pair for at in range(0, len(proposed), CHUNK) for pair in _near(proposed[at : at + CHUNK])]
    return _join(near)


def _sign() -> set[int]:
    """Store the missing signatures; a changed text leaves the group of its old one."""
    stale = Case.objects.filter(
        Q(signature=None) | ~Q(signature__text_hash=F("text_hash")) | ~Q(signature__algorithm=ALGORITHM)
    )
    # What was purged is compared with nothing; it stays in the group it was in.
    stale = stale.filter(document__purged=False)
    ids = list(stale.order_by("pk").values_list("pk", flat=True))
    for at in range(0, len(ids), CHUNK):
        some = ids[at : at + CHUNK]
        with transaction.atomic():
            rows = list(Case.objects.filter(pk__in=some).values_list("pk", "text_hash", "document__text"))
            made = signatures([text for _, _, text in rows])
            upsert(
                Signature,
                ["case", "text_hash", "algorithm", "values"],
                [(pk, h, ALGORITHM, values.tobytes()) for (pk, h, _), values in zip(rows, made, strict=True)],
                unique=["case"],
                update=["text_hash", "algorithm", "values"],
            )
            _leave(some)
    return set(ids)


def _near(proposed: Sequence[Sequence[int]]) -> Iterator[tuple[int, int]]:
    """Yield those of the proposed pairs whose texts really share enough."""
    ids = {i for pair in proposed for i in pair}
    texts = dict(Case.objects.filter(pk__in=ids).values_list("pk", "document__text"))
    pieces = {i: grams(text) for i, text in texts.items()}
    for one, other in proposed:
        if texts[one] == texts[other] or jaccard(pieces[one], pieces[other]) >= NEAR:
            yield one, other


def _join(near: Sequence[tuple[int, int]]) -> int:
    """Give what hangs together one group, named after its first document; return how many cases are new in one."""
    known: dict[int, int | None] = {}
    ids = sorted({i for pair in near for i in pair})
    for at in range(0, len(ids), CHUNK):
        known.update(Case.objects.filter(pk__in=ids[at : at + CHUNK]).values_list("pk", "group"))
    parent: dict[int, int] = {}

    def root(i: int) -> int:
        while parent.setdefault(i, i) != i:
            parent[i] = i = parent[parent[i]]
        return i

    for one, other in [*near, *((i, g) for i, g in known.items() if g is not None)]:
        a, b = sorted((root(one), root(other)))
        parent[b] = a
    together: dict[int, list[int]] = {}
    for i in known:
        together.setdefault(root(i), []).append(i)
    for first, members in together.items():
        old = {g for i in members if (g := known[i]) is not None}
        if old != {first} or any(known[i] is None for i in members):
            Case.objects.filter(Q(pk__in=members) | Q(group__in=old)).update(group=first)
    return sum(g is None for g in known.values())


def _leave(changed: Sequence[int]) -> None:
    """Take cases out of their groups; a group that was named after one of them gets another name."""
    for gone in Case.objects.filter(pk__in=changed, group=F("pk")).values_list("pk", flat=True):
        rest = Case.objects.filter(group=gone).exclude(pk__in=changed)
        heir = rest.order_by("pk").values_list("pk", flat=True).first()
        if heir is not None:
            rest.update(group=heir)
    Case.objects.filter(pk__in=changed).exclude(group=None).update(group=None)
