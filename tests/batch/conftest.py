"""Runs on a store: nights, also from a caller's tables, and another model that says something else."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from callers import Caller
from django.db import OperationalError, transaction

from pipeline.batch.nightly import nightly
from pipeline.batch.sources import ColumnMap, Limits
from pipeline.desk.configure import open_store
from pipeline.model.score import Scorer
from pipeline.table_settings import TableSettings


@pytest.fixture
def night(scorer, store, tmp_path):
    open_store(store, bring_up=False)  # the tables' classes may be imported from now on

    def run(source, **options):
        return nightly(
            source=str(source),
            scorer=options.pop("scorer", scorer),
            store=store,
            state=tmp_path / "state",
            **{"columns": ColumnMap(), "limits": Limits(), "chunk": 7, **options},
        )

    return run


@pytest.fixture
def records(some_gold):
    return [{"id": g.id, "text": g.text} for g in some_gold[:40]]


@pytest.fixture
def other(scorer):
    """Another model, whose every score is lower."""
    made = Scorer.__new__(Scorer)
    made.__dict__.update(scorer.__dict__)
    made.bundle = dataclasses.replace(scorer.bundle, id="other-model")
    made._intercept = scorer._intercept - 1.0
    return made


@pytest.fixture
def caller(store, tmp_path):
    if store.startswith("sqlite"):
        (tmp_path / "caller.db").touch()
        url = f"sqlite:///{tmp_path / 'caller.db'}"
    else:
        url = store
    return Caller(url)


@pytest.fixture
def table_night(night):
    def run(source, *, write=True, tables=None, columns=None, **options):
        own = ColumnMap().preferring(columns or {})
        return night(source, columns=own, write_tables=write, tables=TableSettings(**(tables or {})), **options)

    return run


@pytest.fixture
def texts(some_gold):
    return [g.text for g in some_gold[:40]]


def dies(monkeypatch, scorer, after):
    """Have ``scorer`` fail at every lot behind the first ``after`` ones."""
    score, calls = scorer.score, []

    def fail(documents, **options):
        calls.append(1)
        return score(documents, **options) if len(calls) <= after else 1 / 0

    monkeypatch.setattr(scorer, "score", fail)


def loses_answers(monkeypatch, module, *lost):
    """Have transactions of ``module`` commit and, where ``lost`` says so, raise all the same."""
    losses = iter(lost)

    @contextmanager
    def atomic():
        with transaction.atomic():
            yield
        if next(losses, False):
            raise OperationalError("the answer was lost")

    monkeypatch.setattr(module, "transaction", SimpleNamespace(atomic=atomic))


def listed(path):
    """Return the rows of a .csv by the names of their columns."""
    with Path(path).open(encoding="utf-8-sig", newline="") as f:
        return list(csv.DictReader(f))


def age(days, keys=None):
    """Make documents as old as that, and the runs that brought them."""
    from pipeline.desk.models import Document, Run

    then = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    rows = Document.objects.all() if keys is None else Document.objects.filter(key__in=list(keys))
    rows.update(stored=then)
    if keys is None:
        Run.objects.update(started=then)


def files_below(folder: Path) -> bytes:
    return b"".join(p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file())
