"""The words that speak for a label in a text, decided or not."""

from __future__ import annotations

from pipeline.documents import Evidence
from pipeline.model.explain import explain
from pipeline.model.score import Scorer
from pipeline.text.clean import clean
from pipeline.text.passages import split_passages

__all__ = ["strongest_words"]


def strongest_words(scorer: Scorer, text: str, label: str) -> tuple[Evidence, ...]:
    """Return what speaks most for ``label`` in ``text``, offsets in the text as given; of a long text one passage."""
    head = [name for _, name in scorer.columns].index(label)
    cleaned = clean(text)
    limit = int(scorer.bundle.manifest["settings"]["passage_chars"])
    spans = split_passages(cleaned.text, limit) if len(cleaned.text) > limit else [(0, len(cleaned.text))]
    found: list[tuple[float, Evidence]] = []
    for start, end in spans:
        passage = cleaned.text[start:end]
        # An encoder has its say in who reads.
        expert = int(scorer.look([passage]).expert[0]) if "encoder" in scorer.bundle.manifest else None
        of = explain(passage, [head], scorer.bundle, scorer.segmenter, expert=expert, leads=not start)
        for _, a, b, weight in of:
            first, last = cleaned.to_given(start + a, start + b)
            found.append((weight, Evidence(label, first, last, text[first:last], weight)))
    return tuple(e for _, e in sorted(found, key=lambda f: -f[0])[:1])
