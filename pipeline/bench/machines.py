"""Workers of a cluster on this machine, to see what another worker is worth."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from pipeline.batch.child import Bounds
from pipeline.batch.cluster.client import need_extra, open_cluster
from pipeline.batch.files import FileFeed
from pipeline.batch.report import RunReport
from pipeline.batch.sources import ColumnMap, Limits
from pipeline.batch.worker import Origin
from pipeline.documents import Document
from pipeline.model.bundle import Bundle

__all__ = ["local_workers", "scoring_rate"]


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


def scoring_rate(source: Path, address: str, bundle: Bundle, *, chunk: int) -> float:
    """Return how many documents of the file ``source`` a second come back scored when nothing is compared or written.

    Everything is scored twice and the second time counts: loading a model and its compiled code is no throughput.
    """
    feed = FileFeed(source, ColumnMap(), Limits(), RunReport(model=bundle.id))
    records = feed.read(None)
    lots: list[tuple[Origin | None, list[Document]]] = []
    start = 0
    while some := list(itertools.islice(records, chunk)):
        lots.append((feed.origin(start, None, len(some)), [r for r in some if isinstance(r, Document)]))
        start += len(some)
    seconds = 0.0
    with open_cluster(address, bundle, Bounds(), seconds=60) as cluster, ThreadPoolExecutor(cluster.lanes) as pool:
        for _ in range(2):
            began = time.monotonic()
            list(pool.map(lambda lot: cluster.score(lot[1]) if lot[0] is None else cluster.score_from(*lot), lots))
            seconds = time.monotonic() - began
    return sum(len(documents) for _, documents in lots) / seconds
