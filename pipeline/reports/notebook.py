"""What notebooks show: tables, charts, and a text with its evidence marked. All escaped; nothing is loaded."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from pipeline.corpus.gold import Gold, read_gold
from pipeline.documents import Prediction
from pipeline.model.registry import find_model
from pipeline.model.score import Scorer
from pipeline.reports.page import Chart, Note, Table, part_html
from pipeline.settings import Settings, load_settings
from pipeline.taxonomy import Taxonomy, load_taxonomy
from pipeline.text.clean import clean
from pipeline.text.segment import dictionary_hash, load_dictionary

__all__ = ["Bench", "Shown", "open_bench", "reading", "show", "tables"]


@dataclass(frozen=True)
class Shown:
    """HTML that a notebook displays; ``print`` shows its length only."""

    html: str

    def _repr_html_(self) -> str:
        return self.html


@dataclass(frozen=True)
class Bench:
    """What most notebooks start from: settings, schemes, the corpus, the dictionary, the live model."""

    settings: Settings
    taxonomy: Taxonomy
    gold: list[Gold]
    words: dict[str, int]
    scorer: Scorer


def open_bench(home: Path | None = None) -> Bench:
    """Open the home a notebook belongs to, as every command finds it; errors are those of the commands."""
    settings = load_settings(home)
    taxonomy = load_taxonomy(settings.taxonomy_file)
    words = load_dictionary(settings.dictionary_file)
    bundle = find_model(settings.path("models"), taxonomy=taxonomy, dictionary=dictionary_hash(words))
    gold = read_gold(settings.gold_files, taxonomy)
    return Bench(settings, taxonomy, gold, words, Scorer(bundle, words, encoder=settings.encoder_folder))


def show(*parts: Table | Chart | Note) -> Shown:
    """Return tables, charts and paragraphs one below the other."""
    return Shown("\n".join(map(part_html, parts)))


def tables(found: Mapping[str, Sequence[Sequence[str]]]) -> Iterable[Table]:
    """Turn tables whose first row is the head, by title, into tables to show."""
    for title, (head, *rows) in found.items():
        yield Table(title, tuple(head), tuple(tuple(r) for r in rows))


def reading(text: str, prediction: Prediction, taxonomy: Taxonomy) -> Shown:
    """Return ``text``, personal data starred out, its evidence marked with the labels it speaks for."""
    shown = clean(text).masked_given()
    spans = prediction.evidence
    edges = sorted({0, len(text), *(e.start for e in spans), *(e.end for e in spans)})
    pieces = []
    for a, b in itertools.pairwise(edges):
        names = [taxonomy.label(e.label).name for e in spans if e.start <= a < e.end]
        piece = escape(shown[a:b]).replace("\n", "<br>")
        pieces.append(f'<mark title="{escape("；".join(names))}">{piece}</mark>' if names else piece)
    rows = tuple(
        (
            taxonomy.label(label).name,
            f"{score:.2f}",
            "；".join(shown[e.start : e.end] for e in spans if e.label == label),
        )
        for labels in prediction.decided.values()
        for label, score in labels
    )
    said = Table("判出的标签", ("标签", "分数", "证据"), rows) if rows else Note("没有判出标签。")
    return Shown(f"<p>{''.join(pieces)}</p>\n{part_html(said)}")
