"""What makes a gold corpus fit for use: evidence, whole groups, no near copies, no strings that come again."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from scipy import sparse

from pipeline.corpus.gold import PARTS, Gold
from pipeline.corpus.grams import Grams, hash_grams, squeeze
from pipeline.ndarrays import Bools, Ints, Keys

__all__ = ["find_mistakes", "near_duplicates", "shared_strings", "shared_with"]

#: Jaccard index from which on two texts are near copies, of the sets of their character n-grams of length GRAM.
NEAR, GRAM = 0.35, 5
#: So many characters in a row may stand in texts of no more than so many groups.
SHARED, SHARED_GROUPS = 12, 3
#: So many lines of public data are looked up at once.
LINES = 10_000
#: Names of offices and laws, dates, penalties and the set phrases of bulletins recur in any number of situations.
_EXCEPTED = re.compile(
    r"条例|办法|规定|委员会|管理局|有限公司|人民政府|监察|中华人民共和国|服务中心|登记中心|办公室"
    r"|年\d*月|\d年至\d|\d年[，,、]|年至20"
    r"|受到党内|警告处分|党内严重警告|党内职务|留党察看|政务撤职|政务降级|警告、政务|记大过|记过处分|开除公职"
    r"|党纪政务处分|所得予以|徒刑|并处罚金|受到组织处理|移送检察|审查起诉|提起公诉"
    r"|主义、官僚主义|式主义为基层减|基层减负专项|一些领导干部的问题|反映一些领导干部|领导干部的问题线索"
    r"|涉嫌犯罪|违纪违法|诫勉|政务记过|不良影响|理想信念|非法收受|以受贿罪|计算机信息系统|血液酒精"
    r"|捏造事实、诬告|事实、诬告陷害|身边不正之风|不正之风和|腐败和作风|打招呼、不听|陪同接待|落实会议、以文件|之日起|尊敬的"
    r"|以会议贯彻|以会议落|文件落实|形式主义突出|主义突出问题|突出问题为基层|整治形式主义|专项工作机制|指尖上的|僚主义典型"
    r"|生态环境保护督察|事故调查组|巡视组还收到|统一部署，市委|整改进展情况|审计发现的主要|互联网\+督查|群众路线教育|扫黑除恶"
    r"|振兴有效|拖欠民营企业|中小企业账|中小企业款项|学生营养改善|收入不低于当地|资收入不低于|不作为、慢作为|形象工程|通知如下"
    r"|问题线索|损害营商环境问题|办不成事|中共中央办公厅|中央办公厅、国|中央纪委国家|主要负责人"
)


def find_mistakes(gold: Sequence[Gold], public: Path | None = None) -> list[str]:
    """Return what is wrong with a corpus whose lines are already valid.

    ``public`` is a folder of ``.jsonl.gz`` files that the corpus must not repeat.
    """
    wrong = []
    for g in gold:
        shown = {e.label for e in g.evidence}
        wrong += [
            f"{g.id} -> 标签 {label} 没有证据" for labels in g.labels.values() for label in labels if label not in shown
        ]
        if g.part not in PARTS:
            wrong.append(f"{g.id} -> 没有 part（{'、'.join(PARTS)}）")
    parts: dict[str, set[str]] = {}
    for g in gold:
        parts.setdefault(g.group, set()).add(g.part)
    wrong += [f"组 {group} 分在 {'、'.join(sorted(p))} 几处" for group, p in sorted(parts.items()) if len(p) > 1]
    wrong += [f"{a} 与 {b} 近似（{j:.2f}）而不同组" for a, b, j in near_duplicates(gold)]
    wrong += [f"“{s}” 出现在 {n} 个组里" for s, n in shared_strings(gold)]
    if public is not None:
        wrong += [f"{i} 与公开数据有相同的十二字：{s}" for i, s in shared_with(gold, public)]
    return wrong


def near_duplicates(gold: Sequence[Gold]) -> list[tuple[str, str, float]]:
    """Return pairs of different groups whose character 5-gram sets have a Jaccard index over NEAR, and this index."""
    grams = Grams([squeeze(g.text) for g in gold], GRAM)
    at, of = _often(grams.hashes, 2)  # what stands once in all texts only counts
    kinds = int(of.max(initial=0)) + 1
    held = np.sort(grams.text[at] * kinds + of)
    fresh = _first(held)
    sizes = np.bincount(grams.text, minlength=len(gold)) - np.bincount(held[~fresh] // kinds, minlength=len(gold))
    x = sparse.csr_matrix((np.ones(fresh.sum(), np.float32), np.divmod(held[fresh], kinds)), (len(gold), kinds))
    group = np.unique([g.group for g in gold], return_inverse=True)[1]
    pairs = []
    turned = x.T.tocsr()
    for first in range(0, len(gold), 1000):
        common = (x[first : first + 1000] @ turned).tocoo()
        a, b = common.row + first, common.col
        jaccard = common.data / (sizes[a] + sizes[b] - common.data)
        near = (a < b) & (jaccard > NEAR) & (group[a] != group[b])
        pairs += [
            (gold[i].id, gold[j].id, v)
            for i, j, v in zip(a[near].tolist(), b[near].tolist(), jaccard[near].tolist(), strict=True)
        ]
    return pairs


def shared_strings(gold: Sequence[Gold]) -> list[tuple[str, int]]:
    """Return strings of SHARED characters that more than SHARED_GROUPS groups share, offices and laws excepted."""
    grams = Grams([squeeze(g.text) for g in gold], SHARED)
    group = np.unique([g.group for g in gold], return_inverse=True)[1][grams.text]
    come, _ = _often(grams.hashes, SHARED_GROUPS + 1)
    order = come[np.lexsort((group[come], grams.hashes[come]))]
    hashes, owner = grams.hashes[order], group[order]
    fresh = np.ones(len(order), bool)
    fresh[1:] = (hashes[1:] != hashes[:-1]) | (owner[1:] != owner[:-1])
    _, first, count = np.unique(hashes[fresh], return_index=True, return_counts=True)
    many = count > SHARED_GROUPS
    found = zip(order[fresh][first[many]].tolist(), count[many].tolist(), strict=True)
    return sorted((s, n) for at, n in found if not _EXCEPTED.search(s := grams.piece(at)))


def shared_with(gold: Sequence[Gold], public: Path) -> list[tuple[str, str]]:
    """Return ``(id, string)`` for the texts that share SHARED characters with a file in ``public``."""
    grams = Grams([squeeze(g.text) for g in gold], SHARED)
    known = np.sort(grams.hashes)  # and not `np.unique`, which hashes them once more: it takes ten times as long
    known = known[_first(known)]
    if not len(known):
        return []  # every text is shorter than that
    hit = np.zeros(len(known), bool)
    for path in sorted(public.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            while some := list(islice(lines, LINES)):
                # Sorted they are looked up in the order of memory; no text has the mark between two of them.
                theirs = np.sort(hash_grams(squeeze("\0".join(map(_said, some))), SHARED))
                at = _places(known, theirs)
                hit[at[known[at] == theirs]] = True
    first: dict[str, str] = {}
    if not len(known := known[hit]):
        return []
    for place in np.flatnonzero(known[_places(known, grams.hashes)] == grams.hashes).tolist():
        if not _EXCEPTED.search(piece := grams.piece(place)):
            first.setdefault(gold[int(grams.text[place])].id, piece)
    return sorted(first.items())


def _often(hashes: Keys, least: int) -> tuple[Ints, Ints]:
    """Return where the hashes stand that come ``least`` times or more often, and of each which one it is."""
    ascending = np.sort(hashes)  # alone they sort ten times as fast as with where they stand
    again = ascending[least - 1 :]
    again = again[again == ascending[: len(again)]]
    kinds = again[_first(again)]
    if not len(kinds):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    of = _places(kinds, hashes)
    at = np.flatnonzero(kinds[of] == hashes)
    return at, of[at]


def _first(ascending: Keys | Ints) -> Bools:
    """Tell which values differ from the one before."""
    first = np.ones(len(ascending), np.bool_)
    np.not_equal(ascending[1:], ascending[:-1], out=first[1:])
    return first


def _places(known: Keys, sought: Keys) -> Ints:
    """Return where in ascending ``known`` each one would stand, if at all."""
    return np.minimum(np.searchsorted(known, sought), len(known) - 1)


def _said(line: str) -> str:
    return "。".join(v for v in json.loads(line).values() if isinstance(v, str))
