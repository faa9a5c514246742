"""A corpus in numbers: labels by part, registers, domains, lengths, openings, near misses."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from pipeline.corpus.gold import PARTS, Gold, label_matrix
from pipeline.corpus.grams import squeeze
from pipeline.ndarrays import Ints
from pipeline.taxonomy import Taxonomy

__all__ = ["Table", "corpus_tables"]

#: Header row first.
Table = list[tuple[str, ...]]
_DOMAINS = 40
_BANDS = (0, 80, 300, 600, 1200, 10**9)


def corpus_tables(gold: Sequence[Gold], taxonomy: Taxonomy) -> dict[str, Table]:
    """Return every table by its title."""
    return {
        "总量": _totals(gold),
        "标签": _labels(gold, taxonomy),
        "多标签": _several(gold, taxonomy),
        "语域": _registers(gold),
        "领域": _domains(gold),
        "长度": _lengths(gold),
        "近失": _pairs(gold),
        "开头": _openings(gold),
    }


def _totals(gold: Sequence[Gold]) -> Table:
    parts = [*((name, [g for g in gold if g.part == p]) for p, name in _parts(gold)), ("合计", list(gold))]
    return [
        ("部分", "文本", "组", "有标签", "字数"),
        *(
            (p, *map(str, (len(of), len({g.group for g in of}), sum(g.positive for g in of), _chars(of))))
            for p, of in parts
        ),
    ]


def _parts(gold: Sequence[Gold]) -> list[tuple[str, str]]:
    """Return every part and what it is called; texts of none, which are learned from too, have a place of their own."""
    return [*zip(PARTS, PARTS, strict=True), *[("", "（未填）")] * any(not g.part for g in gold)]


def _chars(gold: Iterable[Gold]) -> int:
    return sum(len(g.text) for g in gold)


def _labels(gold: Sequence[Gold], taxonomy: Taxonomy) -> Table:
    truth = label_matrix(gold, taxonomy)
    part = np.array([g.part for g in gold])
    parts = _parts(gold)
    rows: Table = [("方案", "标签", "名称", *(name for _, name in parts), "合计")]
    for j, (scheme, label) in enumerate(taxonomy.columns):
        counts = [int(truth[part == p, j].sum()) for p, _ in parts]
        rows.append((scheme, label, taxonomy.label(label).name, *map(str, (*counts, sum(counts)))))
    return rows


def _several(gold: Sequence[Gold], taxonomy: Taxonomy) -> Table:
    rows: Table = [("方案", "恰一个", "两个以上", "多标签占比")]
    for s in taxonomy.schemes:
        counts = [len(g.labels[s.id]) for g in gold if g.labels[s.id]]
        several = sum(c > 1 for c in counts)
        rows.append((s.name, str(len(counts) - several), str(several), f"{several / max(len(counts), 1):.1%}"))
    either = [max(len(labels) for labels in g.labels.values()) for g in gold if g.positive]
    several = sum(n > 1 for n in either)
    rows.append(("任一方案", str(len(either) - several), str(several), f"{several / max(len(either), 1):.1%}"))
    return rows


def _registers(gold: Sequence[Gold]) -> Table:
    total, positive = Counter(g.register for g in gold), Counter(g.register for g in gold if g.positive)
    return [("语域", "文本", "有标签"), *((r or "（未填）", str(n), str(positive[r])) for r, n in total.most_common())]


def _domains(gold: Sequence[Gold]) -> Table:
    counts = Counter(g.domain for g in gold)
    rows: Table = [("领域", "文本"), *((d or "（未填）", str(n)) for d, n in counts.most_common(_DOMAINS))]
    if len(counts) > _DOMAINS:
        rest = len(gold) - sum(n for _, n in counts.most_common(_DOMAINS))
        rows.append((f"其余 {len(counts) - _DOMAINS} 个", str(rest)))
    return rows


def _lengths(gold: Sequence[Gold]) -> Table:
    sizes: Ints = np.array([len(g.text) for g in gold])
    counts = np.histogram(sizes, _BANDS)[0]
    names = [f"{a}–{b - 1}" if b < _BANDS[-1] else f"{a} 以上" for a, b in itertools.pairwise(_BANDS)]
    return [
        ("字数", "文本", "占比"),
        *((name, str(n), f"{n / max(len(gold), 1):.1%}") for name, n in zip(names, counts.tolist(), strict=True)),
    ]


def _pairs(gold: Sequence[Gold]) -> Table:
    """Near misses by row of the codebook's table of confusable pairs, both sides of the line."""
    rows = sorted({g.pair for g in gold if g.pair}, key=lambda p: int("".join(filter(str.isdigit, p)) or 0))
    count = Counter((g.pair, g.positive) for g in gold)
    return [("易混对", "有标签", "空标签"), *((p, str(count[p, True]), str(count[p, False])) for p in rows)]


def _openings(gold: Sequence[Gold]) -> Table:
    distinct = len({squeeze(g.text)[:6] for g in gold})
    return [("前六字不同", "占比"), (str(distinct), f"{distinct / max(len(gold), 1):.1%}")]
