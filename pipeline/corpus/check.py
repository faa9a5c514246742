"""What makes a gold corpus fit for use: evidence, near duplicates, shared strings, openings, counts."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import sparse

from pipeline.corpus.gold import PARTS, Gold, label_matrix
from pipeline.taxonomy import Taxonomy

__all__ = ["Findings", "check_corpus", "near_duplicates", "shared_strings"]

NEAR = 0.35
GRAM = 5
SHARED = 12
SHARED_GROUPS = 3
#: Names of offices and laws may recur in any number of situations.
_EXCEPTED = re.compile(
    r"条例|办法|规定|委员会|管理局|有限公司|人民政府|监察|中华人民共和国|服务中心|办公室|年\d*月|受到党内|警告处分"
)


@dataclass
class Findings:
    """``wrong`` must be empty; ``tables`` are for reading: title → rows."""

    wrong: list[str] = field(default_factory=list)
    tables: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)


def check_corpus(gold: Sequence[Gold], taxonomy: Taxonomy, public: Path | None = None) -> Findings:
    """Check a corpus whose lines are already valid; ``public`` is a folder of data it must not repeat."""
    found = Findings()
    for g in gold:
        shown = {e.label for e in g.evidence}
        found.wrong += [
            f"{g.id} -> 标签 {label} 没有证据" for labels in g.labels.values() for label in labels if label not in shown
        ]
        if g.part not in PARTS:
            found.wrong.append(f"{g.id} -> 没有 part（{'、'.join(PARTS)}）")
    parts: dict[str, set[str]] = {}
    for g in gold:
        parts.setdefault(g.group, set()).add(g.part)
    found.wrong += [f"组 {group} 分在 {'、'.join(sorted(p))} 几处" for group, p in sorted(parts.items()) if len(p) > 1]
    found.wrong += [f"{a} 与 {b} 近似（{j:.2f}）而不同组" for a, b, j in near_duplicates(gold)]
    found.wrong += [f"“{s}” 出现在 {n} 个组里" for s, n in shared_strings(gold)]
    if public is not None:
        found.wrong += [f"{i} 与公开数据有相同的十二字：{s}" for i, s in _shared_with(gold, public)]
    found.tables = _tables(gold, taxonomy)
    return found


def near_duplicates(gold: Sequence[Gold], threshold: float = NEAR) -> list[tuple[str, str, float]]:
    """Return pairs of different groups whose character 5-gram sets have a Jaccard index over ``threshold``."""
    sets = [{t[i : i + GRAM] for i in range(max(len(t) - GRAM + 1, 1))} for t in map(_squeeze, gold)]
    index = {gram: i for i, gram in enumerate(sorted(set().union(*sets)))}
    rows = np.repeat(np.arange(len(sets)), [len(s) for s in sets])
    columns = np.fromiter((index[gram] for s in sets for gram in s), np.int64)
    x = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), (len(sets), len(index)))
    sizes = np.diff(x.indptr)
    pairs = []
    for first in range(0, len(gold), 1000):
        common = (x[first : first + 1000] @ x.T).tocoo()
        a = common.row + first
        jaccard = common.data / (sizes[a] + sizes[common.col] - common.data)
        for i, j, value in zip(a.tolist(), common.col.tolist(), jaccard.tolist(), strict=True):
            if i < j and value > threshold and gold[i].group != gold[j].group:
                pairs.append((gold[i].id, gold[j].id, value))
    return pairs


def shared_strings(gold: Sequence[Gold], length: int = SHARED, most: int = SHARED_GROUPS) -> list[tuple[str, int]]:
    """Return strings of ``length`` characters that more than ``most`` groups share, offices and laws excepted."""
    groups: dict[str, set[str]] = {}
    for g in gold:
        text = _squeeze(g)
        for i in range(len(text) - length + 1):
            groups.setdefault(text[i : i + length], set()).add(g.group)
    return sorted((s, len(of)) for s, of in groups.items() if len(of) > most and not _EXCEPTED.search(s))


def _shared_with(gold: Sequence[Gold], public: Path, length: int = SHARED) -> Iterable[tuple[str, str]]:
    mine: dict[str, str] = {}
    for g in gold:
        text = _squeeze(g)
        mine.update((text[i : i + length], g.id) for i in range(len(text) - length + 1))
    hits: dict[str, str] = {}
    for path in sorted(public.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                text = re.sub(r"\s+", "", "。".join(str(record.get(k) or "") for k in ("title", "detail", "text")))
                for i in range(len(text) - length + 1):
                    piece = text[i : i + length]
                    if piece in mine and not _EXCEPTED.search(piece):
                        hits.setdefault(mine[piece], piece)
    return sorted(hits.items())


def _squeeze(g: Gold) -> str:
    return re.sub(r"\s+", "", g.text)


def _tables(gold: Sequence[Gold], taxonomy: Taxonomy) -> dict[str, list[tuple[str, ...]]]:
    truth = label_matrix(gold, taxonomy)
    part = np.array([g.part for g in gold])
    return {
        "总量": [
            ("部分", "文本", "组", "有标签", "字数"),
            *(
                (
                    p,
                    str(len(of)),
                    str(len({g.group for g in of})),
                    str(sum(g.positive for g in of)),
                    str(sum(len(g.text) for g in of)),
                )
                for p, of in [*((p, [g for g in gold if g.part == p]) for p in PARTS), ("合计", list(gold))]
            ),
        ],
        "标签": [
            ("方案", "标签", "名称", *PARTS, "合计"),
            *(
                (
                    s,
                    label,
                    taxonomy.label(label).name,
                    *(str(int(truth[part == p, j].sum())) for p in PARTS),
                    str(int(truth[:, j].sum())),
                )
                for j, (s, label) in enumerate(taxonomy.columns)
            ),
        ],
        "多标签": [("方案", "恰一个", "两个以上", "多标签占比"), *_several(gold, taxonomy)],
        "语域": _count("语域", (g.register for g in gold)),
        "领域": _count("领域", (g.domain for g in gold))[:41],
        "长度": _lengths(gold),
        "开头": [("前六字不同", "占比"), _openings(gold)],
    }


def _several(gold: Sequence[Gold], taxonomy: Taxonomy) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for s in taxonomy.schemes:
        counts = [len(g.labels[s.id]) for g in gold if g.labels[s.id]]
        several = sum(c > 1 for c in counts)
        rows.append((s.name, str(len(counts) - several), str(several), f"{several / max(len(counts), 1):.1%}"))
    return rows


def _count(name: str, values: Iterable[str]) -> list[tuple[str, ...]]:
    return [(name, "文本"), *((v or "（未填）", str(n)) for v, n in Counter(values).most_common())]


def _lengths(gold: Sequence[Gold]) -> list[tuple[str, ...]]:
    sizes: npt.NDArray[np.int64] = np.array([len(g.text) for g in gold])
    bands = [(0, 80), (80, 300), (300, 600), (600, 1200), (1200, 10**9)]
    return [
        ("字数", "文本", "占比"),
        *(
            (f"{a}–{b - 1}" if b < 10**9 else f"{a} 以上", str(n), f"{n / len(sizes):.1%}")
            for a, b in bands
            for n in [int(((sizes >= a) & (sizes < b)).sum())]
        ),
    ]


def _openings(gold: Sequence[Gold]) -> tuple[str, str]:
    distinct = len({_squeeze(g)[:6] for g in gold})
    return str(distinct), f"{distinct / len(gold):.1%}"
