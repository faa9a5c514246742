"""The night's side: lots of texts to workers and back, with patience for what is away."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pipeline.batch.child import Bounds
from pipeline.batch.cluster.parcel import Parcel, unpack
from pipeline.batch.cluster.task import Fault, Fit, digests_of, examine, score
from pipeline.batch.worker import BrokenScoringError, Origin
from pipeline.documents import Document, Prediction, Rejected
from pipeline.errors import BundleError, ConfigError, UnfinishedError, ZuofengError
from pipeline.model.bundle import Bundle

__all__ = ["Cluster", "need_extra", "open_cluster"]

log = logging.getLogger("zuofeng.cluster")
#: Lots under way per thread of the workers: one is scored, one waits at its side.
DEEP = 2
#: Seconds between two looks whether anybody is still there.
LOOK = 2.0
#: A lot whose scheduler or result was lost so often is given up.
TRIES = 10


class Cluster:
    """Scores on the workers of a scheduler. Safe to call from several threads."""

    def __init__(self, address: str, bundle: Bundle, bounds: Bounds, seconds: float) -> None:
        self.stop = threading.Event()
        self.lanes = 1
        #: Texts that workers read for themselves, and those that were sent to them.
        self.read = self.sent = 0
        self._address, self._bundle, self._bounds, self._seconds = address, bundle, bounds, seconds
        self._fit = Fit.of(bundle)
        self._lock = threading.Lock()
        self._blind = False
        self._client: Any = None

    def open(self) -> None:
        """Connect, wait for a worker, and look at each; raises what `open_cluster` does."""
        self._client = self._connect()
        self._examine()
        self.lanes = max(DEEP * int(self._client.scheduler_info()["total_threads"]), DEEP)

    def close(self) -> None:
        """Let go of the scheduler."""
        if self._client is not None:
            self._client.close(timeout=5)

    def score(self, documents: Sequence[Document]) -> list[Prediction | Rejected]:
        """Score ``documents``, sending their texts."""
        return self._whole(self._ask(documents, None)[0])

    def score_from(self, origin: Origin, documents: Sequence[Document]) -> list[Prediction | Rejected]:
        """Score ``documents``; workers read them at ``origin``, and are sent those they do not find there."""
        if self._blind:
            return self.score(documents)
        answers, missing = self._ask(documents, origin)
        if missing:
            at = [i for i, a in enumerate(answers) if a is None]
            if missing == len(documents):
                self._blind = True
                log.warning("worker 读不到来源，改为把原文传给它们", extra={"fields": {"records": missing}})
            for i, answer in zip(at, self.score([documents[i] for i in at]), strict=True):
                answers[i] = answer
        return self._whole(answers)

    @staticmethod
    def _whole(answers: Sequence[Prediction | Rejected | None]) -> list[Prediction | Rejected]:
        return [a for a in answers if a is not None]

    def _ask(
        self, documents: Sequence[Document], origin: Origin | None
    ) -> tuple[list[Prediction | Rejected | None], int]:
        if origin is None:
            parcel, missing = self._run(None, b"", [d.text for d in documents])
        else:
            parcel, missing = self._run(origin, digests_of(documents), [])
        with self._lock:
            self.sent += len(documents) if origin is None else 0
            self.read += len(documents) - missing if origin is not None else 0
        return unpack(parcel, documents, self._bundle.taxonomy, self._bundle.id), missing

    def _run(self, origin: Origin | None, digests: bytes, texts: Sequence[str]) -> tuple[Parcel, int]:
        """Have one lot scored, again when the scheduler or a result was lost."""
        from distributed import KilledWorker

        for _ in range(TRIES):
            client = self._client
            try:
                future = client.submit(score, self._fit, self._bounds, origin, digests, texts, pure=False)
                answer = self._wait(future)
            except KilledWorker as e:
                raise BrokenScoringError("打这一批的几个 worker 接连退出") from e
            except ZuofengError:
                raise
            except Exception as e:  # noqa: BLE001  dask's own by the kind of loss: CancelledError, CommClosedError, RuntimeError …
                self._again(client, e)
                continue
            if isinstance(answer, Fault):
                raise _error(answer)
            return answer
        raise _away(f"{self._address} 接连断了 {TRIES} 次")

    def _wait(self, future: Any) -> tuple[Parcel, int] | Fault:
        """Return the result, however long it takes while there is a worker."""
        alone: float | None = None
        while True:
            try:
                answer: tuple[Parcel, int] | Fault = future.result(timeout=LOOK)
            except TimeoutError:
                if future.client.scheduler_info()["n_workers"]:
                    alone = None
                    continue
                alone = time.monotonic() if alone is None else alone
                if self.stop.is_set() or time.monotonic() - alone >= self._seconds:
                    raise _away(f"{self._address} 已没有 worker") from None
            else:
                return answer

    def _again(self, broken: Any, error: Exception) -> None:
        """Connect anew unless another thread has; raises UnfinishedError when the scheduler stays away."""
        log.warning("调度器的连接断了", extra={"fields": {"error": type(error).__name__}})
        with self._lock:
            if self._client is not broken:
                return
            broken.close(timeout=5)
            if self.stop.is_set():
                raise _away(f"收到停止信号时 {self._address} 连不上") from error
            self._client = self._connect()
            self._examine()

    def _connect(self) -> Any:
        from distributed import Client

        try:
            client = Client(self._address, timeout=self._seconds, set_as_default=False)
        except (OSError, ValueError) as e:
            raise _away(f"连不上 {self._address}，等了 {self._seconds:g} 秒") from e
        try:
            client.wait_for_workers(1, timeout=self._seconds)
        except TimeoutError as e:
            client.close(timeout=5)
            raise _away(f"{self._address} 没有 worker，等了 {self._seconds:g} 秒") from e
        return client

    def _examine(self) -> None:
        found: dict[str, Any] = self._client.run(examine, self._fit, on_error="return")
        faults = {
            worker: answer
            if isinstance(answer, Fault)
            else Fault("ZF-CLUSTER-PROGRAM", f"没有装这个程序：{type(answer).__name__}", "各台机器装同一版本。")
            for worker, answer in found.items()
            if answer is not None
        }
        if faults:
            raise _error(next(iter(faults.values())), *(f"{w} -> {f.code} {f.message}" for w, f in faults.items()))


def _error(fault: Fault, *details: str) -> Exception:
    if fault.broken:
        # Without a code it is a text's, with one the machine's.
        return (
            UnfinishedError(fault.code, fault.message, fault.hint) if fault.code else BrokenScoringError(fault.message)
        )
    return BundleError(fault.code, f"worker 与这一夜不配：{fault.message}", fault.hint, details)


def _away(what: str) -> UnfinishedError:
    return UnfinishedError("ZF-CLUSTER-DOWN", what, "检查调度器、worker 与网络，之后重跑即接着做；写下的有效。")


def need_extra() -> None:
    """Raise ConfigError when dask.distributed is not installed."""
    try:
        import distributed  # noqa: F401
    except ImportError as e:
        hint = "pip install 'zuofeng[cluster]'，之后重跑。"
        raise ConfigError("ZF-CLUSTER-EXTRA", "没有安装 dask.distributed", hint) from e


@contextmanager
def open_cluster(address: str, bundle: Bundle, bounds: Bounds, *, seconds: float) -> Iterator[Cluster]:
    """Yield what scores on the workers of the scheduler at ``address``, tcp:// or tls://.

    Raises ConfigError for a wrong address and without the extra, UnfinishedError ``ZF-CLUSTER-DOWN`` when scheduler
    or workers stay away for ``seconds``, BundleError when a worker has another program, model or dictionary.
    """
    if not address.startswith(("tcp://", "tls://")):
        raise ConfigError(
            "ZF-CLUSTER-ADDRESS", f"调度器的地址不对：{address}", "写成 tcp://主机:8786 或 tls://主机:8786。"
        )
    need_extra()
    cluster = Cluster(address, bundle, bounds, seconds)
    try:
        cluster.open()
        yield cluster
    finally:
        cluster.close()
        log.info("各台机器做的", extra={"fields": {"read": cluster.read, "sent": cluster.sent}})
