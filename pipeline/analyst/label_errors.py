"""Labels that are probably wrong: confident learning over held-out probabilities (Northcutt et al. 2021, cleanlab)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.corpus.gold import Gold, label_matrix
from pipeline.documents import Evidence
from pipeline.errors import CorpusError
from pipeline.model.score import Scorer
from pipeline.ndarrays import Bools, Floats

__all__ = ["Suspect", "find_suspects", "label_quality"]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A label that a text has, or lacks, against what the rest of the data says.

    ``given`` is what the data holds; ``probability`` that the label is there; ``quality`` from 0, surely wrong, to 1.
    ``evidence`` are the annotator's words for a given label, the model's for a missing one.
    """

    id: str
    text: str
    label: str
    given: bool
    probability: float
    quality: float
    evidence: tuple[Evidence, ...]


def label_quality(truth: Bools, probabilities: Floats) -> tuple[Floats, Bools]:
    """Return cleanlab's quality of every cell and which cells it calls errors, both (texts, labels).

    A label that all texts have, or none, has no errors: there is nothing to compare with. Raises CorpusError when every
    label is like that.
    """
    from cleanlab.multilabel_classification.filter import find_multilabel_issues_per_class
    from cleanlab.multilabel_classification.rank import get_label_quality_scores_per_class

    told = truth.any(0) & ~truth.all(0)
    if not told.any():
        raise CorpusError(
            "ZF-AUDIT-SAME",
            f"{len(truth)} 条文本标得都一样，或都没有标签：没有可比的",
            "给一份标签有所不同的文件，或几份一起给。",
        )
    # Of a label that is everywhere cleanlab says that there are too few classes.
    labels = [np.flatnonzero(row).tolist() for row in truth[:, told]]
    quality, wrong = np.where(truth, probabilities, 1 - probabilities), np.zeros(truth.shape, bool)
    quality[:, told] = get_label_quality_scores_per_class(labels, probabilities[:, told], method="self_confidence")
    with warnings.catch_warnings():
        # A label with few texts is not pruned to nothing, which is what we want.
        warnings.filterwarnings("ignore", message="May not flag all label issues", category=UserWarning)
        # One process: the work is a second, and its own pool would not be ours to stop.
        wrong[:, told] = find_multilabel_issues_per_class(labels, probabilities[:, told], n_jobs=1)
    return quality, wrong


def find_suspects(scorer: Scorer, gold: Sequence[Gold], probabilities: Floats, *, most: int = 200) -> list[Suspect]:
    """Return the ``most`` suspicious labels that confident learning calls errors, the worst first."""
    truth = label_matrix(gold, scorer.bundle.taxonomy)
    quality, wrong = label_quality(truth, probabilities)
    rows, columns = np.nonzero(wrong)
    order = np.argsort(quality[rows, columns], kind="stable")[:most]
    found = []
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        g, label = gold[row], scorer.columns[column][1]
        given = bool(truth[row, column])
        shown = (
            tuple(Evidence(label, e.start, e.end, g.text[e.start : e.end], 0.0) for e in g.evidence if e.label == label)
            if given
            else scorer.strongest_words(g.text, label)
        )
        p, q = float(probabilities[row, column]), float(quality[row, column])
        found.append(Suspect(g.id, g.text, label, given, p, q, shown))
    return found
