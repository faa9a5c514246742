"""Where a stored score came from, and whether the same model says the same of the same text today."""

from __future__ import annotations

import enum
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.batch.nightly import provenance
from pipeline.desk import models
from pipeline.documents import Document, Prediction, text_hash
from pipeline.errors import BundleError, ConfigError
from pipeline.model.score import Scorer

__all__ = ["Outcome", "Replay", "replay", "sample", "stored_of"]

BATCH = 500
#: Read in parts: SQLite has a limit of bound variables.
_PART = 5000
#: Label scores are stored with six digits: the last one may be either when sums were added up in another order.
TINY = 1.5e-6


class Outcome(enum.Enum):
    """What came of working a score out again."""

    SAME = "相同到最后一位"
    DIGITS = "末位有差"
    DIFFERENT = "不同"
    IMPOSSIBLE = "无法重算"


@dataclass(frozen=True, slots=True)
class Replay:
    """One stored prediction, where it came from, and what came of working it out again.

    ``difference`` is the largest between two scores, 0 to 1; ``reason`` says why not the same.
    """

    document: str
    origin: dict[str, str]
    stored: dict[str, Any]
    outcome: Outcome
    difference: float
    reason: str


def stored_of(document: str, model: str | None = None) -> list[models.Prediction]:
    """Return the predictions stored of a document, newest run first; raises ConfigError when there are none."""
    rows = models.Prediction.objects.filter(document__key=document).select_related("document", "run")
    found = list((rows.filter(model=model) if model else rows).order_by("-run__serial"))
    if not found:
        raise ConfigError(
            "ZF-WHY-NONE",
            f"存储里没有编号为 {document} 的打分",
            "核对编号（区分大小写）与 --store；还没打分的先运行 zuofeng nightly。",
        )
    return found


def sample(count: int, seed: int, model: str | None = None) -> list[models.Prediction]:
    """Return ``count`` random stored predictions, or all when there are fewer; the same for the same ``seed``."""
    all_of = models.Prediction.objects.filter(model=model) if model else models.Prediction.objects.all()
    ids = list(all_of.order_by("id").values_list("id", flat=True))
    chosen = sorted(random.Random(seed).sample(ids, min(count, len(ids))))  # noqa: S311  a sample, not a secret
    rows = models.Prediction.objects.select_related("document", "run").order_by("id")
    return [p for at in range(0, len(chosen), _PART) for p in rows.filter(id__in=chosen[at : at + _PART])]


def replay(predictions: Sequence[models.Prediction], open_model: Callable[[str], Scorer]) -> Iterator[Replay]:
    """Work each prediction out again, grouped by model; ``open_model`` may raise BundleError."""
    groups: dict[str, list[models.Prediction]] = {}
    for p in predictions:
        groups.setdefault(p.model, []).append(p)
    for model, rows in groups.items():
        lost = {p.id: _lost(p) for p in rows}
        yield from (_replay(p, Outcome.IMPOSSIBLE, reason=lost[p.id]) for p in rows if lost[p.id])
        if not (rows := [p for p in rows if not lost[p.id]]):
            continue
        try:
            scorer = open_model(model)
        except BundleError as e:
            yield from (_replay(p, Outcome.IMPOSSIBLE, reason=f"{e.code} {e.message}") for p in rows)
            continue
        for at in range(0, len(rows), BATCH):
            yield from _again(rows[at : at + BATCH], scorer)


def _again(rows: Sequence[models.Prediction], scorer: Scorer) -> Iterator[Replay]:
    about = provenance(scorer.bundle)
    for p, new in zip(rows, scorer.score([Document(p.document.key, p.document.text) for p in rows]), strict=True):
        if other := [name for name, value in about.items() if getattr(p, name) != value]:
            yield _replay(p, Outcome.DIFFERENT, reason=f"模型现在的 {'、'.join(other)} 不同")
        else:
            yield _replay(p, *_compare(p, new))


def _replay(p: models.Prediction, outcome: Outcome, difference: float = 0.0, reason: str = "") -> Replay:
    return Replay(p.document.key, _origin(p), _stored(p), outcome, difference, reason)


def _compare(row: models.Prediction, new: Prediction) -> tuple[Outcome, float, str]:
    stored, again = _stored(row), new.to_dict()
    gaps = [abs(row.problem_score - new.problem_score)]
    for scheme, labels in row.scores.items():
        now = again["scores"].get(scheme, {})
        gaps += [abs(value - now.get(label, float("inf"))) for label, value in labels.items()]
    fields = {k: v for k, v in again.items() if k not in ("id", "problem_score", "model")}
    most = max(gaps)
    if most == 0 and all(stored[name] == value for name, value in fields.items()):
        return Outcome.SAME, 0.0, ""
    changed = [name for name, value in fields.items() if not _near(stored[name], value)]
    if most <= TINY and not changed:
        return Outcome.DIGITS, most, "差不到百万分之二，判定和证据相同：打分的是本程序的另一版，或另一种处理器"
    return Outcome.DIFFERENT, most, f"最大差 {most:.6f}；不同的有 {'、'.join(changed) or 'problem_score'}"


def _near(one: Any, other: Any) -> bool:
    """Whether two stored values say the same but for the last digits of their numbers."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= TINY
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_near(v, other[k]) for k, v in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_near, one, other))
    return bool(one == other)


def _lost(p: models.Prediction) -> str:
    """Return why the text that was scored is not there any more, "" when it is."""
    if p.document.purged:
        return "原文已按保留期清除"
    if p.document.text_hash != p.text_hash:
        return "打分之后原文有变，当时的文本未保留"
    if text_hash(p.document.text) != p.text_hash:
        return "库里的原文与它的哈希不符，可能被改动过"
    return ""


def _origin(p: models.Prediction) -> dict[str, str]:
    own = ("text_hash", "taxonomy", "segmenter", "dictionary", "model", "thresholds")
    started = p.run.started.isoformat(timespec="seconds")
    run = {"run": p.run_id, "kind": p.run.kind, "program": p.run.program, "started": started}
    return {name: getattr(p, name) for name in own} | run


def _stored(p: models.Prediction) -> dict[str, Any]:
    return {
        "is_problem": p.is_problem,
        "problem_score": p.problem_score,
        **p.decided,
        "scores": p.scores,
        "evidence": p.evidence,
        "review": p.review,
    }
