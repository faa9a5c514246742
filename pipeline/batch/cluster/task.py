"""What is done on a worker: see whether it fits, read what it is told to, score, answer with arrays.

Nothing is raised: an answer says what went wrong, whatever the two ends know of each other's exceptions.
"""

from __future__ import annotations

import functools
import hashlib
import json
import multiprocessing
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipeline.batch.child import Bounds
from pipeline.batch.cluster.parcel import Answer, Parcel, pack
from pipeline.batch.worker import BrokenScoringError, Origin, Worker
from pipeline.documents import Document, Prediction, text_hash
from pipeline.errors import ZuofengError
from pipeline.model.bundle import Bundle
from pipeline.model.encoder import encoder_of
from pipeline.model.registry import find_model
from pipeline.model.runs import program
from pipeline.model.score import Scorer
from pipeline.settings import load_settings
from pipeline.taxonomy import load_taxonomy
from pipeline.text.segment import dictionary_hash, load_dictionary

__all__ = ["DIGEST", "Fault", "Fit", "digests_of", "examine", "score"]

#: Worked out when this is loaded: files that were replaced since are not what runs.
PROGRAM = program()
#: Bytes of a text's hash that tell it from others.
DIGEST = 16


@dataclass(frozen=True, slots=True)
class Fit:
    """What a worker has to be like: the model's id, a hash of all it was made from, the dictionary, the program."""

    model: str
    manifest: str
    dictionary: str
    program: str

    @classmethod
    def of(cls, bundle: Bundle) -> Fit:
        """Return what scores as ``bundle`` does in this program."""
        manifest = json.dumps(bundle.manifest, sort_keys=True).encode()
        return cls(bundle.id, hashlib.sha256(manifest).hexdigest(), str(bundle.manifest["dictionary"]), PROGRAM)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no answer: a code, a Chinese sentence, and what to do; ``broken`` when another try may do."""

    code: str
    message: str
    hint: str = ""
    broken: bool = False


def digests_of(documents: Sequence[Document]) -> bytes:
    """Return the hashes of the texts, one behind the other."""
    return b"".join(bytes.fromhex(d.text_hash)[:DIGEST] for d in documents)


def examine(fit: Fit) -> Fault | None:
    """Return why this worker must not take part; None when it may."""
    if multiprocessing.current_process().daemon:
        hint = "启动时加 --no-nanny，由 systemd 或 Kubernetes 重启它。"
        return Fault("ZF-CLUSTER-NANNY", "dask 的看护进程不许 worker 另起打分进程", hint)
    if fit.program != PROGRAM:
        what = f"程序是 {PROGRAM}，这一夜是 {fit.program}"
        return Fault("ZF-CLUSTER-PROGRAM", what, "各台机器装同一版本，重启 worker。")
    return _misfit(fit)


def score(
    fit: Fit, bounds: Bounds, origin: Origin | None, digests: bytes, texts: Sequence[str] = ()
) -> tuple[Parcel, int] | Fault:
    """Score ``texts``, or those at ``origin`` that have ``digests``; return arrays and how many were not there."""
    if (fault := examine(fit)) is not None:
        return fault
    wanted: list[str | None] = [*texts]
    if origin is not None:
        there = _read(origin)
        wanted = [there.get(digests[at : at + DIGEST]) for at in range(0, len(digests), DIGEST)]
    have = [Document(str(i), t) for i, t in enumerate(wanted) if t is not None]
    answers: list[Answer] = [None] * len(wanted)
    worker = _worker(fit, bounds)
    try:
        for d, answer in zip(have, worker.score(have), strict=True):
            answers[int(d.id)] = answer
    except BrokenScoringError as e:
        return Fault("", str(e), broken=True)
    except ZuofengError as e:
        return Fault(e.code, e.message, e.hint, broken=True)
    return pack(answers, _loaded(fit)[0].taxonomy), len(wanted) - len(have)


def _read(origin: Origin) -> dict[bytes, str]:
    """Return the texts at ``origin`` by their hashes; none where they are not to be had, which costs a message."""
    try:
        texts = [r.text for r in origin.read() if isinstance(r, Document)]
    except Exception:  # noqa: BLE001  a folder that is not shared, a database without a way or a password …
        return {}
    return {bytes.fromhex(text_hash(t))[:DIGEST]: t for t in texts}


@functools.lru_cache(1)
def _loaded(fit: Fit) -> tuple[Bundle, dict[str, int], Path | None]:
    settings = load_settings()
    words = load_dictionary(settings.dictionary_file)
    taxonomy = load_taxonomy(settings.taxonomy_file)
    bundle = find_model(settings.path("models"), fit.model, taxonomy=taxonomy, dictionary=dictionary_hash(words))
    encoder_of(bundle.manifest, settings.encoder_folder)
    return bundle, dict(words), settings.encoder_folder


def _misfit(fit: Fit) -> Fault | None:
    try:
        have = Fit.of(_loaded(fit)[0])
    except ZuofengError as e:
        if e.code.startswith("ZF-ENCODER-"):
            return Fault("ZF-CLUSTER-ENCODER", f"{e.code} {e.message}", e.hint)
        code = "ZF-CLUSTER-DICTIONARY" if e.code.startswith(("ZF-MODEL-DICTIONARY", "ZF-DICT")) else "ZF-CLUSTER-MODEL"
        return Fault(code, f"{e.code} {e.message}", _SAME)
    if have.dictionary != fit.dictionary:
        return Fault("ZF-CLUSTER-DICTIONARY", "词典与这一夜的不同", _SAME)
    if have != fit:
        return Fault("ZF-CLUSTER-MODEL", f"模型 {fit.model} 的内容与这一夜的不同", _SAME)
    return None


_SAME = "把 models 与 corpora 原样拷到每台机器（或共用一个目录），之后重跑。"
#: A process of its own per thread of the worker, as the night has one on one machine.
_OWN = threading.local()


def _worker(fit: Fit, bounds: Bounds) -> Worker[Prediction]:
    if getattr(_OWN, "of", None) != (fit, bounds):
        if (before := getattr(_OWN, "worker", None)) is not None:
            before.close()
        bundle, words, encoder = _loaded(fit)
        _OWN.worker, _OWN.of = Worker(partial(Scorer, bundle, words, encoder=encoder), bounds), (fit, bounds)
    worker: Worker[Prediction] = _OWN.worker
    return worker
