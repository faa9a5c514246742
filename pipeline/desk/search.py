"""Finding words in texts without reading every text: which pairs of characters a document holds.

Words of Chinese are short, so the index is one of character pairs: a document can only hold 低保证 if it holds 低保 and
保证. Whatever the index proposes is then compared with the text itself. It is brought up by the night and by
`zuofeng serve`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from pipeline.desk.among import among
from pipeline.desk.blocks import forget, gather, holders, put, scrub, tidy
from pipeline.desk.models import Document
from pipeline.desk.reading import masked
from pipeline.desk.tables import Indexed
from pipeline.text.mask import may_be_starred
from pipeline.text.normalise import normalise

__all__ = [
    "PART", "SHORTEST", "Sought", "behind", "bring_up", "forget", "gather", "holding", "index",
    "out_of_sight", "put", "scrub", "seek", "walk",
]  # fmt: skip

#: Words of fewer characters are looked for among the documents' numbers only, whole ones; parts of a number have more.
SHORTEST, SHORTEST_PART = 2, 4
MOST_WORDS = 5
#: Words that more documents hold are found soon enough by going down the queue.
FREQUENT = 8000
CHUNK = 2000
FIRST_STEP, FEW = 500, 100
#: Documents that are indexed in one transaction: on SQLite everybody who decides waits for it.
PART = 2000


@dataclass(frozen=True, slots=True)
class Sought:
    """Words that are looked for, and the documents that may hold them: None where nearly all may.

    Of those ``starred`` some text may hold something where it is starred out. There they are only found with
    ``reveal``: else a masked number could be read by looking for its digits.
    """

    words: tuple[str, ...]
    among: tuple[int, ...] | None
    starred: tuple[str, ...] = ()
    reveal: bool = False


def seek(words: Sequence[str], *, reveal: bool = False) -> Sought:
    """Ask the index which documents may hold all ``words``; with ``reveal`` in masked data too."""
    wanted = tuple(words[:MOST_WORDS])
    starred = tuple(w for w in wanted if may_be_starred(normalise(w)))
    long = [w for w in wanted if len(w) >= SHORTEST]
    found = holders(long, FREQUENT) if long else None
    if found is None:
        return Sought(wanted, None, starred, reveal)
    # What was purged has its number only, and stands in no index.
    numbers = Document.objects.filter(key__in=wanted).values_list("pk", flat=True)
    return Sought(wanted, (*found, *numbers), starred, reveal)


def walk(rows: QuerySet, column: str, sought: Sought, count: int) -> list[int]:
    """Return the first ``count`` cases that hold the words, of ``rows`` ordered by ``column`` and number.

    Texts are read in this order until they are found; left to the database, all would be read and then sorted.
    """
    found: list[int] = []
    for some in _may_hold(rows, column, sought.among):
        read = Document.objects.filter(among(some))
        held = set(holding(read, sought.words).values_list("pk", flat=True))
        kept = [pk for pk in some if pk in held]
        found += kept if sought.reveal or not sought.starred else _seen(kept, sought.starred, count - len(found))
        if len(found) >= count:
            break
    return found[:count]


def out_of_sight(documents: Sequence[int], sought: Sought) -> list[int]:
    """Return those of the ``documents`` found in which a word stands only where it is starred out."""
    if not sought.reveal or not sought.starred:
        return []
    seen = set(_seen(documents, sought.starred, len(documents)))
    return [pk for pk in documents if pk not in seen]


def _seen(documents: Sequence[int], words: Sequence[str], count: int) -> list[int]:
    """Return the first ``count`` of documents in which readers see ``words``, with what is personal masked."""
    found: list[int] = []
    for at in range(0, len(documents), FEW):
        some = documents[at : at + FEW]
        read = {pk: of for pk, *of in Document.objects.filter(among(some)).values_list("pk", "key", "title", "text")}
        for pk in some:
            key, title, text = read.get(pk, ("", "", ""))
            left = [w for w in words if not _is_of(w, key)]
            shown = f"{masked(title)}\n{masked(text)}".upper() if left else ""
            if all(w.upper() in shown for w in left):
                found.append(pk)
                if len(found) == count:
                    return found
    return found


def _is_of(word: str, key: str) -> bool:
    """Whether ``word`` is a document's number, or part of it: nothing of that is masked."""
    return word == key or (len(word) >= SHORTEST_PART and word.upper() in key.upper())


def _may_hold(rows: QuerySet, column: str, named: Sequence[int] | None) -> Iterator[list[int]]:
    """Yield ordered ``rows`` part by part, the parts growing: what the index names nearly always holds the words."""
    step = FIRST_STEP
    if named is not None:
        rows, step = rows.filter(among(named)), FEW
    while some := list(rows.values_list(column, "pk")[:step]):
        yield [pk for _, pk in some]
        if len(some) < step:
            return
        rows, step = behind(rows, column, *some[-1]), min(2 * step, CHUNK)


def behind(rows: QuerySet, column: str, place: int, number: int) -> QuerySet:
    """Keep those behind the case ``number`` at ``place``, of cases ordered by ``column``, the largest first."""
    if column == "document_id":
        return rows.filter(document_id__lt=number)
    # The first condition is all that an index understands.
    at = Q(**{column: place}, document_id__gt=number)
    return rows.filter(Q(**{f"{column}__lte": place}), Q(**{f"{column}__lt": place}) | at)


def holding(rows: QuerySet, words: Sequence[str]) -> QuerySet:
    """Keep the documents that hold all ``words``, by reading them."""
    for word in words[:MOST_WORDS]:
        held = Q(key=word)
        if len(word) >= SHORTEST:
            # Chinese has no capitals: comparing as it stands is several times as quick.
            how = "contains" if word.upper() == word.lower() else "icontains"
            held |= Q(**{f"text__{how}": word}) | Q(**{f"title__{how}": word})
            if len(word) >= SHORTEST_PART:
                held |= Q(**{f"key__{how}": word})
        rows = rows.filter(held)
    return rows


def bring_up() -> int:
    """Index every document that is new or has another text; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT d.id FROM zuofeng_document d LEFT JOIN zuofeng_search_indexed s ON s.document = d.id"
            " WHERE NOT d.purged AND (s.text_hash IS NULL OR s.text_hash <> d.text_hash) ORDER BY d.id"
        )
        ids = [pk for (pk,) in cursor.fetchall()]
    for at in range(0, len(ids), PART):
        index(ids[at : at + PART])
    tidy()
    return len(ids)


def index(documents: Sequence[int]) -> None:
    """Index those of these documents whose text is not, as it is now, in one transaction."""
    with transaction.atomic():
        # Locked, so that a purge cannot empty a text between its reading and its indexing, nor two index the same;
        # not their keys, which everybody needs who decides one of them.
        found = Document.objects.select_for_update(no_key=True).filter(among(documents), purged=False).order_by("pk")
        rows = list(found.values_list("pk", "text_hash", "key", "title", "text"))
        known = dict(Indexed.objects.filter(among([pk for pk, *_ in rows])).values_list("document", "text_hash"))
        put([row for row in rows if known.get(row[0]) != row[1]])
