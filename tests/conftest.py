"""Shared fixtures: the repository's own corpora, one small model, a home to run commands in, both stores."""

from __future__ import annotations

import gc
import gzip
import hashlib
import itertools
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

# Before numpy is imported: on two cores two tests at once, each with a BLAS on both, take twice as long.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import hypothesis
import pytest
from encoders import write_encoder
from forked import Forks

from pipeline.bench.postgres import temporary_server
from pipeline.corpus.gold import Gold, read_gold
from pipeline.model.bundle import Bundle, load_bundle
from pipeline.model.recipe import read_settings
from pipeline.model.registry import set_champion
from pipeline.model.score import Scorer
from pipeline.model.train import train
from pipeline.taxonomy import Taxonomy, load_taxonomy
from pipeline.text.concepts import Lexicon, load_lexicon
from pipeline.text.segment import load_dictionary

# The corpus in memory is no garbage: looking through it as often as Python does takes a good part of the time.
gc.set_threshold(200_000, 20, 100)

# A busy machine is no error.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

ROOT = Path(__file__).resolve().parents[1]
CORPORA = ROOT / "corpora"


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def corpora() -> Path:
    return CORPORA


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    return load_taxonomy(CORPORA / "taxonomy.toml")


@pytest.fixture
def restored_logs() -> Iterator[None]:
    """Loggers as they were, after a test that sets logs up."""
    before = [(x, x.handlers[:], x.propagate, x.level) for x in map(logging.getLogger, ("zuofeng", "django"))]
    yield
    for logger, handlers, propagate, level in before:
        logger.handlers[:], logger.propagate = handlers, propagate
        logger.setLevel(level)


@pytest.fixture(scope="session")
def words() -> dict[str, int]:
    return load_dictionary(CORPORA / "dictionary.txt")


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    return load_lexicon(CORPORA / "concepts.toml")


@pytest.fixture(scope="session")
def gold(taxonomy: Taxonomy) -> list[Gold]:
    return read_gold(sorted((CORPORA / "gold").glob("*.jsonl")), taxonomy)


@pytest.fixture(scope="session")
def draw(gold: list[Gold]) -> Callable[..., list[Gold]]:
    """Draws so many texts, mixed, the first few of all kinds too: nearly the same ones when the corpus grows."""

    def some(count: int, salt: str = "") -> list[Gold]:
        return sorted(gold, key=lambda g: hashlib.sha256(f"{salt}{g.id}".encode()).digest())[:count]

    return some


@pytest.fixture(scope="session")
def some_gold(draw: Callable[..., list[Gold]]) -> list[Gold]:
    """Some hundred texts: enough to learn from, quick to train on."""
    return draw(450)


@pytest.fixture(scope="session")
def strangers(gold: list[Gold], some_gold: list[Gold]) -> list[Gold]:
    """All texts of situations that ``some_gold`` knows nothing of."""
    known = {g.group for g in some_gold}
    return [g for g in gold if g.group not in known]


@pytest.fixture(scope="session")
def learn(
    some_gold: list[Gold],
    taxonomy: Taxonomy,
    words: dict[str, int],
    lexicon: Lexicon,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., Path]:
    """Train on these texts, or others, as the corpus is trained on, with other ``settings`` here and there."""

    def make(encoder: Path | None = None, gold: list[Gold] = some_gold, **settings: float | str) -> Path:
        return train(
            taxonomy=taxonomy,
            taxonomy_source=(CORPORA / "taxonomy.toml").read_bytes(),
            # Commands compare models on the test part of their home, which this one shall not be said to know.
            gold=[replace(g, part="") for g in gold],
            words=words,
            lexicon=lexicon,
            out=tmp_path_factory.mktemp("models"),
            settings=replace(read_settings(CORPORA / "training.toml"), **{"jobs": 1, **settings}),
            encoder=encoder,
        )

    return make


@pytest.fixture(scope="session")
def trained(learn: Callable[..., Path]) -> Path:
    return learn()


@pytest.fixture(scope="session")
def bundle(trained: Path) -> Bundle:
    return load_bundle(trained)


@pytest.fixture(scope="session")
def encoder(some_gold: list[Gold], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an encoder of eight dimensions that knows the characters of the small corpus."""
    return write_encoder(tmp_path_factory.mktemp("encoder"), "".join(g.text for g in some_gold))


@pytest.fixture(scope="session")
def dense_trained(learn: Callable[..., Path], encoder: Path) -> Path:
    """The small model with an encoder that has much to say."""
    return learn(encoder, encoder_weight=3.0)


@pytest.fixture(scope="session")
def dense_bundle(dense_trained: Path) -> Bundle:
    return load_bundle(dense_trained)


@pytest.fixture(scope="session")
def scorer(bundle: Bundle, words: dict[str, int]) -> Scorer:
    return Scorer(bundle, words)


@pytest.fixture(scope="session")
def some_lines(some_gold: list[Gold]) -> str:
    """The lines of ``some_gold`` as they stand in the corpus."""
    wanted = {g.id for g in some_gold}
    lines = [line for p in (CORPORA / "gold").glob("*.jsonl") for line in p.read_text(encoding="utf-8").splitlines()]
    # The id stands first in a line: it is found without reading all of it.
    found = [line for line in lines if line.split('"', 4)[3] in wanted]
    assert {json.loads(line)["id"] for line in found} == wanted
    return "".join(line + "\n" for line in found)


@pytest.fixture
def home(trained: Path, some_lines: str, sqlite_tables: Path, tmp_path: Path) -> Path:
    """A home with some of the corpus, a live model and a store with tables, for commands."""
    folder = tmp_path / "home"
    shutil.copytree(CORPORA, folder / "corpora", ignore=shutil.ignore_patterns("samples", "gold"))
    (folder / "corpora" / "gold").mkdir()
    (folder / "corpora" / "gold" / "some.jsonl").write_text(some_lines, encoding="utf-8")
    shutil.copytree(trained, folder / "models" / trained.name)
    set_champion(folder / "models", trained.name)
    (folder / "state").mkdir(mode=0o750)
    shutil.copy(sqlite_tables, folder / "state" / "zuofeng.sqlite3")
    return folder


@pytest.fixture(scope="session")
def forks(trained: Path) -> Iterator[Forks]:
    """What runs commands in processes of their own."""
    made = Forks(trained, CORPORA)
    yield made
    made.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a real PostgreSQL server's maintenance database, up to the database name."""
    with temporary_server(lasting=False) as server:
        yield server.get_uri()


_numbers = itertools.count()


def _create_database(base: str, template: str = "template1") -> str:
    """Create a database of the server at ``base`` like ``template`` (its URL or name) and return its URL."""
    import psycopg

    name = f"t{os.getpid()}_{next(_numbers)}"
    like = template.partition("?")[0].rsplit("/", 1)[-1]
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {like}")
    head, _, query = base.partition("?")
    return head.rsplit("/", 1)[0] + "/" + name + (f"?{query}" if query else "")


def _make_tables(url: str) -> str:
    from django.db import connections

    from pipeline.desk.configure import open_store

    open_store(url)
    connections.close_all()
    return url


@pytest.fixture(scope="session")
def sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with tables and nothing in them, to copy: making it takes longer than most nights here."""
    path = tmp_path_factory.mktemp("tables") / "store.sqlite3"
    _make_tables(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_tables(postgres: str) -> str:
    """The same in PostgreSQL, as a URL."""
    return _make_tables(_create_database(postgres))


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty store of each kind, as a URL."""
    from django.db import connections

    if request.param == "sqlite":
        path = tmp_path / "store.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_tables"), path)
        yield f"sqlite:///{path}"
    else:
        tables = request.getfixturevalue("postgres_tables")
        yield _create_database(request.getfixturevalue("postgres"), tables)
    connections.close_all()


@pytest.fixture(params=["sqlite", "postgres"])
def bare_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A store of each kind without tables, as a URL."""
    from django.db import connections

    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'bare.sqlite3'}"
    else:
        yield _create_database(request.getfixturevalue("postgres"))
    connections.close_all()


@pytest.fixture
def write_jsonl(tmp_path: Path):
    def write(name: str, records: list[dict]) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records).encode()
        path.write_bytes(gzip.compress(lines) if path.suffix == ".gz" else lines)
        return path

    return write
