"""Which texts a model was trained on or adapted to: how it does on those says nothing of how it does on others.

What it was adapted to stands in its manifest; what it was trained on, which is much more, in a file beside the models,
named by the hash of the corpus.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.corpus.gold import Gold
from pipeline.corpus.identity import text_key, text_keys
from pipeline.ndarrays import Bools
from pipeline.whole import write_file

__all__ = ["familiar", "keep_texts", "remembered", "texts_of", "trained_on"]

#: Digits of a text's hash in the manifest: among millions of texts none is taken for another.
DIGITS = 16


def texts_of(reviewed: Sequence[Gold], manifest: Mapping[str, Any]) -> list[str]:
    """Return the marks of ``reviewed`` and of what the model of ``manifest`` was adapted to before, sorted."""
    return sorted({*map(_mark, reviewed), *_known(manifest)})


def familiar(reviewed: Sequence[Gold], manifest: Mapping[str, Any]) -> Bools:
    """Return which of ``reviewed`` the model of ``manifest`` was adapted to, (texts,); copies count, masked or not."""
    known = _known(manifest)
    return np.array([bool(known) and _mark(g) in known for g in reviewed], bool)


def remembered(folder: Path, gold: Sequence[Gold], manifest: Mapping[str, Any]) -> Bools:
    """Return which of ``gold`` the model of ``manifest`` in ``folder`` was trained on or adapted to, (texts,)."""
    return familiar(gold, manifest) | trained_on(folder, gold, manifest)


def keep_texts(folder: Path, gold: Sequence[Gold], manifest: Mapping[str, Any]) -> None:
    """Keep beside the models in ``folder`` the marks of ``gold``, on which that of ``manifest`` was trained."""
    path = _learned_path(folder, manifest)
    if not path.exists():
        marks = {key[:DIGITS] for key in text_keys([g.text for g in gold])}
        write_file(path, "".join(f"{mark}\n" for mark in sorted(marks)))


def trained_on(folder: Path, gold: Sequence[Gold], *models: Mapping[str, Any]) -> Bools:
    """Return on which of ``gold``, their copies or others of their groups, one of ``models`` (manifests) in ``folder``
    was trained, (texts,).

    Of a model that was trained elsewhere, or before this was kept, nothing is known.
    """
    kept = [p for p in (_learned_path(folder, m) for m in models) if p.exists()]
    if not kept:
        return np.zeros(len(gold), bool)
    marks = {mark for p in kept for mark in p.read_text(encoding="utf-8").split()}
    group = np.array([g.group for g in gold])
    return np.isin(group, group[np.array([_mark(g) in marks for g in gold], bool)])


def _learned_path(folder: Path, manifest: Mapping[str, Any]) -> Path:
    return folder / "learned" / f"{manifest['corpus']['sha256']}.txt"


def _known(manifest: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(manifest.get("adapted", {}).get("texts", ()))


def _mark(g: Gold) -> str:
    return text_key(g.text)[:DIGITS]
