"""Finding words in texts without reading every text: which pairs of characters a document holds.

Words of Chinese are short, so the index is one of character pairs: a document can only hold 低保证 if it holds 低保 and
保证. Whatever the index proposes is then compared with the text itself. PostgreSQL keeps the pairs as an array under a
GIN index, SQLite as words of an FTS5 table; both as hashes, brought up by the night and by `zuofeng serve`.
"""

from __future__ import annotations

import itertools
import string
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from pipeline.desk.among import among
from pipeline.desk.models import Document
from pipeline.desk.upsert import send

__all__ = [
    "PART", "SHORTEST", "Sought", "behind", "bring_up", "forget", "holding", "index", "indexed", "matching", "scrub",
    "seek", "walk", "write",
]  # fmt: skip

#: Words of fewer characters are looked for among the documents' numbers only.
SHORTEST = 2
MOST_WORDS = 5
#: Words that more documents hold are found soon enough by going down the queue; so are those that the planner takes for
#: this share of all, which is more than it says of what it knows nothing of (DEFAULT_CONTAIN_SEL).
FREQUENT, SURELY = 8000, 0.006
CHUNK = 2000
FIRST_STEP, FEW = 500, 100
#: Documents that are indexed in one transaction: on SQLite everybody who decides waits for it.
PART = 200
#: Of a hash, and letters of a word that names it.
_BITS, _LETTERS = 24, 5
_DIGITS = np.frombuffer((string.digits + string.ascii_lowercase).encode(), np.uint8)


def indexed(documents: Sequence[tuple[str, str, str]]) -> list[str]:
    """Return the hashed pairs of characters under which documents of (key, title, text) are found, each as the index's
    column takes them.
    """
    found, first = _pairs(["\n".join(d) for d in documents])
    if connection.vendor == "postgresql":
        pairs = found.tolist()
        return ["{" + str(pairs[a:b])[1:-1] + "}" for a, b in itertools.pairwise(first.tolist())]
    words = _words(found)
    return [words[a:b].tobytes().decode("ascii") for a, b in itertools.pairwise(first.tolist())]


@dataclass(frozen=True, slots=True)
class Sought:
    """Words that are looked for, and the documents that may hold them: None where nearly all may."""

    words: tuple[str, ...]
    among: tuple[int, ...] | None


def seek(words: Sequence[str]) -> Sought:
    """Ask the index which documents may hold all ``words``."""
    wanted = tuple(words[:MOST_WORDS])
    long = [w for w in wanted if len(w) >= SHORTEST]
    found = _holders(_pairs(long)[0]) if long else None
    if found is None:
        return Sought(wanted, None)
    # What was purged has its number only, and stands in no index.
    numbers = Document.objects.filter(key__in=wanted).values_list("pk", flat=True)
    return Sought(wanted, (*found, *numbers))


def matching(rows: QuerySet, words: Sequence[str]) -> QuerySet:
    """Keep the cases whose text or title holds every one of ``words``, or whose number it is."""
    sought = seek(words)
    return holding(rows if sought.among is None else rows.filter(among(sought.among)), sought.words, "document__")


def walk(rows: QuerySet, column: str, sought: Sought, count: int) -> list[int]:
    """Return the first ``count`` cases that hold the words, of ``rows`` ordered by ``column`` and number.

    Texts are read in this order until they are found; left to the database, all would be read and then sorted.
    """
    found: list[int] = []
    for some in _may_hold(rows, column, sought.among):
        read = Document.objects.filter(among(some))
        held = set(holding(read, sought.words).values_list("pk", flat=True))
        found += [pk for pk in some if pk in held]
        if len(found) >= count:
            break
    return found[:count]


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


def holding(rows: QuerySet, words: Sequence[str], document: str = "") -> QuerySet:
    """Keep the rows whose ``document`` holds all ``words``, by reading it."""
    for word in words[:MOST_WORDS]:
        held = Q(**{f"{document}key": word})
        if len(word) >= SHORTEST:
            # Chinese has no capitals: comparing as it stands is several times as quick.
            how = "contains" if word.upper() == word.lower() else "icontains"
            held |= Q(**{f"{document}text__{how}": word}) | Q(**{f"{document}title__{how}": word})
        rows = rows.filter(held)
    return rows


def bring_up() -> int:
    """Index every document that is new or has another text; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT d.id FROM zuofeng_document d LEFT JOIN zuofeng_search s ON s.{_column()} = d.id"  # noqa: S608  # nosec B608
            " WHERE NOT d.purged AND (s.text_hash IS NULL OR s.text_hash <> d.text_hash) ORDER BY d.id"
        )
        ids = [pk for (pk,) in cursor.fetchall()]
    for at in range(0, len(ids), PART):
        index(ids[at : at + PART])
    return len(ids)


def index(documents: Sequence[int]) -> None:
    """Index these documents as they are now, in one transaction."""
    with transaction.atomic():
        # Locked, so that a purge cannot empty a text between its reading and its indexing.
        found = Document.objects.select_for_update().filter(among(documents), purged=False).order_by("pk")
        rows = list(found.values_list("pk", "text_hash", "key", "title", "text"))
        pairs = indexed([(key, title, text) for *_, key, title, text in rows])
        write([(pk, digest, of) for (pk, digest, *_), of in zip(rows, pairs, strict=True)])


def write(rows: Sequence[tuple[int, str, str]]) -> None:
    """Put (document, text's hash, what `indexed` says) into the index, in place of what it has of these documents."""
    forget([pk for pk, _, _ in rows])
    if connection.vendor == "postgresql":
        send(
            "INSERT INTO zuofeng_search (document, text_hash, pairs)"
            " SELECT d, h, p::int[] FROM unnest(%b::bigint[], %b::text[], %b::text[]) AS n(d, h, p)",
            [list(of) for of in zip(*rows, strict=True)] or [[], [], []],
        )
    else:
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO zuofeng_search (rowid, text_hash, pairs) VALUES (%s, %s, %s)", rows)


def forget(documents: Sequence[int]) -> None:
    """Take documents out of the index; `bring_up` puts those back that still have a text."""
    if not documents:
        return
    with connection.cursor() as cursor:
        for at in range(0, len(documents), CHUNK):
            some = [int(pk) for pk in documents[at : at + CHUNK]]
            marks = ",".join(["%s"] * len(some))
            cursor.execute(f"DELETE FROM zuofeng_search WHERE {_column()} IN ({marks})", some)  # noqa: S608  # nosec B608


def scrub() -> None:
    """Let go of what the index still holds of documents that were taken out."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM zuofeng_search")
        else:
            cursor.execute("INSERT INTO zuofeng_search (zuofeng_search) VALUES ('optimize')")


def _holders(pairs: npt.NDArray[np.uint32]) -> list[int] | None:
    """Return the documents that hold all ``pairs``; None where they are more than FREQUENT."""
    with ExitStack() as stack:
        cursor = stack.enter_context(connection.cursor())
        if connection.vendor == "postgresql":
            # With a LIMIT the planner hopes to meet the rows early when it reads the table from its beginning.
            stack.enter_context(transaction.atomic())
            cursor.execute("SET LOCAL enable_seqscan = off")
            asked, given = "SELECT document FROM zuofeng_search WHERE pairs @> %s::int[]", pairs.tolist()
            # Its index collects all before it hands out the first; what the planner takes for frequent is so.
            cursor.execute(f"EXPLAIN (FORMAT JSON) {asked}", [given])
            estimate = cursor.fetchone()[0][0]["Plan"]["Plan Rows"]
            cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'zuofeng_search'::regclass")
            if estimate > max(SURELY * cursor.fetchone()[0], FREQUENT):
                return None
            cursor.execute(f"{asked} LIMIT %s", [given, FREQUENT + 1])
        else:
            # No transaction: on SQLite it would wait for whoever is writing.
            words = _words(pairs).tobytes().decode("ascii")
            cursor.execute(
                "SELECT rowid FROM zuofeng_search WHERE zuofeng_search MATCH %s LIMIT %s", [words, FREQUENT + 1]
            )
        found = [pk for (pk,) in cursor.fetchall()]
    return found if len(found) <= FREQUENT else None


def _pairs(texts: Sequence[str]) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """Hash every two neighbouring characters to 24 bits: what falls together is told apart by the text.

    Return the different ones of each text, ascending, and where those of each begin and end.
    """
    lower = [t.lower() for t in texts]
    codes = np.frombuffer("".join(lower).encode("utf-32-le", "surrogatepass"), np.uint32)
    row = np.repeat(np.arange(len(lower)), list(map(len, lower)))
    mixed = (codes[:-1] * np.uint32(0x9E3779B1) + codes[1:] * np.uint32(0x85EBCA6B)) >> 8
    inside = row[:-1] == row[1:]
    different = np.unique(row[:-1][inside] << _BITS | mixed[inside])
    first = np.searchsorted(different >> _BITS, np.arange(len(lower) + 1))
    return (different & (1 << _BITS) - 1).astype(np.uint32), first


def _words(pairs: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint8]:
    """Write hashes as short words that FTS5 takes whole, (pairs, letters): the last digit first, filled with spaces."""
    place = len(_DIGITS) ** np.arange(_LETTERS, dtype=np.uint32)
    digit = _DIGITS[pairs[:, None] // place % len(_DIGITS)]
    digit[(pairs[:, None] < place) & (place > 1)] = ord(" ")
    return np.pad(digit, ((0, 0), (0, 1)), constant_values=ord(" "))


def _column() -> str:
    return "document" if connection.vendor == "postgresql" else "rowid"
