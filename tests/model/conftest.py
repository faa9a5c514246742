"""Variants of the small model, and texts none of them has seen."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.model.adapt import Expectation, adapt
from pipeline.model.bundle import Head, load_bundle, save_changed
from pipeline.model.files import as_json
from pipeline.model.score import Scorer


@pytest.fixture(scope="session")
def unseen(strangers):
    """Six hundred texts of situations the small model does not know."""
    positive, innocent = ([g for g in strangers if g.positive is has] for has in (True, False))
    return positive[::14][:450] + innocent[::30][:150]


@pytest.fixture(scope="session")
def reviewed(strangers):
    """Three hundred such texts as an office would have reviewed them."""
    return strangers[::30][:300]


@pytest.fixture(scope="session")
def adapted(scorer, reviewed, tmp_path_factory) -> tuple[Path, Expectation]:
    """The small model at home among them, and what was to be expected of it."""
    return adapt(scorer, reviewed, tmp_path_factory.mktemp("adapted"))


@pytest.fixture(scope="session")
def half(scorer, reviewed, tmp_path_factory) -> tuple[Scorer, Expectation]:
    """The same after half of them, ready to score."""
    path, expected = adapt(scorer, reviewed[:150], tmp_path_factory.mktemp("half"))
    return scorer.reading_as(load_bundle(path)), expected


@pytest.fixture(scope="session")
def variant(bundle) -> Callable[..., Path]:
    """Write the small model with other heads, and other remarks in its manifest, below a folder."""

    def make(folder: Path, change: Callable[[str, Head], Head], **about) -> Path:
        names = [label for _, label in bundle.taxonomy.columns] + ["problem"]
        heads = tuple(change(n, h) for n, h in zip(names, bundle.heads, strict=True))
        return save_changed(dataclasses.replace(bundle, heads=heads), folder, **about)

    return make


@pytest.fixture(scope="session")
def with_weights() -> Callable[[Path, bytes], None]:
    """Give a bundle other arrays, for which its manifest vouches."""

    def make(path: Path, arrays: bytes) -> None:
        (path / "weights.npz").write_bytes(arrays)
        manifest = json.loads((path / "manifest.json").read_bytes())
        manifest["files"]["weights.npz"] = hashlib.sha256(arrays).hexdigest()
        body = as_json({k: v for k, v in manifest.items() if k != "id"})
        manifest["id"] = path.name[:-12] + hashlib.sha256(body).hexdigest()[:12]
        (path / "manifest.json").write_bytes(as_json(manifest))

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
