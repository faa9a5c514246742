"""The live model for the interface: in a process of its own, replaced when another model goes live."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from django.conf import settings

from pipeline.batch.child import Bounds
from pipeline.batch.worker import BrokenScoringError, Worker
from pipeline.documents import Document, Prediction, Rejected
from pipeline.errors import UnfinishedError
from pipeline.model.registry import champion_id, find_model
from pipeline.model.score import Scorer
from pipeline.settings import Settings, load_settings
from pipeline.taxonomy import load_taxonomy
from pipeline.text.segment import dictionary_hash, load_dictionary

__all__ = ["LIVE", "LiveModel"]


class LiveModel:
    """Scores with whatever model is live at that moment, one request after the other."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._open: tuple[tuple[Path, str | None, Path | None], Worker[Prediction]] | None = None

    def score(self, documents: Sequence[Document]) -> list[Prediction | Rejected]:
        """Score ``documents`` in order; raises BundleError without a usable model, UnfinishedError when none starts."""
        with self._turn:
            try:
                return self._worker().score(documents)
            except BrokenScoringError as e:
                raise UnfinishedError("ZF-WORKER", "打分进程答不上来", "稍后再试；再出现时请运维员查看。") from e

    def close(self) -> None:
        """End the process; the next request starts another."""
        with self._turn:
            self._end()

    def _worker(self) -> Worker[Prediction]:
        home = load_settings(Path(settings.ZUOFENG_HOME))
        wanted = home.path("models"), champion_id(home.path("models")), home.encoder_folder
        if self._open is not None and self._open[0] != wanted:
            self._end()
        if self._open is None:
            self._open = wanted, _start(home)
        return self._open[1]

    def _end(self) -> None:
        if self._open is not None:
            self._open[1].__exit__(None, None, None)
            self._open = None


def _start(home: Settings) -> Worker[Prediction]:
    words = load_dictionary(home.dictionary_file)
    taxonomy = load_taxonomy(home.taxonomy_file)
    bundle = find_model(home.path("models"), None, taxonomy=taxonomy, dictionary=dictionary_hash(words))
    make = partial(Scorer, bundle, words, encoder=home.encoder_folder)
    return Worker(make, Bounds(home.document_seconds, home.document_memory_mb << 20))


#: The one of this process.
LIVE = LiveModel()
