"""``zuofeng adapt``: reviewed documents of this office → a bundle that is at home there, and what to expect of it."""

from __future__ import annotations

from itertools import compress
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from pipeline.cli.common import (
    Home,
    Model,
    Promise,
    console,
    open_scorer,
    out_folder,
    read_documents,
    read_promise,
)
from pipeline.cli.compare import untaught
from pipeline.cli.promote import make_live, whoami
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.model.score import Scorer

__all__ = ["command"]


def command(
    reviewed: Annotated[
        list[Path] | None,
        typer.Option("--reviewed", help="复核过的本地文本 .jsonl（id、text、labels），可多次", metavar="文件"),
    ] = None,
    unlabelled: Annotated[
        list[Path] | None,
        typer.Option(
            "--unlabelled", help="还没有复核时：本单位没有标注的来文，可多次；只定说法有多陌生", metavar="文件"
        ),
    ] = None,
    promise: Promise = None,
    out: Annotated[
        Path | None, typer.Option("--out", callback=out_folder, help="模型写到哪个目录，默认 models")
    ] = None,
    champion: Annotated[
        bool, typer.Option("--champion", help="与在用模型比较（复核过的按交叉验证），没有反对理由就设为在用模型。")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", help="为什么换，记入沿革。")] = "",
    force: Annotated[bool, typer.Option("--force", help="有反对理由也换；须写 --reason。")] = False,
    model: Model = None,
    home: Home = None,
) -> None:
    """按本单位的来文重设，不重新训练：照几百条复核过的定校准与阈值，或照没有标注的定说法。"""
    from pipeline.corpus.gold import read_gold
    from pipeline.corpus.situations import join_copies
    from pipeline.model.adapt import adapt
    from pipeline.model.evaluate import LEAST, macro_f1, paired_difference, problem_f1
    from pipeline.model.promote import ask_for_reason

    if bool(reviewed) == bool(unlabelled):
        raise typer.BadParameter("--reviewed 与 --unlabelled 给一样：复核过的重设起来，已把说法全按陌生算")
    if unlabelled and promise:
        raise typer.BadParameter("--promise 要有复核过的才检验得了，不能与 --unlabelled 同用")
    precision = read_promise(promise)
    if champion:
        # Minutes later would be late to say so.
        ask_for_reason(reason, force=force)
    settings = load_settings(home)
    scorer = open_scorer(settings, model)
    target = out or settings.path("models")
    screen = console()
    how: dict[str, Any] = {"author": whoami(), "force": force, "screen": screen, "action": "adapt"}
    if unlabelled:
        folder = _accustom(scorer, [d.text for d in read_documents(unlabelled, settings, screen)], target, screen)
        if champion:
            make_live(
                settings, target, folder.name, reason=reason or ("" if force else "照没有标注的来文定说法"), **how
            )
            screen.print("已设为在用模型。")
        else:
            screen.print(f"要启用：zuofeng promote {folder.name}")
        return
    taxonomy = scorer.bundle.taxonomy
    gold = read_gold(reviewed or (), taxonomy)
    gold = join_copies(list(compress(gold, untaught(settings, gold, scorer.bundle))))
    with screen.status("重设"):
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
    if not precision and not any(low > 0 for _, low, _ in gap.values()):
        screen.print("宏 F1 还看不出明显长进；不急着换，可以多复核一些再重设。")
    if champion:
        said = reason or ("" if force else f"用 {len(gold)} 条复核过的文本重设，预期按交叉验证")
        make_live(settings, target, folder.name, reviewed, reason=said, texts=gold, expected=expected, **how)
        screen.print("已设为在用模型。")
    else:
        given = " ".join(f"--gold {quote(str(p))}" for p in reviewed or ())
        screen.print(f"要启用：zuofeng promote {folder.name} {given}", highlight=False, soft_wrap=True)


def _accustom(scorer: Scorer, texts: list[str], out: Path, screen: Console) -> Path:
    """Write a model that takes these texts' wording for usual and show what it decides differently in them."""
    from pipeline.model.accustom import accustom
    from pipeline.model.bundle import load_bundle

    with screen.status("看来文的说法"):
        folder, level = accustom(scorer, texts, out)
        home = scorer.reading_as(load_bundle(folder))
        said = [s.decide(s.probabilities(texts)) for s in (scorer, home)]
    table = Table("", "原模型", "照来文定说法后", title=f"{len(texts)} 条没有标注的来文", title_justify="left")
    before = scorer.bundle.wording.level
    table.add_row("说法陌生到", "各条不同" if before is None else f"{before:.2f}", f"{level:.2f}")
    table.add_row("判出标签的文本", *(f"{of.any(1).mean():.1%}" for of in said))
    table.add_row("判出的标签", *(f"{of.sum():,}" for of in said))
    screen.print(table)
    screen.print(f"新模型 {folder.name}，出自 {scorer.bundle.id}")
    return folder
