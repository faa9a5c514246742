# %% [markdown]
# # 模型怎样读一篇
#
# 一篇文本进来，判出哪些标签，依据是哪几个字，每个字加了多少分。文中的事都是编的。

# %%
from pipeline.documents import Document
from pipeline.model.explain import character_weights
from pipeline.reports.notebook import open_bench, reading, show
from pipeline.reports.page import Table
from pipeline.text.clean import clean

bench = open_bench()
scorer, taxonomy = bench.scorer, bench.taxonomy
scorer.bundle.id

# %%
text = (
    "我家门口的路灯坏了三个月，打热线反映了五次，每次都说已转给街道，街道说归城管，城管说归供电，没有一个单位来看。"
    "上周来了两个人，拍了几张照片就走，回访时却告诉我问题已经解决。"
)
prediction = scorer.score([Document("例一", text)])[0]
reading(text, prediction, taxonomy)

# %% [markdown]
# 标出的字就是证据；文中要有号码，会先遮盖再读。下面是分数最高的五个标签和各自的阈值：过了阈值才判。

# %%
scores = [(label, v) for labels in prediction.scores.values() for label, v in labels.items()]
threshold = {label: h.threshold for (_, label), h in zip(scorer.columns, scorer.bundle.heads, strict=False)}
rows = tuple(
    (taxonomy.label(label).name, f"{v:.3f}", f"{threshold[label]:.3f}")
    for label, v in sorted(scores, key=lambda s: -s[1])[:5]
)
show(Table("分数最高的五个", ("标签", "分数", "阈值"), rows))

# %% [markdown]
# 分数是各字贡献之和（对数几率）。按分句加起来，就看得出哪一句在起作用。

# %%
cleaned = clean(text).text
best = max(range(len(scorer.columns)), key=lambda j: scores[j][1])
expert = int(scorer.look([text]).expert[0])
weights = character_weights(cleaned, scorer.bundle, scorer.segmenter, expert=expert)[:, best]
ends = [i + 1 for i, c in enumerate(cleaned) if c in "，。,." or i == len(cleaned) - 1]
parts = [(cleaned[a:b], float(weights[a:b].sum())) for a, b in zip([0, *ends], ends, strict=False)]
rows = tuple((clause, f"{w:+.2f}") for clause, w in parts)
show(Table(f"“{taxonomy.label(scorer.columns[best][1]).name}”的对数几率从哪里来", ("分句", "加了多少"), rows))

# %% [markdown]
# 只**谈论**形式主义、没有发生具体事情的，不判标签。

# %%
speech = "会议强调，要力戒形式主义、官僚主义，切实为基层减负，坚决防止推诿扯皮。"
about = scorer.score([Document("例二", speech)])[0]
reading(speech, about, taxonomy)
