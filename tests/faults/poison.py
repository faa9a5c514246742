"""A scorer that some texts can bring down, for the process that scores."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.documents import Document, Prediction
from pipeline.model.bundle import load_bundle
from pipeline.model.score import Scorer
from pipeline.text.segment import load_dictionary

# Nobody writes these: texts of the corpus are scored too.
TIME, MEMORY, CRASH, ERROR = "⟦死循环⟧", "⟦吃内存⟧", "⟦崩溃⟧", "⟦出错⟧"
HOARD: list[bytearray] = []


@dataclass(frozen=True)
class Fragile:
    """Builds the scorer in the child; ``broken`` fails on every text."""

    model: Path
    dictionary: Path
    broken: bool = False

    def __call__(self) -> Fragile:
        object.__setattr__(self, "scorer", Scorer(load_bundle(self.model), load_dictionary(self.dictionary)))
        return self

    def score(self, documents: Sequence[Document]) -> list[Prediction]:
        for d in documents:
            if self.broken or ERROR in d.text:
                raise ValueError(d.text)
            while TIME in d.text:
                pass
            if MEMORY in d.text:
                HOARD.append(bytearray(1 << 40))
            if CRASH in d.text:
                os.abort()
        return self.scorer.score(documents)  # type: ignore[attr-defined]
