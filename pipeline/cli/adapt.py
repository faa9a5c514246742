"""``zuofeng adapt``: reviewed documents of this office → a bundle that is at home there, and what to expect of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from pipeline.cli.common import (
    Home,
    Model,
    Promise,
    console,
    note,
    open_as_it_was,
    open_scorer,
    out_folder,
    read_promise,
)
from pipeline.cli.promote import whoami
from pipeline.settings import load_settings

__all__ = ["command"]


def command(
    reviewed: Annotated[
        list[Path], typer.Option("--reviewed", help="复核过的本地文本 .jsonl（id、text、labels），可多次")
    ],
    promise: Promise = None,
    out: Annotated[
        Path | None, typer.Option("--out", callback=out_folder, help="模型写到哪个目录，默认 models")
    ] = None,
    champion: Annotated[
        bool, typer.Option("--champion", help="按交叉验证与在用模型比较，没有反对理由就设为在用模型。")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", help="为什么换，记入沿革。")] = "",
    force: Annotated[bool, typer.Option("--force", help="有反对理由也换；须写 --reason。")] = False,
    model: Model = None,
    home: Home = None,
) -> None:
    """用几百条复核过的本地文本重设校准与阈值，不重新训练；说明预期有多少长进。"""
    from pipeline.corpus.gold import read_gold
    from pipeline.errors import ZuofengError
    from pipeline.model.adapt import adapt
    from pipeline.model.bundle import load_bundle
    from pipeline.model.evaluate import LEAST, macro_f1, paired_difference, problem_f1
    from pipeline.model.local import compare_expected
    from pipeline.model.promote import promote
    from pipeline.model.registry import champion_id

    settings = load_settings(home)
    scorer = open_scorer(settings, model)
    taxonomy = scorer.bundle.taxonomy
    gold = read_gold(reviewed, taxonomy)
    precision = read_promise(promise)
    screen = console()
    with screen.status("重设"):
        target = out or settings.path("models")
        folder, expected = adapt(scorer, gold, target, promise=precision)
        truth, before, after = expected.truth, expected.before, expected.after
        gap = paired_difference(truth, after, before, [g.group for g in gold], taxonomy)
    table = Table(
        "", "原模型", "重设后", "差（95% 区间）", title=f"预期（{len(gold)} 条，交叉验证）", title_justify="left"
    )
    old, new = macro_f1(truth, before, taxonomy), macro_f1(truth, after, taxonomy)
    for s in taxonomy.schemes:
        if s.id not in gap:
            table.add_row(f"{s.name} 宏 F1", "–", "–", f"没有标签有 {LEAST} 个正例")
            continue
        change = "{:+.3f} [{:+.3f}, {:+.3f}]".format(*gap[s.id])
        table.add_row(f"{s.name} 宏 F1", f"{old[s.id]:.3f}", f"{new[s.id]:.3f}", change)
    was, now = problem_f1(truth, before), problem_f1(truth, after)
    table.add_row("有无问题 F1", f"{was:.3f}", f"{now:.3f}", f"{now - was:+.3f}")
    if precision:
        rows = [(truth & called).sum() / max(called.sum(), 1) for called in (before, expected.reached)]
        table.add_row("判出的标签的查准率", *(f"{v:.3f}" for v in rows), f"许诺 {precision:.3f}")
        table.add_row("判出的标签", str(before.sum()), str(expected.reached.sum()), "其余交人")
    screen.print(table)
    screen.print(f"新模型 {folder.name}，出自 {scorer.bundle.id}")
    if champion:
        with screen.status("与在用模型比较"):
            live = champion_id(target)
            found = None
            if live is not None:
                try:
                    old_scorer = open_as_it_was(settings, str(target / live))
                    found = compare_expected(old_scorer, load_bundle(folder), gold, expected)
                except ZuofengError:
                    # As in promote: what cannot be compared is left to whoever gives a reason.
                    if not force:
                        raise
        reason = reason or ("" if force else f"用 {len(gold)} 条复核过的文本重设，预期按交叉验证")
        promote(target, folder.name, author=whoami(), reason=reason, found=found, force=force, action="adapt")
        note(settings)
        screen.print("已设为在用模型。")
    elif precision or any(low > 0 for _, low, _ in gap.values()):
        screen.print(f"要启用：zuofeng promote {folder.name}")
    else:
        screen.print("这些文本还看不出明显长进；多复核一些再重设。")
