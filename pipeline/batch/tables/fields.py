"""Results as values of a foreign table's columns, in the type each column has."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from pipeline.batch.result_cells import NAMES, column_names, evidence_text, label_names, labels_text
from pipeline.documents import DIGITS
from pipeline.taxonomy import Taxonomy

__all__ = ["FLAG", "NUMBER", "TEXT", "Fields", "fitter"]

FLAG, NUMBER, TEXT = "是否", "数字", "文字"
_NEW: Mapping[str, sa.types.TypeEngine[Any]] = {FLAG: sa.Boolean(), NUMBER: sa.Double(), TEXT: sa.Text()}
Value = bool | float | str | None


class Fields:
    """What can be written of a result, by name: ``problem``, each scheme, ``scores.<scheme>.<label>`` …"""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._names = label_names(taxonomy)
        self._schemes = [s.id for s in taxonomy.schemes]
        self._labels = {s: [i for of, i in taxonomy.columns if of == s] for s in self._schemes}
        self.kinds: dict[str, str] = {
            "problem": FLAG,
            "problem_score": NUMBER,
            **dict.fromkeys(self._schemes, TEXT),
            "evidence": TEXT,
            "review": FLAG,
            "model": TEXT,
            "note": TEXT,
            "scores": TEXT,
            **{f"scores.{s}.{label}": NUMBER for s, label in taxonomy.columns},
        }
        names = NAMES | {"scores": "分数"}
        names |= column_names({s.id: s.name for s in taxonomy.schemes}, names.values())
        #: Where nothing is configured.
        self.default: dict[str, str] = {f: f"zuofeng_{names[f]}" for f in self.kinds if f in names}

    def new_type(self, field: str) -> sa.types.TypeEngine[Any]:
        """Return the type of a column made for ``field``."""
        return _NEW[self.kinds[field]]

    def value(self, field: str, result: Mapping[str, Any] | None, note: str) -> Value:
        """Return one field of a result shaped like ``Prediction.to_dict``; of a record without one only the note."""
        if field == "note":
            return note or None
        if result is None:
            return None
        match field.split("."):
            case ["problem"]:
                return bool(result["is_problem"])
            case ["problem_score"]:
                # The same whether it is fresh or comes from the store.
                return round(float(result["problem_score"]), DIGITS)
            case ["evidence"]:
                return evidence_text(result["evidence"], self._names)
            case ["review"]:
                return bool(result["review"])
            case ["model"]:
                return str(result["model"])
            case ["scores"]:
                # PostgreSQL's JSON keeps no order, and a text in another order would be written again.
                ordered = {s: {i: result["scores"][s][i] for i in labels} for s, labels in self._labels.items()}
                return json.dumps(ordered, ensure_ascii=False, separators=(",", ":"))
            case ["scores", scheme, label]:
                return float(result["scores"][scheme][label])
        return labels_text(result[field], self._names)


def fitter(kind: str, column: sa.types.TypeEngine[Any]) -> Callable[[Any], Any] | None:
    """Return what turns a value of ``kind`` into one for a column of this type; None when it cannot hold it."""
    if isinstance(column, sa.types.NullType):
        return lambda v: v
    if isinstance(column, sa.Enum):
        return None
    if isinstance(column, sa.String):
        return lambda v: None if v is None else _cut(("是" if v else "否") if kind is FLAG else str(v), column.length)
    if kind == TEXT:
        return None
    if isinstance(column, sa.Boolean):
        return (lambda v: v) if kind == FLAG else None
    if isinstance(column, sa.Integer):
        return (lambda v: None if v is None else int(v)) if kind == FLAG else None
    if isinstance(column, sa.Numeric):
        return lambda v: None if v is None else float(v)
    return None


def _cut(text: str, most: int | None) -> str:
    return text if most is None or len(text) <= most else text[: most - 1] + "…"
