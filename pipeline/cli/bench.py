"""``zuofeng bench``: the measurements behind the figures in the documents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.table import Table

from pipeline.cli.common import Home, Model, console, open_scorer, open_scoring, out_file, out_folder
from pipeline.cli.screen import say, table
from pipeline.settings import load_settings
from pipeline.taxonomy import Taxonomy, load_taxonomy

if TYPE_CHECKING:
    from pipeline.bench.accuracy import Local
    from pipeline.corpus.gold import Gold
    from pipeline.model.score import Scorer

__all__ = ["accuracy", "corpus", "fuzz", "tables"]

Public = Annotated[Path | None, typer.Option("--public", help="公开数据目录，默认 ../shared/data", show_default=False)]
Picture = Annotated[Path | None, typer.Option("--picture", callback=out_file, help="曲线图存为 .svg")]

#: What speaks of conduct without being about one case.
TALK = (
    "speech", "regulation", "notice", "training_plan", "clue_call", "praise", "good_practice", "commentary",
    "statistics", "policy_qa",
)  # fmt: skip
REQUESTS = ("message_board", "hotline_ticket", "petition_letter")
#: What another person called the real messages, their labels hidden, and labels of messages that nobody who wrote the
#: corpus has read; files below corpora.
SECOND, UNREAD = "second-messages.jsonl", "unread-messages.jsonl"
READ, NEVER_READ = "带标签的真实留言", "写语料的人没有读过的真实留言"
#: Texts that two people labelled and nothing learns from: the file below corpora, and how the ids begin.
PEOPLE = {
    "转述的真实通报": ("retold.jsonl", "c"),
    "转述的真实通报，第十五轮": ("retold.jsonl", "n"),
    "对着模型写的，行为从痕迹说出": ("adversarial.jsonl", "trace-"),
    "对着模型写的，平常话": ("adversarial.jsonl", "plain-"),
}


def accuracy(
    public: Public = None,
    local: Annotated[list[int] | None, typer.Option("--local", min=50, help="用多少条真实留言 adapt，可多次")] = None,
    unlabelled: Annotated[
        int,
        typer.Option("--unlabelled", min=0, help="照这么多条没有标注的真实留言定说法（adapt --unlabelled），再量一遍"),
    ] = 6000,
    picture: Picture = None,
    model: Model = None,
    home: Home = None,
) -> None:
    """在用模型在语料 test 部分（与通常写法对照）和带标签的真实留言上的准确度。"""
    from tempfile import TemporaryDirectory

    from pipeline.bench import accuracy as bench
    from pipeline.bench.curve import fit_plain
    from pipeline.bench.needle import find_needles, hide_needles, read_alone
    from pipeline.bench.public import labelled_messages, public_folder, second_reading, unlabelled_messages
    from pipeline.corpus.agreement import pair_labels, pair_records
    from pipeline.corpus.gold import label_matrix, read_gold
    from pipeline.model.accustom import accustom, on_corpus
    from pipeline.model.bundle import load_bundle
    from pipeline.model.calibrate import expected_calibration_error
    from pipeline.model.evaluate import macro_f1, paired_difference, plain_decisions, problem_f1

    settings = load_settings(home)
    scorer = on_corpus(open_scorer(settings, model))
    taxonomy = scorer.bundle.taxonomy
    folder = public_folder(public, settings.home)
    messages = {READ: labelled_messages(folder, taxonomy)}
    corpora = settings.path("corpora")
    if (labels := corpora / UNREAD).is_file() and (some := labelled_messages(folder, taxonomy, labels)):
        messages[NEVER_READ] = some
    reviewed = local or (100, 300, 1000)
    gold = read_gold(settings.gold_files, taxonomy)
    test = [g for g in gold if g.part == "test"]
    out = console()
    with out.status("测量"):
        truth = label_matrix(test, taxonomy)
        scores = scorer.probabilities([g.text for g in test])
        called = scorer.decide(scores)
        train = [g for g in gold if g.part != "test"]
        tuned, thresholds = fit_plain(train, test, taxonomy)
        others = {"通常写法：jieba 词，阈值 0.5": plain_decisions(train, test, taxonomy)}
        others["词 ∪ 字，阈值在训练部分上定"] = tuned >= thresholds
        mine = macro_f1(truth, called, taxonomy)
        error = np.mean([expected_calibration_error(scores[:, j], truth[:, j]) for j in range(truth.shape[1])])
        spans, shown = bench.span_f1(scorer, [g for g in test if g.positive])
        hidden = hide_needles(test)
        needles = find_needles(scorer, hidden)
        known = {g.text for some in messages.values() for g in some}
        archive = [t for t in unlabelled_messages(folder) if t not in known][:unlabelled]
        with TemporaryDirectory() as aside:
            # Whoever reviews some takes all wording for strange anyhow: this is for those who have reviewed none.
            at_home = scorer.reading_as(load_bundle(accustom(scorer, archive, Path(aside))[0])) if archive else None
        rows: dict[str, list[tuple[str, Local]]] = {}
        for title, some in messages.items():
            rows[title] = [
                (str(f.reviewed), f) for f in bench.on_messages(scorer, some, [n for n in reviewed if n < len(some)])
            ]
            if at_home:
                unread = bench.on_messages(at_home, some, ())[0]
                rows[title].insert(1, (f"0，照 {len(archive):,} 条没有标注的定说法", unread))
            if (labels := corpora / SECOND).is_file() and (again := second_reading(labels, some)):
                those = {g.id for g in again}
                first, second = (label_matrix(x, taxonomy) for x in ([g for g in some if g.id in those], again))
                rows[title].append((f"第二人，{len(again):,} 条", bench.figures(0, first, second, taxonomy)))
    on_test = [("宏 F1", *(f"{mine[s.id]:.3f}" for s in taxonomy.schemes))]
    for name, theirs in others.items():
        found_there = macro_f1(truth, theirs, taxonomy)
        gap = paired_difference(truth, called, theirs, [g.group for g in test], taxonomy)
        on_test.append((name, *(f"{found_there[s.id]:.3f}" for s in taxonomy.schemes)))
        said = {s: "{:+.3f} [{:+.3f}, {:+.3f}]".format(*of) for s, of in gap.items()}
        on_test.append(("　差（95% 区间）", *(said.get(s.id, "–") for s in taxonomy.schemes)))
    title = f"语料 test 部分 {len(test)} 条，模型 {scorer.bundle.id}"
    out.print(table(title, ("", *(s.name for s in taxonomy.schemes)), on_test))
    more = Table("项目", "数值", title="同上")
    more.add_row("有无问题 F1", f"{problem_f1(truth, called):.3f}")
    for name, registers in (("只是谈论的文本误报率", TALK), ("一般诉求误报率", REQUESTS)):
        texts, share = bench.false_alarms(test, called, registers)
        more.add_row(f"{name}（{texts} 条）", f"{share:.1%}")
    more.add_row("期望校准误差", f"{error:.4f}")
    more.add_row("证据与人圈的字 F1", f"{spans:.3f}")
    more.add_row("判出标签的都有证据", f"{shown:.1%}")
    more.add_row(f"三十句里藏一句（{needles.cases} 篇）：以那一句为证据找到", str(needles.found))
    more.add_row(f"同样 {needles.cases} 篇不藏：误报", str(needles.false_alarms))
    if (readings := corpora / "second-sentences.jsonl").is_file():
        people = read_alone(hidden, pair_records(readings, taxonomy), test)
        more.add_row(f"藏的 {people.cases} 句，两人各只看那一句：认出", "、".join(map(str, people.found)))
        alarms = "、".join(map(str, people.false_alarms))
        more.add_row(f"空标签文本的 {people.others} 句，两人各只看那一句：误认", alarms)
    out.print(more)
    f1_heads = (*(f"{s.name} 宏 F1（微）" for s in taxonomy.schemes), "有无问题 F1")
    for title, (file, begin) in PEOPLE.items():
        if not (corpora / file).is_file():
            continue
        records = [r for r in pair_records(corpora / file, taxonomy) if str(r["id"]).startswith(begin)]
        first, second = pair_labels(records, taxonomy)
        theirs = scorer.decide(scorer.probabilities([r["text"] for r in records]))
        alone = ((who, bench.figures(0, first, of, taxonomy)) for who, of in (("模型", theirs), ("第二人", second)))
        figures = ((who, *_f1s(f, taxonomy), f"{f.problem_f1:.3f}") for who, f in alone)
        title = f"{title} {len(first)} 条（没有用于训练），对第一人的标注"
        out.print(table(title, ("", *f1_heads), figures))
    for title, measured in rows.items():
        _print_messages(f"{title} {len(messages[title])} 条（没有用于训练）", measured, taxonomy)
        _print_parts(title, scorer, messages[title])
    if picture:
        bench.draw_local([f for n, f in rows[READ] if n.isdigit()], taxonomy, picture)
        out.print(f"图：{picture}")


def _print_messages(title: str, rows: Sequence[tuple[str, Local]], taxonomy: Taxonomy) -> None:
    out = console()
    heads = ("本地复核条数", *(f"{s.name} 宏 F1（微）" for s in taxonomy.schemes), "宏 F1，只算其余里够五个的")
    left = [" / ".join(f"{f.macro_left[s.id]:.3f}" for s in taxonomy.schemes) for _, f in rows]
    out.print(table(title, heads, ((n, *_f1s(f, taxonomy), five) for (n, f), five in zip(rows, left, strict=True))))
    rates = ((n, f"{f.problem_f1:.3f}", *(f"{rate:.0%}" for rate in f.rates)) for n, f in rows)
    out.print(table("同上", ("本地复核条数", "有无问题 F1", "查准", "查全", "误报"), rates, words=1))


def _print_parts(title: str, scorer: Scorer, messages: Sequence[Gold]) -> None:
    """Print where the model as trained is weak on ``messages``: by length, and by label with intervals."""
    from pipeline.bench.accuracy import by_length
    from pipeline.corpus.gold import label_matrix
    from pipeline.model.evaluate import LEAST, measure

    taxonomy, out = scorer.bundle.taxonomy, console()
    called = scorer.decide(scorer.probabilities([g.text for g in messages]))
    rows = [
        (name, f"{many}", f"{share:.0%}", *_f1s(f, taxonomy), f"{f.problem_f1:.3f}", *(f"{r:.0%}" for r in f.rates))
        for name, many, share, f in by_length(messages, called, taxonomy)
    ]
    f1s = [f"{s.name} 宏 F1（微）" for s in taxonomy.schemes]
    heads = ("", "条", "有问题", *f1s, "有无问题 F1", "查准", "查全", "误报")
    out.print(table(f"{title}，按长度，没有本地标签", heads, rows, words=1))
    names = {label.id: label.name for s in taxonomy.schemes for label in s.labels}
    measured = measure(label_matrix(messages, taxonomy), called, taxonomy)["labels"]
    labels = [
        (names[label], str(f["positives"]), *(_interval(f[of]) for of in ("precision", "recall", "f1")))
        for label, f in measured.items()
        if f["positives"] >= LEAST
    ]
    heads = ("标签", "正例", "查准（95% 区间）", "查全", "F1")
    out.print(table(f"{title}，逐标签，没有本地标签", heads, labels, words=1))


def _interval(of: Sequence[float]) -> str:
    return "{:.2f} [{:.2f}, {:.2f}]".format(*of)


def _f1s(found: Local, taxonomy: Taxonomy) -> list[str]:
    # Of few texts no label may have enough positives for an average.
    macro = {s: "–" if np.isnan(f1) else f"{f1:.3f}" for s, f1 in found.macro_f1.items()}
    return [f"{macro[s.id]}（{found.micro_f1[s.id]:.3f}）" for s in taxonomy.schemes]


def corpus(
    public: Public = None,
    picture: Picture = None,
    first: Annotated[str, typer.Option("--first", help="首批文本的编号以什么开头")] = "s-",
    local: Annotated[int, typer.Option("--local", min=20, help="用多少条真实留言重设阈值")] = 300,
    home: Home = None,
) -> None:
    """学习曲线：通常写法用八分之一到全部语料训练，测在语料的 test 部分和带标签的真实留言上。"""
    from pipeline.bench.curve import draw_curve, learning_curve
    from pipeline.bench.public import labelled_messages, public_folder
    from pipeline.corpus.gold import read_gold

    settings = load_settings(home)
    taxonomy = load_taxonomy(settings.taxonomy_file)
    messages = labelled_messages(public_folder(public, settings.home), taxonomy)
    gold = read_gold(settings.gold_files, taxonomy)
    out = console()
    with out.status("训练") as status:
        points = learning_curve(
            [g for g in gold if g.part != "test"],
            [g for g in gold if g.part == "test"],
            messages,
            taxonomy,
            first=lambda g: g.id.startswith(first),
            local=local,
            progress=lambda step: status.update(f"训练：{step}"),
        )
    title = f"词 ∪ 字，TF-IDF，逻辑回归；真实留言 {len(messages)} 条（没有用于训练），宏 F1 只算五个以上正例的标签"
    head = ("训练", "文本", "测在", "阈值", *(s.name for s in taxonomy.schemes))
    rows = (
        (p.training, str(p.texts), p.test, p.thresholds, *(f"{v:.3f}" for v in p.macro_f1.values())) for p in points
    )
    out.print(table(title, head, rows))
    if picture:
        draw_curve(points, taxonomy, picture)
        out.print(f"图：{picture}")


def tables(
    rows: Annotated[int, typer.Option("--rows", min=1000, help="表里放多少行")] = 200_000,
    database: Annotated[
        str | None, typer.Option("--database", help="空的 PostgreSQL 库的地址，默认临时起一个", show_default=False)
    ] = None,
    model: Model = None,
    home: Home = None,
) -> None:
    """一夜：PostgreSQL 的表读出、打分、写回同一张表的列；与同样内容的文件对比用时，并抽查。"""
    import tempfile
    from contextlib import ExitStack

    from pipeline.bench.postgres import temporary_server
    from pipeline.bench.tables import measure_tables
    from pipeline.corpus.gold import read_gold

    settings = load_settings(home)
    scorer = open_scorer(settings, model)
    gold = read_gold(settings.gold_files, scorer.bundle.taxonomy)
    out = console()
    with (
        ExitStack() as stack,
        tempfile.TemporaryDirectory() as folder,
        open_scoring(settings, scorer) as worker,
        out.status("准备") as status,
    ):
        url = database or stack.enter_context(temporary_server()).get_uri()
        found = measure_tables(
            [g.text for g in gold], rows=rows, database=url, folder=Path(folder), scorer=scorer, scoring=worker,
            chunk=settings.chunk, told=status.update,
        )  # fmt: skip
    nights = []
    for n in found.nights:
        counts = (n.report.read, n.report.new, n.report.unchanged, n.report.rejected, n.scored_rows)
        nights.append((n.name, *(f"{c:,}" for c in counts), f"{n.seconds:.1f}", f"{n.report.read / n.seconds:,.0f}"))
    title = f"{rows:,} 行，其中 {found.empty:,} 行没有正文；模型 {scorer.bundle.id}"
    head = ("", "读入", "新增", "未变", "搁置", "有分数的行", "秒", "每秒")
    out.print(table(title, head, nights, words=1))
    out.print(f"表里现有 {found.rows:,} 行，{found.keys:,} 个不同的键。")
    spots = (
        (str(s.key), f"{s.table:.6f}", f"{s.file:.4f}", f"{s.scorer:.6f}", "是" if s.all_equal else "否")
        for s in found.spots
    )
    out.print(table("抽查", ("键", "表里的问题分", "文件里的", "重算的", "全部分数一致"), spots))
    if not all(s.all_equal for s in found.spots):
        raise typer.Exit(3)


def fuzz(
    inputs: Annotated[int, typer.Option("--inputs", min=1, help="每种格式多少份损坏的输入")] = 20_000,
    first: Annotated[int, typer.Option("--first", min=0, help="从第几号开始；同一号码总是同一份输入")] = 0,
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help="只做这一种，可多次", show_default="全部", metavar="格式")
    ] = None,
    keep: Annotated[Path | None, typer.Option("--keep", callback=out_folder, help="把出问题的输入存到这个目录")] = None,
) -> None:
    """把成千上万份损坏的文件和模型喂给读取程序：不许崩溃、卡住、吃光内存，也不许有没编号的错误。"""
    from pipeline.bench.fuzz import KINDS, mutant
    from pipeline.bench.fuzz import fuzz as run

    if wrong := [k for k in kind or () if k not in KINDS]:
        raise typer.BadParameter(f"没有这种格式：{'、'.join(wrong)}；有 {'、'.join(KINDS)}")
    out = console()
    with out.status("准备") as status:
        found = [
            run(k, inputs, first=first, told=lambda done, k=k: status.update(f"{k} {done:,}"))  # type: ignore[misc]
            for k in kind or KINDS
        ]
    head = (
        "格式", "份数", "读出结果", "有编号的错误", "崩溃", "超过 5 秒", "超过 1 GB", "没编号的错误", "最慢（秒）",
        "用时（秒）",
    )  # fmt: skip
    rows = []
    for o in found:
        bad = [sum(f.kind == k for f in o.findings) for k in ("crash", "hang", "memory", "uncoded")]
        counts = (o.inputs, o.results, o.coded, *bad)
        rows.append((o.kind, *(f"{c:,}" for c in counts), f"{o.slowest:.2f}", f"{o.seconds:.0f}"))
    out.print(table("损坏的输入", head, rows, words=1))
    for o in found:
        codes = "、".join(f"{code} {n:,}" for code, n in o.codes.most_common())
        say(out, f"{o.kind}：{codes or '没有错误'}")
        for f in o.findings[:20]:
            say(out, f"  {f.number} 号 {f.kind}：{f.what}")
        for f in o.findings if keep else ():
            folder = Path(str(keep)) / f"{o.kind}-{f.number}"
            folder.mkdir(parents=True, exist_ok=True)
            for name, data in mutant(o.kind, f.number).items():
                (folder / name).write_bytes(data)
    if any(o.findings for o in found):
        raise typer.Exit(3)
