"""Gold texts as JSON lines, read with every mistake collected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.corpus.lines import json_lines
from pipeline.errors import CorpusError
from pipeline.ndarrays import Bools
from pipeline.taxonomy import Taxonomy

__all__ = ["PARTS", "Gold", "Span", "label_matrix", "labels_matrix", "parse_gold", "read_gold"]

PARTS = ("train", "dev", "test")


@dataclass(frozen=True, slots=True)
class Span:
    """Words of the text that show a label: ``start`` inclusive, ``end`` exclusive."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Gold:
    """One labelled text. Texts of one ``group`` speak of one situation and stay on one side of every split.

    ``pair`` names the row of the table of confusable pairs that a near miss was written for. ``sure`` (0 to 1) is how
    far people agreed on the labels; ``file`` is the name of the file it was read from, without its ending.
    """

    id: str
    text: str
    labels: Mapping[str, tuple[str, ...]]
    group: str = ""
    part: str = ""
    register: str = ""
    domain: str = ""
    pair: str = ""
    evidence: tuple[Span, ...] = ()
    sure: float = 1.0
    file: str = field(default="", compare=False)

    @property
    def positive(self) -> bool:
        """Whether any label of any scheme is set."""
        return any(self.labels.values())


def read_gold(paths: Iterable[Path], taxonomy: Taxonomy, *, read: list[dict[str, str]] | None = None) -> list[Gold]:
    """Read gold files in order; raises CorpusError with every bad line of every file. ``read`` as in `json_lines`."""
    gold: list[Gold] = []
    wrong: list[str] = []
    seen: dict[str, str] = {}
    twice = False
    for path in paths:
        for where, record in json_lines(path, wrong, "ZF-GOLD-READ", "语料文件", read=read):
            text, mistakes = parse_gold(record, taxonomy, path.stem)
            wrong += [f"{where} -> {m}" for m in mistakes]
            if text is None:
                continue
            if text.id in seen:
                twice = True
                wrong.append(f"{where} -> 编号 {text.id} 与 {seen[text.id]} 重复")
            seen[text.id] = where
            gold.append(text)
    if wrong:
        merge = "同一编号有几份判断的，先合成一份：zuofeng corpus snapshot 文件…。" * twice
        raise CorpusError("ZF-GOLD-INVALID", f"语料有 {len(wrong)} 处错误", f"逐条改正后再运行。{merge}", wrong)
    if not gold:
        raise CorpusError("ZF-GOLD-EMPTY", "语料里没有一条文本", "用 --corpus 指定 .jsonl 文件。")
    return gold


def parse_gold(record: Any, taxonomy: Taxonomy, file: str = "") -> tuple[Gold | None, list[str]]:
    """Turn one JSON object, of a ``file``, into a Gold; return it, or None with every mistake found."""
    if not isinstance(record, Mapping):
        return None, ["应为 JSON 对象"]
    wrong = []
    fields = {}
    for key in ("id", "text", "group", "part", "register", "domain", "pair"):
        value = record.get(key, "")
        if not isinstance(value, str) or (key in ("id", "text") and not value.strip()):
            wrong.append(f"{key} 应为{'非空' if key in ('id', 'text') else ''}文字")
            value = ""
        fields[key] = value
    if fields["part"] and fields["part"] not in PARTS:
        wrong.append(f"part {fields['part']!r} 不在 {'、'.join(PARTS)} 之中")
    sure = 1.0 if record.get("sure") is None else record["sure"]
    if isinstance(sure, bool) or not isinstance(sure, int | float) or not 0 <= sure <= 1:
        wrong.append("sure 应为 0 到 1 的数")
    labels = record.get("labels")
    wrong += taxonomy.check_labels(labels)
    spans = record.get("evidence", [])
    evidence = []
    for n, span in enumerate(spans if isinstance(spans, list) else [None]):
        if not isinstance(span, Mapping) or not _is_span(span, len(fields["text"])):
            wrong.append(f"evidence[{n}] 应为文本之内的 start、end 和 label")
        else:
            evidence.append(Span(span["start"], span["end"], span["label"]))
    if wrong:
        return None, wrong
    assert isinstance(labels, Mapping)  # noqa: S101  check_labels said so
    own = {s.id: tuple(labels.get(s.id, ())) for s in taxonomy.schemes}
    named = {label for given in own.values() for label in given}
    wrong += [f"证据的标签 {e.label} 不在本条标签里" for e in evidence if e.label not in named]
    fields["group"] = fields["group"] or fields["id"]
    if wrong:
        return None, wrong
    return Gold(labels=own, evidence=tuple(evidence), sure=float(sure), file=file, **fields), []


def label_matrix(gold: Sequence[Gold], taxonomy: Taxonomy) -> Bools:
    """Return the labels as (texts, taxonomy columns)."""
    return labels_matrix([g.labels for g in gold], taxonomy)


def labels_matrix(labels: Sequence[Mapping[str, Sequence[str]]], taxonomy: Taxonomy) -> Bools:
    """Return ``labels``, by scheme, as (texts, taxonomy columns)."""
    at = {column: i for i, column in enumerate(taxonomy.columns)}
    matrix = np.zeros((len(labels), len(at)), bool)
    for row, own in enumerate(labels):
        matrix[row, [at[scheme, label] for scheme, of in own.items() for label in of]] = True
    return matrix


def _is_span(span: Mapping[str, Any], length: int) -> bool:
    start, end = span.get("start"), span.get("end")
    return (
        isinstance(start, int)
        and isinstance(end, int)
        and 0 <= start < end <= length
        and isinstance(span.get("label"), str)
    )
