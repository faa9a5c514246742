"""This program as a contender: a model that is there reads; what training takes is measured on the same texts."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.bench.contenders import Labeller
from pipeline.corpus.gold import Gold
from pipeline.model.bundle import load_bundle
from pipeline.model.recipe import Settings
from pipeline.model.score import Scorer
from pipeline.ndarrays import Bools
from pipeline.taxonomy import parse_taxonomy

__all__ = ["classes_taxonomy", "read_with", "train_ours"]


def read_with(
    texts: Sequence[str], truth: Bools, *, bundle: Path, words: dict[str, int], encoder: Path | None = None
) -> Labeller:
    """Return the decisions of a ready model, scores and evidence beside them as `Scorer.say` gives them to the
    night; nothing is learned."""
    return _labeller(Scorer(load_bundle(bundle), words, little=0, encoder=encoder))


def train_ours(
    texts: Sequence[str], truth: Bools, *, taxonomy: bytes, settings: Settings, words: dict[str, int],
    lexicon: Path | None = None, gold: Sequence[Gold] = (),
) -> Labeller:  # fmt: skip
    """Train a model with the columns of ``truth`` as labels, on one core; of ``gold``, if there is any."""
    from pipeline.model.train import train
    from pipeline.text.concepts import load_lexicon

    scheme = parse_taxonomy(taxonomy, "taxonomy.toml")
    if not gold:
        names = np.array([label for _, label in scheme.columns])
        kind = scheme.schemes[0].id
        both = zip(texts, truth, strict=True)
        gold = [Gold(str(i), t, {kind: tuple(names[row].tolist())}, str(i)) for i, (t, row) in enumerate(both)]
    with tempfile.TemporaryDirectory() as folder:
        found = train(
            taxonomy=scheme, taxonomy_source=taxonomy, gold=gold, words=words, out=Path(folder),
            lexicon=load_lexicon(lexicon) if lexicon else None, settings=replace(settings, jobs=1),
        )  # fmt: skip
        return _labeller(Scorer(load_bundle(found), words, little=0))


def _labeller(scorer: Scorer) -> Labeller:
    def label(some: Sequence[str]) -> Bools:
        # The others answer with one array as well.
        nothing = np.zeros((0, len(scorer.columns)), bool)
        return np.concatenate([nothing, *(said.decided for said in scorer.say(some))])

    return label


def classes_taxonomy(names: Sequence[str]) -> bytes:
    """Return a taxonomy of one scheme in which a text has exactly one of ``names``."""
    labels = "".join(f'[[schemes.labels]]\nid = "{n}"\nname = "{n}"\n' for n in names)
    head = 'id = "classes"\nversion = "1.0.0"\n[[schemes]]\nid = "class"\nname = "类"\nkind = "exclusive"\n'
    return f"{head}{labels}".encode()
