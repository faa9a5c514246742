"""Workers of a cluster on this machine, to see what another worker is worth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.batch.cluster.client import need_extra

__all__ = ["local_workers"]


@contextmanager
def local_workers(count: int, home: Path) -> Iterator[str]:
    """Run a scheduler and ``count`` workers of one thread on the loopback; yields the scheduler's address."""
    need_extra()
    import dask
    from distributed import LocalCluster

    # A worker starts a scoring process of its own, which Python forbids to daemons.
    with (
        dask.config.set({"distributed.worker.daemon": False}),
        LocalCluster(
            n_workers=count, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, memory_limit=0,
            env={"ZUOFENG_HOME": str(home)},
        ) as cluster,
    ):  # fmt: skip
        yield str(cluster.scheduler_address)
