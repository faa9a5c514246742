"""How well two people agree who labelled the same texts without seeing each other's labels."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.corpus.gold import labels_matrix
from pipeline.corpus.lines import json_lines
from pipeline.errors import CorpusError
from pipeline.ndarrays import Bools
from pipeline.taxonomy import Taxonomy

__all__ = ["Agreement", "agreement", "kappa", "mean_f1", "mean_kappa", "pair_labels", "pair_records", "read_pairs"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of one label: texts that either person gave it, Cohen's kappa, and F1 of one against the other."""

    scheme: str
    label: str
    first: int
    second: int
    both: int
    kappa: float
    f1: float

    @property
    def said(self) -> str:
        """Kappa as people read it, a dash where it is not a number."""
        return "–" if math.isnan(self.kappa) else f"{self.kappa:.2f}"


def pair_records(path: Path, taxonomy: Taxonomy) -> list[Mapping[str, Any]]:
    """Read ``{"id", "first": labels, "second": labels}`` lines, each labels by scheme; raises CorpusError."""
    wrong: list[str] = []
    records = []
    for where, record in json_lines(path, wrong, "ZF-SECOND-READ", "第二人标注"):
        if not isinstance(record, Mapping):
            wrong.append(f"{where} -> 应为 JSON 对象")
            continue
        for who in ("first", "second"):
            wrong += [f"{where} {who} -> {m}" for m in taxonomy.check_labels(record.get(who))]
        records.append(record)
    if wrong:
        raise CorpusError("ZF-SECOND-INVALID", f"第二人标注有 {len(wrong)} 处错误", "逐条改正。", wrong)
    if not records:
        raise CorpusError("ZF-SECOND-EMPTY", f"{path} 里没有一条标注", "每行写一条：编号、第一人和第二人各自的标签。")
    return records


def read_pairs(path: Path, taxonomy: Taxonomy) -> tuple[Bools, Bools]:
    """Return `pair_labels` of `pair_records`."""
    return pair_labels(pair_records(path, taxonomy), taxonomy)


def pair_labels(records: Sequence[Mapping[str, Any]], taxonomy: Taxonomy) -> tuple[Bools, Bools]:
    """Return the labels each of the two gave as matrices (texts, taxonomy columns)."""
    first, second = (labels_matrix([r[who] for r in records], taxonomy) for who in ("first", "second"))
    return first, second


def agreement(first: Bools, second: Bools, taxonomy: Taxonomy) -> list[Agreement]:
    """Return the agreement on each label of matrices (texts, taxonomy columns)."""
    found = []
    for j, (scheme, label) in enumerate(taxonomy.columns):
        a, b = first[:, j], second[:, j]
        both = int((a & b).sum())
        f1 = 2 * both / max(int(a.sum() + b.sum()), 1)
        found.append(Agreement(scheme, label, int(a.sum()), int(b.sum()), both, kappa(a, b), f1))
    return found


def kappa(first: Bools, second: Bools) -> float:
    """Return Cohen's kappa of two binary judgements (Cohen 1960); not a number where both only ever say one thing."""
    observed = float((first == second).mean())
    yes, also = float(first.mean()), float(second.mean())
    chance = yes * also + (1 - yes) * (1 - also)
    return (observed - chance) / (1 - chance) if chance < 1 else float("nan")


def mean_kappa(found: Sequence[Agreement], scheme: str) -> float:
    """Return the mean kappa over a scheme's labels that anybody gave; not a number where nobody gave one."""
    return _mean([a.kappa for a in found if a.scheme == scheme and not math.isnan(a.kappa)])


def mean_f1(found: Sequence[Agreement], scheme: str) -> float:
    """Return the mean F1 of one against the other over a scheme's labels that anybody gave; as `mean_kappa`."""
    return _mean([a.f1 for a in found if a.scheme == scheme and a.first + a.second])


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values) if values else math.nan
