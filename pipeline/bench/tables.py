"""A night from a PostgreSQL table into columns of the same table, beside the same rows from a file into a file."""

from __future__ import annotations

import csv
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from pipeline.batch.nightly import nightly
from pipeline.batch.report import RunReport
from pipeline.batch.sources import ColumnMap, Limits
from pipeline.batch.worker import Scoring
from pipeline.documents import Document
from pipeline.model.score import Scorer

__all__ = ["Night", "Spot", "TableBench", "measure_tables"]

TABLE = "工单"
_KEY, _TEXT, _UNIT = "工单编号", "来电内容", "承办单位"
_SCORE, _SCORES = "zuofeng_问题分", "zuofeng_分数"
_BATCH = 5000
#: Rows that are looked at one by one.
_SPOTS = 20


@dataclass(frozen=True)
class Night:
    """One way: what the night reports, its seconds, and how many rows carry a score afterwards."""

    name: str
    report: RunReport
    seconds: float
    scored_rows: int


@dataclass(frozen=True)
class Spot:
    """One row looked at: its score as written in the table, in the file, and as the scorer says."""

    key: int
    table: float
    file: float
    scorer: float
    all_equal: bool


@dataclass(frozen=True)
class TableBench:
    """All that was measured; ``rows`` and ``keys`` count the caller's table afterwards."""

    rows: int
    keys: int
    empty: int
    nights: tuple[Night, ...]
    spots: tuple[Spot, ...]


def measure_tables(
    texts: Sequence[str],
    *,
    rows: int,
    database: str,
    folder: Path,
    scorer: Scorer,
    scoring: Scoring,
    chunk: int,
    told: Callable[[str], None] = lambda step: None,
) -> TableBench:
    """Fill a table and a file with ``rows`` rows made of ``texts``, run the nights, count and compare.

    ``database`` is the URL of an empty PostgreSQL database; table and store both live in it. The file's night has
    an embedded store below ``folder``, which is what it has by default.
    """
    told("造数据")
    url = "postgresql+psycopg" + database[database.index("://") :]
    engine = sa.create_engine(url, poolclass=NullPool)
    file = folder / "in.csv"
    _fill(engine, file, texts, rows)
    common: dict[str, Any] = {
        "scorer": scorer, "scoring": scoring, "state": folder / "state", "limits": Limits(), "chunk": chunk,
        "columns": ColumnMap(),
    }  # fmt: skip
    # The first batch starts the process that scores; no way shall pay for it alone.
    scoring.score([Document("0", texts[0])])
    nights = []
    source = f"{url}{'&' if '?' in url else '?'}table={TABLE}"
    out = folder / "out.csv"
    files = {"source": str(file), "store": f"sqlite:///{folder / 'store.sqlite3'}", "write_back": out}
    tables = {"source": source, "store": database, "write_tables": True}
    ways: list[tuple[str, dict[str, Any], Callable[[], int]]] = [
        ("文件 → 文件", files, lambda: sum(bool(r[_SCORE]) for r in _read(out))),
        ("表 → 同表的列", tables, lambda: _scored(engine)),
        ("表，再跑一遍", tables, lambda: _scored(engine)),
    ]
    for name, options, count in ways:
        told(name)
        began = time.monotonic()
        report = nightly(**common, **options)
        nights.append(Night(name, report, time.monotonic() - began, count()))
    told("核对")
    with engine.connect() as connection:
        column = sa.table(TABLE, sa.column(_KEY)).c[_KEY]
        total, keys = connection.execute(sa.select(sa.func.count(), sa.func.count(column.distinct()))).one()
    empty = sum(not _text(texts, i) for i in range(rows))
    return TableBench(total, keys, empty, tuple(nights), _look(engine, out, texts, rows, scorer))


def _text(texts: Sequence[str], number: int) -> str:
    """Return the text of a row: one of the corpus, unlike its other uses; of every thousand one is missing."""
    return "" if number % 1000 == 999 else f"{texts[number % len(texts)]}（{number}）"


def _fill(engine: sa.Engine, file: Path, texts: Sequence[str], rows: int) -> None:
    table = sa.Table(
        TABLE, sa.MetaData(), sa.Column(_KEY, sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column(_TEXT, sa.Text), sa.Column(_UNIT, sa.Text),
    )  # fmt: skip
    with file.open("w", encoding="utf-8", newline="") as out, engine.begin() as connection:
        table.create(connection)
        writer = csv.writer(out)
        writer.writerow([_KEY, _TEXT, _UNIT])
        for start in range(0, rows, _BATCH):
            batch = [(i, _text(texts, i), f"第{i % 50}局") for i in range(start, min(rows, start + _BATCH))]
            writer.writerows(batch)
            connection.execute(table.insert(), [{_KEY: i, _TEXT: text or None, _UNIT: unit} for i, text, unit in batch])


def _scored(engine: sa.Engine) -> int:
    table = sa.table(TABLE, sa.column(_SCORE))
    with engine.connect() as connection:
        return int(connection.execute(sa.select(sa.func.count(table.c[_SCORE]))).scalar_one())


def _read(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as f:
        yield from csv.DictReader(f)


def _look(engine: sa.Engine, file: Path, texts: Sequence[str], rows: int, scorer: Scorer) -> tuple[Spot, ...]:
    dice = random.Random(rows)  # noqa: S311  which rows are looked at is no secret
    chosen = sorted(dice.sample([i for i in range(rows) if _text(texts, i)], min(_SPOTS, rows // 2)))
    table = sa.table(TABLE, sa.column(_KEY), sa.column(_SCORE), sa.column(_SCORES))
    with engine.connect() as connection:
        select = sa.select(table.c[_KEY], table.c[_SCORE], table.c[_SCORES]).where(table.c[_KEY].in_(chosen))
        written = {key: (score, json.loads(scores)) for key, score, scores in connection.execute(select)}
    beside = {int(r[_KEY]): float(r[_SCORE]) for r in _read(file) if r[_KEY].isdecimal() and int(r[_KEY]) in written}
    found = []
    for key, p in zip(chosen, scorer.score([Document(str(i), _text(texts, i)) for i in chosen]), strict=True):
        want = p.to_dict()
        score, scores = written[key]
        equal = (score, scores) == (want["problem_score"], want["scores"]) and beside[key] == round(score, 4)
        found.append(Spot(key, score, beside[key], want["problem_score"], equal))
    return tuple(found)
