"""Results in words, as they stand in a cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.taxonomy import Taxonomy

__all__ = ["NAMES", "column_names", "evidence_text", "label_names", "labels_text"]

#: What of a result there is beside labels, and what its columns are called.
NAMES = {
    "problem": "问题", "problem_score": "问题分", "evidence": "证据", "review": "复核", "model": "模型", "note": "说明",
}  # fmt: skip


def label_names(taxonomy: Taxonomy) -> dict[str, str]:
    """Return the name of each label by its id."""
    return {label: taxonomy.label(label).name for _, label in taxonomy.columns}


def column_names(names: Mapping[str, str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Return what the columns of these ids are called: by name, and by id too if the name is another's or ``taken``."""
    times = Counter([*names.values(), *taken])
    return {i: name if times[name] == 1 else f"{name}（{i}）" for i, name in names.items()}


def labels_text(decided: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> str:
    """Return decided labels by name, in their order."""
    return "；".join(names[d["id"]] for d in decided)


def evidence_text(evidence: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> str:
    """Return each quote behind the label it speaks for."""
    return "；".join(f"{names[e['label']]}：{e['quote']}" for e in evidence)
