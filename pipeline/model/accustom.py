"""At home in an office without a label: how strange its wording is to the corpus is read from its own archive.

How strange one text reads is a matter of its topic as much as of its writer. What all texts of an office have in common
is that other people wrote them: a model that takes them all for as strange as the middle one puts them in better order,
and misses less.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.errors import CorpusError
from pipeline.model.bundle import save_changed
from pipeline.model.score import Scorer

__all__ = ["FEWEST", "accustom", "distinct", "on_corpus"]

#: Fewer texts say too little of what is usual.
FEWEST = 50


def accustom(scorer: Scorer, texts: Sequence[str], out: Path) -> tuple[Path, float]:
    """Write a bundle to which all wording is as strange as that of the middle one of ``texts``; return its path and how
    strange that is, 0 to 1.

    Nobody need have labelled them; repeated ones count once. What was set so before is set anew. Raises CorpusError for
    fewer than FEWEST, and for a model to which it makes no difference: one that allows nothing for strange wording, or
    that was adapted to reviews.
    """
    bundle = scorer.bundle
    wording = bundle.wording
    if bundle.home not in ("abroad", "accustomed"):
        raise CorpusError(
            "ZF-ADAPT-WORDING",
            f"模型 {bundle.id} " + ("已按本单位的复核重设过" if bundle.home else "不给陌生的说法加分"),
            "换一个没有重设过、没有许诺的模型：--model 编号。",
        )
    texts = distinct(texts)
    everyone = replace(wording, allowed=(1.0,) * len(wording.allowed), level=None)
    strange = scorer.reading_as(replace(bundle, wording=everyone)).strangeness(texts)
    level = round(float(np.median(strange)), 4)
    digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()
    origin = bundle.manifest.get("accustomed", {}).get("from", bundle.id)
    home = {"from": origin, "documents": len(texts), "sha256": digest}
    path = save_changed(replace(bundle, wording=replace(wording, level=level)), out, accustomed=home)
    return path, level


def distinct(texts: Sequence[str]) -> list[str]:
    """Return ``texts`` without repeats, sorted; raises CorpusError where they say too little."""
    found = sorted({t for t in texts if t.strip()})
    if len(found) < FEWEST:
        raise CorpusError("ZF-ADAPT-FEW", f"只有 {len(found)} 条不同的来文", f"至少给 {FEWEST} 条；几千条更稳。")
    return found


def on_corpus(scorer: Scorer) -> Scorer:
    """Return one that reads the corpus's own texts, which come from no office: each is as strange as it is.

    One adapted to reviews reads them as it does any: its weights were learned with all wording taken for strange.
    """
    bundle = scorer.bundle
    if bundle.home != "accustomed":
        return scorer
    return scorer.reading_as(replace(bundle, wording=replace(bundle.wording, level=None)))
