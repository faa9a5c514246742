"""The search's index: documents in blocks, written once, put together when they are small.

A block is rows of an ordinary table, the same on both stores. Of a document that has another text or none, blocks
keep what they had until they are written anew: what the index proposes is compared with the text in any case.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction
from django.db.models import Count

from pipeline.desk.among import among
from pipeline.desk.postings import (
    MOST_TEXTS,
    PLACE,
    ROWS,
    Postings,
    holding,
    pairs_of,
    place_of,
    postings_of,
    read,
    rows_of,
)
from pipeline.desk.tables import Block, Indexed, Posting
from pipeline.desk.upsert import insert, send, upsert

__all__ = ["Text", "forget", "gather", "holders", "put", "scrub", "tidy"]

#: A document's number, its text's hash, its key, title and text.
Text = tuple[int, str, str, str, str]
_Of = TypeVar("_Of", bound=tuple[Any, ...])

#: Documents and characters of one block at most.
_TEXTS, _CHARACTERS = 4096, 4_000_000
#: Blocks of fewer postings, and so many documents at most, are put together by eights of about the same size.
_SMALL, _FEW, _STEP = 1 << 18, MOST_TEXTS // 8, 8
#: So many pairs are looked for at once (those of six digits: each stands in many documents), and others while that
#: leaves too many; and again when somebody has put blocks together meanwhile.
_PAIRS, _GROUPS, _TRIES = 5, 4, 5


def gather(texts: Sequence[tuple[str, str, str]]) -> list[Postings]:
    """Return the postings of the blocks that documents will fill; of each its key, title and text."""
    return [postings_of(["\n".join(of) for of in some]) for some in _parts(texts)]


def put(texts: Sequence[Text], gathered: Sequence[Postings] | None = None, *, new: bool = False) -> None:
    """Index documents, in place of what there is of them unless they are ``new``.

    For the caller's transaction, which wrote or locked them. ``gathered`` is what `gather` made of these texts, in the
    order of their numbers, if it did.
    """
    # Whoever locks several rows does so in the order of their numbers: else two could wait for each other.
    texts = sorted({of[0]: of for of in texts}.values())
    if gathered is None:
        gathered = gather([(key, title, text) for _, _, key, title, text in texts])
    for some, found in zip(_parts(texts), gathered, strict=True):
        block = _write([pk for pk, *_ in some], found)
        names, rows = ["document", "text_hash", "block"], [(pk, digest, block) for pk, digest, *_ in some]
        if new:
            insert(Indexed, names, rows)
        else:
            upsert(Indexed, names, rows, unique=["document"], update=names[1:])


def forget(documents: Sequence[int]) -> None:
    """Take documents out of the index; `bring_up` puts those back that still have a text."""
    with transaction.atomic():
        _lock(documents)
        Indexed.objects.filter(among(documents)).delete()


def holders(words: Sequence[str], most: int) -> list[int] | None:
    """Return documents among which are all that hold ``words``; None where they are more than ``most``."""
    pairs = pairs_of(words)
    groups = -(-len(pairs) // _PAIRS)
    for at in range(min(groups, _GROUPS)):
        sought = [(pair, *place_of(pair)) for pair in pairs[at::groups].tolist()]
        for _ in range(_TRIES):
            found = _places(sought)
            if len(found) > most:
                break
            if (documents := _documents(found)) is not None:
                return documents
    return None


def tidy() -> None:
    """Put small blocks together: every word is looked for in each of them."""
    while True:
        small = Block.objects.filter(postings__lt=_SMALL, size__lt=_FEW).order_by("pk")
        alike: dict[int, list[int]] = {}
        for pk, postings in small.values_list("pk", "postings"):
            of = alike.setdefault(_level(postings), [])
            of.append(pk)
            if len(of) == _STEP:
                break
        else:
            return
        if not _rewrite(of):
            return


def scrub() -> None:
    """Let go of what the index still holds of documents that were taken out, and of older texts."""
    while stale := _stale():
        for block in stale:
            _rewrite([block])
    tidy()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for table in (Posting, Block, Indexed):
                cursor.execute(f"VACUUM {connection.ops.quote_name(table._meta.db_table)}")


def _stale() -> list[int]:
    """Return the blocks that name documents which are not, or no longer, theirs."""
    held = dict(Indexed.objects.values_list("block").annotate(Count("document")))
    return [pk for pk, size in Block.objects.values_list("pk", "size") if held.get(pk, 0) < size]


def _parts(texts: Sequence[_Of]) -> Iterator[Sequence[_Of]]:
    """Divide texts among blocks; the title and the text are the last of each."""
    start = characters = 0
    for at, (*_, title, text) in enumerate(texts):
        characters += len(title) + len(text)
        if at > start and (at - start == _TEXTS or characters > _CHARACTERS):
            yield texts[start:at]
            start, characters = at, len(title) + len(text)
    if texts:
        yield texts[start:]


def _write(documents: Sequence[int], postings: Postings) -> int:
    """Write a block; return its number."""
    block = Block.objects.create(
        size=len(documents), postings=len(postings), documents=np.array(documents, "<i8").tobytes()
    )
    rows = [(row, block.pk, data) for row, data in rows_of(postings)]
    upsert(Posting, ["row", "block", "data"], rows, unique=["row", "block"], update=["data"])
    return int(block.pk)


def _rewrite(blocks: Sequence[int]) -> bool:
    """Put blocks together into one, without what is no longer theirs; return whether nobody else does so.

    As they never change, all is made ready before the transaction, for which others may have to wait.
    """
    named = {pk: np.frombuffer(of, "<i8") for pk, of in _named(blocks)}
    known = np.concatenate([*named.values(), np.zeros(0, np.int64)]).tolist()
    current = dict(Indexed.objects.filter(among(known)).values_list("document", "block"))
    moved: dict[int, npt.NDArray[np.int64]] = {}
    kept: list[int] = []
    for pk, documents in named.items():
        theirs = np.array([current.get(d) == pk for d in documents.tolist()], np.bool_)
        moved[pk] = np.where(theirs, len(kept) + theirs.cumsum() - 1, -1)
        kept += documents[theirs].tolist()
    rows = Posting.objects.filter(among(range(ROWS), "row"), among(blocks, "block"))
    held = rows.values_list("row", "block", "data")
    postings = np.sort(read([(row, data, moved[pk]) for row, pk, data in held if pk in moved]))
    with transaction.atomic():
        there = Block.objects.select_for_update(skip_locked=True).filter(among(blocks)).values_list("pk", flat=True)
        if len(list(there)) < len(blocks):
            return False
        if kept:
            _lock(kept)
            Indexed.objects.filter(among(kept), among(blocks, "block")).update(block=_write(kept, postings))
        rows.delete()
        Block.objects.filter(among(blocks)).delete()
    return True


def _lock(documents: Sequence[int]) -> None:
    list(Indexed.objects.select_for_update().filter(among(documents)).order_by("pk").values_list("pk"))


def _level(postings: int) -> int:
    """Return how often a block has been put together, going by its size."""
    return sum(postings >= _SMALL // _STEP**n for n in (1, 2))


def _places(sought: Sequence[tuple[int, int, np.uint16]]) -> npt.NDArray[np.uint64]:
    """Return where all pairs are held: a block's number above the document's place.

    One statement: every block stands in its answer wholly or not at all.
    """
    found: dict[int, list[npt.NDArray[np.uint64]]] = {pair: [] for pair, *_ in sought}
    of = {r: [(pair, rest) for pair, row, rest in sought if row == r] for _, r, _ in sought}
    for row, block, data in _stored(list(of)):
        for pair, rest in of[row]:
            texts = holding(data, rest)
            if len(texts):
                found[pair].append(np.uint64(block << PLACE) | texts.astype(np.uint64))
    all_of = [np.concatenate([*some, np.zeros(0, np.uint64)]) for some in found.values()]
    both = all_of[0]
    for more in all_of[1:]:
        both = np.intersect1d(both, more, assume_unique=True)
    return both


def _stored(rows: Sequence[int]) -> Sequence[tuple[int, int, bytes]]:
    """Return (row, block, bytes) of these rows in all blocks, block by block."""
    if connection.vendor == "postgresql":
        # Bytes as they are: written out in digits they take twice as long.
        asked = "SELECT row, block, data FROM zuofeng_search_posting WHERE row = ANY(%b::int[]) ORDER BY block"
        return send(asked, [rows])
    return list(Posting.objects.filter(row__in=rows).order_by("row", "block").values_list("row", "block", "data"))


def _documents(places: npt.NDArray[np.uint64]) -> list[int] | None:
    """Return whose places these are; None when a block has been put together with others meanwhile."""
    if not len(places):
        return []
    block, place = places >> np.uint64(PLACE), (places & np.uint64(MOST_TEXTS)).astype(np.int64)
    numbers, first = np.unique(block, return_index=True)
    named = dict(_named(numbers.tolist()))
    if len(named) < len(numbers):
        return None
    last = [*first[1:].tolist(), len(places)]
    spans = zip(numbers.tolist(), first.tolist(), last, strict=True)
    found = [np.frombuffer(named[pk], "<i8")[place[a:b]] for pk, a, b in spans]
    return np.unique(np.concatenate(found)).tolist()


def _named(blocks: Sequence[int]) -> list[tuple[int, bytes]]:
    return list(Block.objects.filter(among(blocks)).order_by("pk").values_list("pk", "documents"))
