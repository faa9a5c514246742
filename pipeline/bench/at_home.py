"""What `train --unlabelled` makes of the live model's corpus and an office's texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.corpus.gold import read_gold
from pipeline.model.bundle import load_bundle
from pipeline.model.recipe import Settings as Recipe
from pipeline.model.recipe import read_settings
from pipeline.model.score import Scorer
from pipeline.model.train import train
from pipeline.model.unlabelled import guess_labels
from pipeline.settings import Settings
from pipeline.text.concepts import load_lexicon
from pipeline.text.segment import load_dictionary

__all__ = ["at_home"]


def at_home(scorer: Scorer, texts: Sequence[str], settings: Settings, out: Path) -> Scorer:
    """Return a model trained on the training parts and on what ``scorer`` does not doubt in ``texts``."""
    taxonomy = scorer.bundle.taxonomy
    recipe = read_settings(settings.training_file) if settings.training_file.is_file() else Recipe()
    words = load_dictionary(settings.dictionary_file)
    gold = [g for g in read_gold(settings.gold_files, taxonomy) if g.part != "test"]
    path = train(
        taxonomy=taxonomy,
        taxonomy_source=scorer.bundle.taxonomy_source,
        gold=gold,
        guessed=guess_labels(scorer, texts, recipe, gold),
        words=words,
        lexicon=load_lexicon(settings.lexicon_file) if settings.lexicon_file.is_file() else None,
        out=out,
        settings=recipe,
        encoder=settings.encoder_folder,
    )
    return Scorer(load_bundle(path), words, encoder=settings.encoder_folder)
