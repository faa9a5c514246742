"""What the verbs share: options and the objects they open."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline.model.registry import find_model
from pipeline.model.score import Scorer
from pipeline.settings import Settings
from pipeline.taxonomy import load_taxonomy
from pipeline.text.segment import dictionary_hash, load_dictionary

__all__ = ["Home", "Model", "console", "open_scorer"]

Home = Annotated[Path | None, typer.Option("--home", help="家目录（含 corpora 与 models），默认自动查找。")]
Model = Annotated[str | None, typer.Option("--model", help="模型编号或目录，默认在用模型。")]


def console() -> Console:
    """Return a console on standard output; a log gets plain lines wide enough for a table."""
    out = Console()
    return out if out.is_terminal else Console(width=140, no_color=True)


def open_scorer(settings: Settings, model: str | None) -> Scorer:
    """Load a model and check that it fits this home's taxonomy and dictionary."""
    words = load_dictionary(settings.dictionary_file)
    bundle = find_model(
        settings.path("models"),
        model,
        taxonomy=load_taxonomy(settings.taxonomy_file),
        dictionary=dictionary_hash(words),
    )
    return Scorer(bundle, words)
