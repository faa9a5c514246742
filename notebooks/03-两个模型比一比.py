# %% [markdown]
# # 两个模型比一比
#
# 用四分之一的训练语料另训一个，与在用模型在同样的测试文本上成对比较：四倍的语料好多少，哪些标签看得出差别。
# 平时用 `zuofeng compare 甲 乙`，这里是同一个函数。

# %%
import tempfile
from pathlib import Path

from pipeline.model.bundle import load_bundle
from pipeline.model.compare import compare
from pipeline.model.promote import objections
from pipeline.model.recipe import Settings, read_settings
from pipeline.model.score import Scorer
from pipeline.model.train import train
from pipeline.reports.comparison import comparison_chart, comparison_tables
from pipeline.reports.notebook import open_bench, show
from pipeline.text.concepts import load_lexicon

bench = open_bench()
settings = bench.settings

# %%
learned = [g for g in bench.gold if g.part != "test"][::4]
recipe = read_settings(settings.training_file) if settings.training_file.is_file() else Settings()
with tempfile.TemporaryDirectory() as folder:
    path = train(
        taxonomy=bench.taxonomy,
        taxonomy_source=settings.taxonomy_file.read_bytes(),
        gold=learned,
        words=bench.words,
        lexicon=load_lexicon(settings.lexicon_file),
        out=Path(folder),
        settings=recipe,
    )
    small = Scorer(load_bundle(path), bench.words)
print(f"{len(learned)} 条训练出 {small.bundle.id}")

# %%
test = [g for g in bench.gold if g.part == "test"]
found = compare(small, bench.scorer, test, source="corpus", speed=False)
sides, rows, *_, flips = comparison_tables(found, flips=8)
show(sides, comparison_chart(found), rows)

# %% [markdown]
# 区间跨过零、校正后 p 大的，就是看不出差别，不是一样好。翻转的文本先列在用模型错的：

# %%
show(flips)

# %% [markdown]
# 要是反过来用小的换掉在用的，`promote` 会怎么说：

# %%
back = compare(bench.scorer, small, test, source="corpus", speed=False)
print("\n".join(objections(back)) or "没有反对的理由")
