"""Bad days: a night's source, stores to break, a process that forks nights, and the table at the end."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from faults.dump import Rows, doubled, dump, engine, missing
from faults.remembered import Remembered

from pipeline.batch.nightly import nightly
from pipeline.batch.patience import Patience
from pipeline.batch.sources import ColumnMap, Limits
from pipeline.corpus.gold import Gold
from pipeline.model.score import Scorer

SEED = 20191118
CHUNK = 10
#: Waits for long enough, and looks again at once.
QUICK = Patience(60, longest_pause=0.02)
_counter = itertools.count()


@dataclass
class Store:
    """A store to break, and how to make another with the same content."""

    kind: str
    url: str
    copy: Callable[[], Store]
    drop: Callable[[], None]


class Postgres:
    """Databases of one server by name."""

    def __init__(self, base: str) -> None:
        self.base = base

    def url(self, name: str) -> str:
        head, _, query = self.base.partition("?")
        return f"{head.rsplit('/', 1)[0]}/{name}?{query}"

    def run(self, statement: str) -> None:
        with engine(self.base).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text(statement))

    def make(self, template: str = "template1", more: str = "") -> Store:
        name = f"f{os.getpid()}_{next(_counter)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} {more}")
        return Store(
            "PostgreSQL", self.url(name), lambda: self.make(name), lambda: self.run(f"DROP DATABASE {name} (FORCE)")
        )


@pytest.fixture(scope="session")
def server(postgres: str) -> Postgres:
    return Postgres(postgres)


@pytest.fixture(params=["sqlite", "postgres"])
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store of each kind without tables."""
    made: list[Store] = []

    def keep(store: Store) -> Store:
        made.append(store)
        return store

    def sqlite(template: Path | None = None) -> Store:
        path = tmp_path / f"store{next(_counter)}.sqlite3"
        if template is not None and template.exists():
            shutil.copy(template, path)
        return Store("SQLite", f"sqlite:///{path}", lambda: sqlite(path), lambda: path.unlink(missing_ok=True))

    yield keep(sqlite() if request.param == "sqlite" else request.getfixturevalue("server").make())
    close_django()
    for store in made:
        store.drop()


@pytest.fixture(scope="session")
def migrated() -> dict[str, Store]:
    """Stores with tables and nothing in them, by kind, to copy: a migration takes longer than the nights here."""
    return {}


@pytest.fixture
def fresh(bare: Store, migrated: dict[str, Store], forker: Forker) -> Iterator[Store]:
    """An empty store of each kind."""
    if bare.kind not in migrated:
        migrated[bare.kind] = bare.copy()
        assert forker.run(store=migrated[bare.kind].url, migrate=True) == 0
    store = migrated[bare.kind].copy()
    yield store
    close_django()
    store.drop()


def close_django() -> None:
    from django.conf import settings
    from django.db import connections

    if settings.configured:
        connections.close_all()


@dataclass(frozen=True)
class Sources:
    """What two nights read: the second file has new, changed, empty and repeated records beside the old ones."""

    first: Path
    second: Path
    texts: tuple[str, ...]


@pytest.fixture(scope="session")
def sources(some_gold: list[Gold], tmp_path_factory: pytest.TempPathFactory) -> Sources:
    folder = tmp_path_factory.mktemp("sources")
    old = [{"编号": g.id, "内容": g.text, "承办单位": "某局"} for g in some_gold[:130]]
    moved = [{**r, "承办单位": "某委"} for r in old[80:100]]
    changed = [{**r, "内容": r["内容"] + "至今没有答复。"} for r in old[:40]]
    new = [{"编号": g.id, "内容": g.text, "承办单位": "某局"} for g in some_gold[130:220]]
    bad = [{"编号": f"空{i}", "内容": " "} for i in range(5)]
    second = [*changed, *old[40:80], *moved, *bad, *old[100:], *new, new[0], {**new[1], "内容": new[2]["内容"]}]
    paths = folder / "first.jsonl", folder / "second.jsonl"
    for path, records in zip(paths, ([*old, *bad[:2]], second), strict=True):
        path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), encoding="utf-8")
    return Sources(*paths, tuple({r["内容"] for r in (*old, *second)}))


@pytest.fixture
def remembered(known: Remembered) -> Remembered:
    known.before, known.calls = lambda call: None, 0
    return known


@pytest.fixture(scope="session")
def known(scorer: Scorer, sources: Sources) -> Remembered:
    return Remembered(scorer, sources.texts)


class Forker:
    """Nights in processes that may be killed."""

    def __init__(self, model: Path, dictionary: Path, texts: Path) -> None:
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "faults.forker", str(model), str(dictionary), str(texts)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, bufsize=0,
        )  # fmt: skip
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().decode().strip()

    def start(self, **order: Any) -> int:
        """Start a night and return the number of its process."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        return int(self._line())

    def kill(self, child: int) -> None:
        """Kill the night ``child``; it may have ended since anybody looked."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)

    def ended_within(self, seconds: float) -> bool:
        """Wait for the night's end so long; return whether it came."""
        return bool(select.select([self._process.stdout], [], [], seconds)[0])

    def result(self) -> int:
        """Return the exit status of the night, negative for the signal that ended it."""
        return int(self._line())

    def run(self, **order: Any) -> int:
        self.start(**order)
        return self.result()

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()


@pytest.fixture(scope="session")
def forker(
    trained: Path, corpora: Path, sources: Sources, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Forker]:
    texts = tmp_path_factory.mktemp("texts") / "texts.json"
    texts.write_text(json.dumps(sources.texts), encoding="utf-8")
    made = Forker(trained, corpora / "dictionary.txt", texts)
    yield made
    made.close()


@pytest.fixture
def night(scorer, remembered, sources, tmp_path):
    def run(url, **options):
        try:
            return nightly(
                source=str(options.pop("source", sources.second)),
                scorer=options.pop("scorer", scorer),
                store=url,
                state=tmp_path / "state",
                columns=ColumnMap(),
                limits=Limits(),
                **{"chunk": CHUNK, "patience": QUICK, "scoring": remembered, **options},
            )
        finally:
            close_django()

    return run


@pytest.fixture(scope="session")
def undisturbed() -> dict[str, Rows]:
    """What `calm` found, by kind of store: it is always the same."""
    return {}


@pytest.fixture
def calm(night, fresh, undisturbed):
    """What an undisturbed night writes."""
    if fresh.kind not in undisturbed:
        store = fresh.copy()
        night(store.url)
        undisturbed[fresh.kind] = dump(store.url)
        store.drop()
    return undisturbed[fresh.kind]


def at_calls(remembered, numbers, action):
    """Do ``action`` at these calls of the scorer, counted from now."""
    remembered.calls = 0
    remembered.before = lambda call: action() if call in numbers else None


@dataclass
class Account:
    """What one fault did, for the table."""

    fault: str
    store: str
    injected: int = 0
    lost: int = 0
    doubled: int = 0
    runs: int = 0
    rounds: int = 0

    def compare(self, expected: Rows, url: str, *, runs: int | None = None, content: bool = False) -> None:
        found = dump(url, runs=runs, content=content)
        self.rounds += 1
        self.lost += missing(expected, found)
        self.doubled += doubled(expected, found)


@pytest.fixture
def account(record_property: Callable[[str, Any], None]) -> Iterator[Callable[[str, str], Account]]:
    """Accounts of a test; none may end with a row lost or doubled, or without a fault."""
    made: list[Account] = []

    def make(fault: str, store: str) -> Account:
        made.append(Account(fault, store))
        return made[-1]

    yield make
    for a in made:
        record_property("fault", vars(a))
    assert made
    for a in made:
        assert a.injected > 0
        assert a.rounds > 0
        assert (a.lost, a.doubled) == (0, 0), a


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    """Random moments, the same for the same test; ZUOFENG_TEST_SEED takes others."""
    return random.Random(f"{os.environ.get('ZUOFENG_TEST_SEED', SEED)} {request.node.name}")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table of faults."""
    # The teardown's report has the properties that the account fixture records; a failed one is in "error".
    reports = [
        r for reports in terminalreporter.stats.values() for r in reports if getattr(r, "when", "") == "teardown"
    ]
    rows = [v for r in reports for name, v in r.user_properties if name == "fault"]
    if not rows:
        return
    terminalreporter.write_sep("-", "faults")
    heads = ("fault", "store", "injected", "rows lost", "rows doubled", "runs needed")
    table = [heads] + [
        (r["fault"], r["store"], str(r["injected"]), str(r["lost"]), str(r["doubled"]),
         f"{r['runs'] / r['rounds']:.1f}" if r["rounds"] else "-")
        for r in sorted(rows, key=lambda r: (r["fault"], r["store"]))
    ]  # fmt: skip
    widths = [max(len(row[i]) for row in table) for i in range(len(heads))]
    for row in table:
        cells = [c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        terminalreporter.write_line("  ".join(cells))
