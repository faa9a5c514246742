"""A store as it is after years: documents, scores, places in the queue and reviews, all made up.

Texts are put together from sentences of the project's own corpus; scores, decisions and seals of the trail are
invented, so nothing here may be read as a result.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from pipeline.desk import search
from pipeline.desk.cases import take_in
from pipeline.desk.models import Run
from pipeline.desk.roles import Role
from pipeline.desk.states import Kind, State, Turn
from pipeline.desk.tables import AuditHead, User
from pipeline.documents import text_hash
from pipeline.text.near import ALGORITHM

__all__ = ["MODEL", "fill", "people"]

MODEL = "made-up-1"
CHUNK = 10_000
NIGHTS, UNITS, DISTRICTS = 300, 400, 30
_CHANNELS = ("热线", "信访", "留言板", "来信", "窗口", "巡察", "督查", "网站")
_END = re.compile(r"(?<=[。！？；])")
_SIGNATURE = 256
#: What is written, by table.
TABLES = {
    "document": (
        "id", "key", "text", "text_hash", "title", "received", "unit", "channel", "district", "place", "purged",
        "stored", "run_id",
    ),
    "prediction": (
        "id", "document_id", "model", "taxonomy", "segmenter", "dictionary", "thresholds", "text_hash", "is_problem",
        "problem_score", "review", "decided", "scores", "evidence", "run_id",
    ),
    "case": (
        "document_id", "state", "priority", "uncertainty", "reasons", "prediction_id", "run", "serial", "text_hash",
        "blind", "purged",
    ),
    "case_label": ("case_id", "label", "by_people"),
    "signature": ("case_id", "text_hash", "algorithm", "values"),
    "decision": (
        "document_id", "by_id", "at", "kind", "turn", "labels", "note", "text_hash", "model", "seconds", "gesture",
    ),
    "audit": ("number", "at", "gesture", "actor", "action", "target", "address", "detail", "seal"),
}  # fmt: skip
#: Of a hundred documents that nobody decided, so many wait; of a hundred that somebody did, so many are not done.
_OPEN, _SECOND, _DISPUTED = 20, 4, 1


@dataclass(frozen=True, slots=True)
class _Shape:
    """One possible outcome of a model, shared by many documents; all but ``labels`` is JSON."""

    decided: str
    scores: str
    chosen: str
    labels: tuple[str, ...]


_NOTHING = _Shape("{}", "{}", "{}", ())


def people(count: int) -> list[User]:
    """Return ``count`` reviewers, made where they are missing. Nobody can sign in as one: they have no password."""
    for n in range(count):
        User.objects.get_or_create(
            username=f"load{n:02d}",
            defaults={"role": Role.REVIEWER, "password": "!", "name": f"复核员{n:02d}", "must_change_password": False},  # nosec B105
        )
    return list(User.objects.filter(username__startswith="load").order_by("username")[:count])


def fill(
    texts: Sequence[str],
    columns: Sequence[tuple[str, str]],
    *,
    documents: int,
    reviews: int,
    told: Callable[[str], None] = lambda step: None,
) -> None:
    """Fill an empty, opened store; the oldest ``reviews`` documents were decided by somebody."""
    maker = _Maker(texts, columns, documents, reviews)
    Run.objects.bulk_create(maker.runs)
    postgres = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        for at in range(0, documents, CHUNK):
            numbers = range(at + 1, min(at + CHUNK, documents) + 1)
            with transaction.atomic():
                made = maker.rows(numbers)
                for table, rows in made.items():
                    _insert(cursor, table, rows)
                search.put([(pk, digest, key, title, text) for pk, key, text, digest, title, *_ in made["document"]])
            told(f"已放 {numbers[-1]:,} 件")
        AuditHead.objects.update(number=2 * min(reviews, documents))
        told("统计")
        if postgres:
            # Numbers were given, not drawn: what comes in later must not meet them.
            for table in ("document", "prediction"):
                cursor.execute(
                    f"SELECT setval(pg_get_serial_sequence('zuofeng_{table}', 'id'), max(id)) FROM zuofeng_{table}"  # noqa: S608  # nosec B608
                )
            cursor.execute("VACUUM ANALYZE")
            # What nights write is in the server's memory already; COPY goes past it.
            for table in TABLES:
                cursor.execute(f"SELECT count(*) FROM (SELECT * FROM zuofeng_{table} OFFSET 0) AS all_rows")  # noqa: S608  # nosec B608
        else:
            cursor.execute("ANALYZE")
    take_in()


def _insert(cursor: Any, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write rows in the quickest way the database has."""
    names = ", ".join(f'"{name}"' for name in TABLES[table])
    if connection.vendor == "postgresql":
        with cursor.copy(f"COPY zuofeng_{table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    marks = ", ".join(["%s"] * len(TABLES[table]))
    cursor.executemany(f"INSERT INTO zuofeng_{table} ({names}) VALUES ({marks})", rows)  # noqa: S608  # nosec B608


class _Maker:
    """Makes up rows; the same ones for the same arguments, save for the dates."""

    def __init__(self, texts: Sequence[str], columns: Sequence[tuple[str, str]], documents: int, reviews: int) -> None:
        self._rng = random.Random(7)  # noqa: S311  made up, not secret
        self._sentences = [s for t in texts for s in _END.split(t.replace("\0", "")) if 8 <= len(s) <= 80]
        self._shapes = [_shape(self._rng, columns) for _ in range(400)]
        self._users = people(20)
        self._documents, self._reviews = documents, reviews
        now = dt.datetime.now(dt.UTC).replace(hour=18, minute=0, second=0, microsecond=0)
        self.runs = [_run(now - dt.timedelta(days=NIGHTS - n), n, documents // NIGHTS) for n in range(NIGHTS)]

    def rows(self, numbers: range) -> dict[str, list[tuple[Any, ...]]]:
        """Return the rows of these documents by table."""
        made: dict[str, list[tuple[Any, ...]]] = {table: [] for table in TABLES}
        for n in numbers:
            self._add(n, made)
        return made

    def _add(self, n: int, made: dict[str, list[tuple[Any, ...]]]) -> None:
        rng, run = self._rng, self.runs[(n - 1) * NIGHTS // self._documents]
        text = "".join(rng.choices(self._sentences, k=6)) + f"编号{n}。"
        title, key, digest = rng.choice(self._sentences)[:24], f"B{n:08d}", text_hash(text)
        unit, district = int(UNITS * rng.random() ** 2), int(DISTRICTS * rng.random() ** 2)
        day = run.started.isoformat(sep=" ")
        made["document"].append((
            n, key, text, digest, title, f"{run.started:%Y-%m-%d} 09:{n % 60:02d}", f"第{unit}单位",
            _CHANNELS[n % len(_CHANNELS)], f"第{district}区", f"made-up:{n}", False, day, run.pk,
        ))  # fmt: skip
        problem = n <= self._reviews or rng.randrange(100) < _OPEN
        shape = rng.choice(self._shapes) if problem else _NOTHING
        made["prediction"].append((
            n, n, MODEL, "made up", "made up", "0" * 64, "", digest, problem, round(rng.random(), 6), False,
            shape.decided, shape.scores, _evidence(rng, shape, text), run.pk,
        ))  # fmt: skip
        state, points = State.OPEN if problem else State.AUTO, rng.randrange(20, 90)
        if n <= self._reviews:
            lot = rng.randrange(100)
            state = State.SECOND if lot < _SECOND else State.DISPUTED if lot < _SECOND + _DISPUTED else State.DONE
            self._decide(n, key, digest, shape, day, made)
        made["case"].append((
            n, state.value, points - run.started.toordinal(), rng.randrange(200), json.dumps([["问题分", points]]), n,
            run.pk, run.serial, digest, False, False,
        ))  # fmt: skip
        made["case_label"] += [(n, label, state == State.DONE) for label in shape.labels]
        made["signature"].append((n, digest, ALGORITHM, rng.randbytes(_SIGNATURE)))

    def _decide(
        self, n: int, key: str, digest: str, shape: _Shape, day: str, made: dict[str, list[tuple[Any, ...]]]
    ) -> None:
        """One decision and two entries of the trail, without a true seal: this store is for measuring only."""
        user, gesture = self._users[n % len(self._users)], f"{n:032x}"
        made["decision"].append((
            n, user.pk, day, Kind.CONFIRM.value, Turn.FIRST.value, shape.chosen, "", digest, MODEL,
            self._rng.randrange(5, 120), gesture,
        ))  # fmt: skip
        for number, action in ((2 * n - 1, "document.see"), (2 * n, "review.confirm")):
            made["audit"].append((number, day, gesture, user.username, action, key, "", "{}", "0" * 64))


def _run(started: dt.datetime, n: int, read: int) -> Run:
    return Run(
        id=f"{started:%Y%m%dT%H%M%S}-{n:06x}", serial=n + 1, source="made up", model=MODEL, started=started,
        finished=started + dt.timedelta(hours=1), state="done", counts={"read": read, "new": read},
    )  # fmt: skip


def _shape(rng: random.Random, columns: Sequence[tuple[str, str]]) -> _Shape:
    scores: dict[str, dict[str, float]] = {}
    for scheme, label in columns:
        scores.setdefault(scheme, {})[label] = round(rng.random() * 0.4, 6)
    # Few labels are frequent, many are rare.
    labels = {columns[int(len(columns) * rng.random() ** 2)] for _ in range(rng.randint(1, 3))}
    for scheme, label in labels:
        scores[scheme][label] = round(0.5 + rng.random() / 2, 6)
    decided = {
        scheme: [{"id": i, "score": v} for i, v in of.items() if (scheme, i) in labels] for scheme, of in scores.items()
    }
    chosen = {scheme: [d["id"] for d in some] for scheme, some in decided.items()}
    return _Shape(json.dumps(decided), json.dumps(scores), json.dumps(chosen), tuple(label for _, label in labels))


def _evidence(rng: random.Random, shape: _Shape, text: str) -> str:
    found = []
    for label in shape.labels * 2:
        at = rng.randrange(len(text) - 8)
        found.append({"label": label, "start": at, "end": at + 8, "quote": text[at : at + 8], "weight": 0.5})
    return json.dumps(found, ensure_ascii=False)
