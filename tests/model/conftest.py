"""Variants of the small model, and texts none of them has seen."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.model.bundle import Head, save_changed


@pytest.fixture(scope="session")
def unseen(gold, some_gold):
    """Six hundred texts of situations the small model does not know."""
    known = {g.group for g in some_gold}
    return [g for g in gold if g.group not in known and g.positive][::14][:450] + [
        g for g in gold if g.group not in known and not g.positive
    ][::30][:150]


@pytest.fixture(scope="session")
def variant(bundle) -> Callable[..., Path]:
    """Write the small model with other heads, and other remarks in its manifest, below a folder."""

    def make(folder: Path, change: Callable[[str, Head], Head], **about) -> Path:
        names = [label for _, label in bundle.taxonomy.columns] + ["problem"]
        heads = tuple(change(n, h) for n, h in zip(names, bundle.heads, strict=True))
        return save_changed(dataclasses.replace(bundle, heads=heads), folder, **about)

    return make


@pytest.fixture
def models(trained, tmp_path) -> Path:
    """A folder with the small model, not live."""
    shutil.copytree(trained, tmp_path / "models" / trained.name)
    return tmp_path / "models"


@pytest.fixture(scope="session")
def raised() -> Callable[..., Callable[[str, Head], Head]]:
    """Return a change that sets the threshold of one label, given by a function of the old one."""

    def make(label: str, to: Callable[[float], float]):
        return lambda name, h: dataclasses.replace(h, threshold=to(h.threshold)) if name == label else h

    return make
