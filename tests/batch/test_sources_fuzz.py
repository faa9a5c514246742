"""Whatever the bytes, each reader ends with records or a SourceError; `zuofeng bench fuzz` damages sound files."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.batch.sources import SUFFIXES, open_source
from pipeline.bench.fuzz import mutant
from pipeline.bench.fuzz.run import check_record
from pipeline.errors import SourceError

#: Tables as text also come by other names than the one they are damaged by.
DATA = st.one_of(st.binary(max_size=300), st.integers(0, 10_000).map(lambda number: mutant("csv", number)["a.csv"]))


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(data=DATA)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arbitrary_bytes(tmp_path: Path, suffix: str, data: bytes) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data)
    with contextlib.suppress(SourceError):
        for item in open_source(path):
            check_record(item)
