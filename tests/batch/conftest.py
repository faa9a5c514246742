"""Nights from a caller's tables."""

import pytest
from callers import Caller

from pipeline.batch.nightly import nightly
from pipeline.batch.sources import ColumnMap, Limits
from pipeline.table_settings import TableSettings


@pytest.fixture
def caller(store, tmp_path):
    if store.startswith("sqlite"):
        (tmp_path / "caller.db").touch()
        url = f"sqlite:///{tmp_path / 'caller.db'}"
    else:
        url = store
    return Caller(url)


@pytest.fixture
def table_night(scorer, store, tmp_path):
    def run(source, *, write=True, tables=None, columns=None, **options):
        return nightly(
            source=str(source),
            scorer=options.pop("scorer", scorer),
            store=store,
            state=tmp_path / "state",
            columns=ColumnMap().preferring(columns or {}),
            limits=Limits(),
            write_tables=write,
            tables=TableSettings(**(tables or {})),
            **{"chunk": 7, **options},
        )

    return run


@pytest.fixture
def texts(some_gold):
    return [g.text for g in some_gold[:40]]
