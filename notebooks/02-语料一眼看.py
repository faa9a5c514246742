# %% [markdown]
# # 语料一眼看
#
# 有多少条、每个标签多少条、多长、哪些标签常在一起。数字与 `zuofeng corpus stats` 同出一处。

# %%
import altair as alt
import numpy as np
import pandas as pd

from pipeline.corpus.gold import label_matrix
from pipeline.corpus.tables import corpus_tables
from pipeline.reports.notebook import open_bench, show, tables
from pipeline.reports.page import Chart, Table, svg

bench = open_bench()
gold, taxonomy = bench.gold, bench.taxonomy
found = corpus_tables(gold, taxonomy)
show(*tables({name: found[name] for name in ("总量", "语域", "长度")}))

# %%
truth = label_matrix(gold, taxonomy)
names = [taxonomy.label(label).name for _, label in taxonomy.columns]
counts = pd.DataFrame({"标签": names, "条": truth.sum(0)})
bars = alt.Chart(counts).mark_bar().encode(x="条:Q", y=alt.Y("标签:N", sort="-x", axis=alt.Axis(labelLimit=240)))
show(Chart("每个标签有多少条", svg(bars)))

# %% [markdown]
# 哪些标签常在同一条里：只列超出独立时期望最多的十对。

# %%
share = truth.mean(0)
together = (truth.T.astype(float) @ truth) / len(gold)
lift = together / np.maximum(np.outer(share, share), 1e-12)
pairs = [(i, j) for i in range(len(names)) for j in range(i) if together[i, j] * len(gold) >= 5]
pairs.sort(key=lambda p: -lift[p])
rows = tuple((names[i], names[j], f"{together[i, j] * len(gold):.0f}", f"{lift[i, j]:.1f}") for i, j in pairs[:10])
show(Table("常在一起的标签", ("", "", "条", "是独立时的几倍"), rows))

# %% [markdown]
# 训练、开发、测试三边的标签分布应当差不多；差得多的，测出来的数字就不代表别处。

# %%
show(*tables({"标签": found["标签"]}))
