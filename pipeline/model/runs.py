"""Every training on record: ``runs.jsonl`` beside the models, one line per run, added and never changed."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline import __version__
from pipeline.whole import append_line

__all__ = ["code_hash", "program", "read_runs", "record_run"]

FILE = "runs.jsonl"
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "rjieba", "jieba")


def record_run(
    folder: Path,
    model: str,
    *,
    author: str,
    sources: Sequence[Mapping[str, str]],
    held_back: int,
    seconds: float,
    figures: Mapping[str, Any] | None = None,
    search: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Add a line about the training of ``model`` below ``folder`` and return it.

    ``sources`` are its files and their hashes, ``figures`` those of `evaluate` on the ``held_back`` texts, ``search``
    the trials its settings were chosen by.
    """
    manifest = json.loads((folder / model / "manifest.json").read_text(encoding="utf-8"))
    run = {
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "author": author,
        "model": model,
        "settings": manifest["settings"],
        "corpus": manifest["corpus"],
        "taxonomy": manifest["taxonomy"],
        **{name: manifest[name] for name in ("encoder", "accustomed") if name in manifest},
        "lexicon": manifest["lexicon"],
        "dictionary": manifest["dictionary"],
        "sources": list(sources),
        "held_back": held_back,
        "seconds": round(seconds, 1),
        "code": code_hash(),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "figures": figures or {},
        **({"search": list(search)} if search else {}),
    }
    append_line(folder / FILE, run)
    return run


def read_runs(folder: Path) -> list[dict[str, Any]]:
    """Return every run, oldest first; a line torn by a crash is left out."""
    try:
        lines = (folder / FILE).read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return []
    runs = []
    for line in lines:
        try:
            runs.append(json.loads(line))
        except ValueError:
            continue
    return runs


@functools.cache
def program() -> str:
    """Return which program this is: its version, and the beginning of a hash of its source."""
    return f"{__version__}+{code_hash()[:12]}"


def code_hash() -> str:
    """Return a hash of the package's source files: which code trained, also without a version control system."""
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
