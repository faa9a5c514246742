"""Which texts speak of one situation: those of one group, and near copies, whoever gave them groups or did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scipy.cluster.hierarchy import DisjointSet

from pipeline.corpus.check import near_duplicates
from pipeline.corpus.gold import Gold

__all__ = ["join_copies"]


def join_copies(gold: Sequence[Gold]) -> list[Gold]:
    """Return ``gold`` with the groups of near copies made one: the smallest name that groups and copies lead to."""
    of = {g.id: g.group for g in gold}
    groups = DisjointSet(of.values())
    for a, b, _ in near_duplicates(gold):
        groups.merge(of[a], of[b])
    name = {group: min(joined) for joined in groups.subsets() for group in joined}
    return [replace(g, group=name[g.group]) for g in gold]
