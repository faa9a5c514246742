# %% [markdown]
# # 变了什么
#
# 从语料里抽两个“月”：先是什么都没变的，再在后一个月里多放一些某个标签的文本。安静时不报，变了才报。
# 平时用 `zuofeng drift`，比较的是存储里最近一段与此前一段。

# %%
import numpy as np

from pipeline.analyst.drift import find_drift
from pipeline.analyst.windows import make_window
from pipeline.corpus.gold import label_matrix
from pipeline.documents import Document
from pipeline.reports.drifting import drift_table
from pipeline.reports.notebook import open_bench, show

bench = open_bench()
labels = [label for _, label in bench.taxonomy.columns]
truth = label_matrix(bench.gold, bench.taxonomy)
dice = np.random.default_rng(20260301)
order = dice.permutation(len(bench.gold))
size = min(600, len(order) // 3)
before, now, rest = order[:size], order[size : 2 * size], order[2 * size :]


# %%
def month(rows):
    """打分，连同随机分的区县。"""
    places = dice.integers(0, 2, len(rows))
    texts = [bench.gold[r] for r in rows]
    named = [("青石区", "云桥区")[p] for p in places]
    return make_window(
        bench.scorer, [Document(g.id, g.text, meta={"district": d}) for g, d in zip(texts, named, strict=True)]
    )


quiet = find_drift(month(before), month(now), labels)
print(f"比了 {len(quiet)} 项，校正后站得住的 {sum(f.sure for f in quiet)} 项")

# %% [markdown]
# 现在把后一个月的一半换成带同一个标签的文本。

# %%
most = int(truth[rest].sum(0).argmax())
planted = [r for r in rest if truth[r, most]][: size // 2]
changed = np.concatenate([now[len(planted) :], planted])
found = find_drift(month(before), month(changed), labels)
sure = [f for f in found if f.sure]
name = bench.taxonomy.label(labels[most]).name
title = f"多放了 {len(planted)} 条“{name}”"
show(drift_table(sure or found[:8], bench.taxonomy, title if sure else f"{title}，没有站得住的，列最前的几项"))

# %% [markdown]
# 每一项的最后一列就是背后的文本，读几条才知道是真变了，还是同一件事多人反映。
