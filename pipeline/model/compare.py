"""Two models on the same texts: what differs, how surely, where, and in which texts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.corpus.gold import Gold, label_matrix
from pipeline.documents import Document, Evidence
from pipeline.errors import BundleError, CorpusError
from pipeline.model.accustom import on_corpus
from pipeline.model.bundle import Bundle
from pipeline.model.calibrate import expected_calibration_error
from pipeline.model.evaluate import counted_columns
from pipeline.model.paired import ROUNDS, Contrast, adjust, contrasts, count
from pipeline.model.promise import Kept, check_promise, promise_of
from pipeline.model.score import Scorer
from pipeline.model.slices import parts_of
from pipeline.ndarrays import Bools, Floats, Ints
from pipeline.taxonomy import Taxonomy

if TYPE_CHECKING:
    from pipeline.model.adapt import Expectation

__all__ = ["LEVEL", "SOURCES", "Comparison", "Flip", "Row", "Side", "Slice", "ask_for_same_labels", "compare"]

#: Significance level after correction.
LEVEL = 0.05
#: Where the texts may come from, as people are told.
SOURCES = {"corpus": "语料 test 部分的", "gold": "指定的", "reviews": "复核过的、按交叉验证判的"}
TIMED = 300
REPEATS = 3


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two models: size in bytes, texts per second (0 where not measured), share of texts left to people.

    ``home`` is as in Bundle.
    """

    model: str
    home: str
    promise: float
    size: int
    speed: float
    asked: float
    calibration_error: float


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of both models. ``kind`` is label, macro (``name`` a scheme) or problem."""

    kind: str
    name: str
    positives: int
    contrast: Contrast

    @property
    def fell(self) -> bool:
        """Whether B is significantly worse."""
        return self.contrast.difference < 0 and self.contrast.adjusted <= LEVEL


@dataclass(frozen=True, slots=True)
class Slice:
    """Micro-F1 over all labels among the texts of one register or length; no test, the interval only.

    ``innocent`` texts have no label; ``alarms`` are those among them that A and B give one.
    """

    kind: str
    name: str
    texts: int
    innocent: int
    alarms: tuple[int, int]
    contrast: Contrast


@dataclass(frozen=True, slots=True)
class Flip:
    """A label that only one of the models decides; ``truth`` says which is right, ``evidence`` is of the decider."""

    id: str
    text: str
    label: str
    truth: bool
    decided_by: str
    a: float
    b: float
    evidence: tuple[Evidence, ...]

    @property
    def better(self) -> bool:
        """Whether B is the one that is right."""
        return self.truth == (self.decided_by == "B")


@dataclass(frozen=True)
class Comparison:
    """Everything `compare` found; plain data by `to_dict`.

    ``source`` is one of SOURCES.
    """

    taxonomy: Taxonomy
    a: Side
    b: Side
    source: str
    texts: int
    clusters: int
    rows: tuple[Row, ...]
    slices: tuple[Slice, ...]
    flips: tuple[Flip, ...]
    promise_a: tuple[Kept, ...]
    promise_b: tuple[Kept, ...]

    @property
    def falls(self) -> list[Row]:
        """The figures where B is significantly worse."""
        return [r for r in self.rows if r.fell]

    @property
    def broken(self) -> list[Kept]:
        """The labels whose promise B does not keep."""
        return [k for k in self.promise_b if k.state == "broken"]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data without the texts of the flips."""
        found = asdict(self)
        del found["taxonomy"]
        found["flips"] = [
            {k: v for k, v in f.items() if k not in ("text", "evidence")} | {"better": flip.better}
            for f, flip in zip(found["flips"], self.flips, strict=True)
        ]
        return found


def compare(
    a: Scorer,
    b: Scorer,
    gold: Sequence[Gold],
    *,
    speed: bool = True,
    rounds: int = ROUNDS,
    source: str = "gold",
    expected: tuple[Expectation | None, Expectation | None] = (None, None),
    progress: Callable[[str], None] = lambda step: None,
) -> Comparison:
    """Compare ``b`` with ``a`` on ``gold``; raises BundleError when their labels differ, CorpusError without texts.

    Where ``source`` is the corpus, what an office's wording is taken for says nothing of the texts and is left out.
    What is ``expected`` of one that learned from these texts stands for what it says of them now.
    """
    ask_for_same_labels(a.bundle, b.bundle)
    taxonomy = a.bundle.taxonomy
    if not gold:
        raise CorpusError("ZF-COMPARE-EMPTY", "没有可供比较的文本", "用 --gold 指定带标签的 .jsonl。")
    progress("打分")
    texts = [g.text for g in gold]
    if source == "corpus":
        a, b = on_corpus(a), on_corpus(b)
    scores = [e.likely if e else s.probabilities(texts) for s, e in zip((a, b), expected, strict=True)]
    called = [e.after if e else s.decide(p) for s, p, e in zip((a, b), scores, expected, strict=True)]
    truth = label_matrix(gold, taxonomy)
    clusters = np.unique([g.group for g in gold], return_inverse=True)[1]
    progress("检验")
    rows = _rows(truth, called[0], called[1], clusters, taxonomy, rounds)
    slices = _slices(gold, truth, called[0], called[1], clusters, rounds)
    progress("翻转的文本")
    flips = _flips(a, b, gold, truth, called, scores)
    labels = [label for _, label in taxonomy.columns]
    kept = []
    for s, decided, likely, e in zip((a, b), called, scores, expected, strict=True):
        promise = promise_of(s.bundle.manifest)
        reached = e.reached if e else decided & s.reached(likely)
        kept.append(tuple(check_promise(labels, truth, reached, promise)) if promise else ())
    progress("计时")
    speeds = _speeds(a, b, texts) if speed else (0.0, 0.0)
    sides = [_side(s, p, truth, v) for s, p, v in zip((a, b), scores, speeds, strict=True)]
    return Comparison(
        taxonomy, sides[0], sides[1], source, len(gold), int(clusters.max()) + 1, rows, slices, flips, kept[0], kept[1]
    )


def ask_for_same_labels(a: Bundle, b: Bundle) -> None:
    """Raise BundleError where two models do not have the same labels in the same order."""
    if a.taxonomy.columns != b.taxonomy.columns:
        raise BundleError(
            "ZF-COMPARE-TAXONOMY", f"{a.id} 与 {b.id} 的标签不同，无法成对比较", "换成同一标签体系的模型。"
        )


def _rows(truth: Bools, a: Bools, b: Bools, clusters: Ints, taxonomy: Taxonomy, rounds: int) -> tuple[Row, ...]:
    """Return F1 of decisions ``a`` and ``b`` (texts, labels): per label, problem-or-not, macro, as one family."""
    columns = taxonomy.columns
    positives = truth.sum(0)
    problem = len(columns)
    whole = [np.hstack([m, m.any(1, keepdims=True)]) for m in (truth, a, b)]
    macros = {s: m for s, m in counted_columns(truth, taxonomy).items() if len(m)}
    a_counts, b_counts = (count(whole[0], m, clusters) for m in whole[1:])
    found = adjust(contrasts(a_counts, b_counts, means=list(macros.values()), rounds=rounds))
    return (
        *(Row("label", label, int(n), c) for (_, label), n, c in zip(columns, positives.tolist(), found, strict=False)),
        Row("problem", "problem", int(truth.any(1).sum()), found[problem]),
        *(
            Row("macro", s, int(positives[m].sum()), c)
            for (s, m), c in zip(macros.items(), found[problem + 1 :], strict=True)
        ),
    )


def _slices(gold: Sequence[Gold], truth: Bools, a: Bools, b: Bools, clusters: Ints, rounds: int) -> tuple[Slice, ...]:
    every = np.arange(truth.shape[1])
    found = []
    for kind, name, mine in parts_of(gold):
        inside = np.unique(clusters[mine], return_inverse=True)[1]
        counts = [count(truth[mine], m[mine], inside, [every]) for m in (a, b)]
        contrast = contrasts(*counts, rounds=rounds, flips=1)[-1]
        innocent = mine & ~truth.any(1)
        alarms = (int(a[innocent].any(1).sum()), int(b[innocent].any(1).sum()))
        found.append(Slice(kind, name, int(mine.sum()), int(innocent.sum()), alarms, contrast))
    return tuple(found)


def _flips(
    a: Scorer, b: Scorer, gold: Sequence[Gold], truth: Bools, called: Sequence[Bools], scores: Sequence[Floats]
) -> tuple[Flip, ...]:
    differ = called[0] != called[1]
    rows = np.flatnonzero(differ.any(1)).tolist()
    documents = [Document(gold[r].id, gold[r].text) for r in rows]
    said = [dict(zip(rows, s.score(documents), strict=True)) for s in (a, b)]
    found = []
    for row, column in zip(*np.nonzero(differ), strict=True):
        label = a.columns[column][1]
        by = int(called[1][row, column])
        shown = tuple(e for e in said[by][int(row)].evidence if e.label == label)
        found.append(
            Flip(
                gold[row].id, gold[row].text, label, bool(truth[row, column]), "AB"[by],
                float(scores[0][row, column]), float(scores[1][row, column]), shown,
            )
        )  # fmt: skip
    # The surest mistakes first: where the models differ most.
    return tuple(sorted(found, key=lambda f: (f.better, -abs(f.b - f.a), f.id)))


def _speeds(a: Scorer, b: Scorer, texts: Sequence[str]) -> tuple[float, float]:
    """Return texts per second, the best of several alternating passes over some of the texts."""
    some = texts[:: max(1, len(texts) // TIMED)]
    best = [float("inf")] * 2
    for _ in range(REPEATS):
        for i, scorer in enumerate((a, b)):
            started = time.perf_counter()
            scorer.probabilities(some)
            best[i] = min(best[i], time.perf_counter() - started)
    return len(some) / best[0], len(some) / best[1]


def _side(scorer: Scorer, probabilities: Floats, truth: Bools, speed: float) -> Side:
    weights = scorer.bundle.weights
    size = sum(np.asarray(a).nbytes for a in vars(weights).values())
    errors = [expected_calibration_error(probabilities[:, j], truth[:, j]) for j in range(truth.shape[1])]
    return Side(
        scorer.bundle.id,
        scorer.bundle.home,
        promise_of(scorer.bundle.manifest),
        size,
        round(speed, 1),
        float(scorer.unsure(probabilities, scorer.decide(probabilities)).mean()),
        float(np.mean(errors)),
    )
