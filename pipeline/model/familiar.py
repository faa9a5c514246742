"""Which texts a model was adapted to: how it does on those says nothing of how it does on others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.corpus.gold import Gold
from pipeline.corpus.identity import text_key
from pipeline.ndarrays import Bools

__all__ = ["familiar", "texts_of"]

#: Digits of a text's hash in the manifest: among millions of texts none is taken for another.
DIGITS = 16


def texts_of(reviewed: Sequence[Gold], manifest: Mapping[str, Any]) -> list[str]:
    """Return the marks of ``reviewed`` and of what the model of ``manifest`` was adapted to before, sorted."""
    return sorted({*map(_mark, reviewed), *_known(manifest)})


def familiar(reviewed: Sequence[Gold], manifest: Mapping[str, Any]) -> Bools:
    """Return which of ``reviewed`` the model of ``manifest`` was adapted to, (texts,); copies count, masked or not."""
    known = _known(manifest)
    return np.array([bool(known) and _mark(g) in known for g in reviewed], bool)


def _known(manifest: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(manifest.get("adapted", {}).get("texts", ()))


def _mark(g: Gold) -> str:
    return text_key(g.text)[:DIGITS]
