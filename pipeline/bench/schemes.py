"""Any scheme: a public set trained and measured by the commands an analyst has, beside the usual pipeline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.bench.peers import peer_decisions
from pipeline.bench.sets import PublicSet, write_home
from pipeline.corpus.gold import label_matrix, read_gold
from pipeline.model.evaluate import measure
from pipeline.model.runs import read_runs
from pipeline.taxonomy import load_taxonomy

__all__ = ["Figures", "Measured", "measure_set"]


@dataclass(frozen=True, slots=True)
class Figures:
    """Macro-F1 over the labels that occur in the test texts, micro-F1 with its 95 % interval."""

    macro: float
    micro: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Measured:
    """One set: texts to train and test on, its figures, the peer's, the settings training chose, its seconds."""

    name: str
    train: int
    test: int
    own: Figures
    peer: Figures
    settings: dict[str, Any]
    seconds: float


def measure_set(
    given: PublicSet, data: Path, home: Path, run: Callable[[Sequence[str]], int], *, minutes: float
) -> Measured:
    """Train and measure on ``given`` in the new ``home``; ``run`` runs a command and
    returns its exit code; errors pass."""
    write_home(given, data, home)
    search = ["--search", str(minutes)] if minutes else []
    run(["train", *search, "--home", str(home)])
    record = read_runs(home / "models")[-1]
    taxonomy = load_taxonomy(home / "corpora" / "taxonomy.toml")
    gold = read_gold([home / "corpora" / "gold" / "texts.jsonl"], taxonomy)
    train, test = ([g for g in gold if g.part == part] for part in ("train", "test"))
    called = peer_decisions(given.peer, train, test, taxonomy)
    return Measured(
        given.name,
        len(train),
        len(test),
        _figures(record["figures"]),
        _figures(measure(label_matrix(test, taxonomy), called, taxonomy, groups=[g.group for g in test])),
        record["settings"],
        record["seconds"],
    )


def _figures(found: dict[str, Any]) -> Figures:
    macro = np.mean([f["f1"][0] for f in found["labels"].values() if f["positives"]])
    value, low, high = found["schemes"]["main"]["micro_f1"]
    return Figures(float(macro), (value, low, high))
