"""``zuofeng compare A B``: two models on the same texts."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from functools import partial
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.common import Home, Output, console, is_foreign, open_as_it_was, out_file
from pipeline.cli.screen import say, table
from pipeline.errors import CorpusError
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from pipeline.corpus.gold import Gold
    from pipeline.model.adapt import Expectation
    from pipeline.model.bundle import Bundle
    from pipeline.model.compare import Comparison
    from pipeline.model.score import Scorer
    from pipeline.ndarrays import Bools

__all__ = ["command", "compare_on", "test_texts", "untaught"]

#: Flips shown on a terminal; the report has all.
SHOWN = 12


def command(
    a: Annotated[str, typer.Argument(help="甲：模型编号或目录，多半是在用的")],
    b: Annotated[str, typer.Argument(help="乙：模型编号或目录，多半是新训练的")],
    gold: Annotated[list[Path] | None, typer.Option("--gold", help="在这些文本上比较，默认语料的 test 部分")] = None,
    report: Annotated[Path | None, typer.Option("--report", callback=out_file, help="另存一份完整报告：.html")] = None,
    output: Output = "table",
    home: Home = None,
) -> None:
    """成对比较两个模型：逐标签的差、区间与检验，翻转的文本和证据，按语域与长度，许诺，速度。"""
    from pipeline.model.compare import ask_for_same_labels
    from pipeline.model.promote import objections

    settings = load_settings(home)
    one, other = open_as_it_was(settings, a), open_as_it_was(settings, b)
    # Before texts are read by the scheme of one of them.
    ask_for_same_labels(one.bundle, other.bundle)
    screen = console()
    with screen.status("比较") as status:
        found = compare_on(settings, gold, one, other, progress=lambda step: status.update(f"比较：{step}"))
    if report:
        from pipeline.reports.comparison import comparison_page

        report.write_text(comparison_page(found), encoding="utf-8")
    if output == "json":
        sys.stdout.write(json.dumps(found.to_dict(), ensure_ascii=False, indent=1) + "\n")
        return
    from pipeline.reports.comparison import comparison_tables

    *figures, flips = comparison_tables(found, flips=SHOWN)
    for t in figures:
        screen.print(table(t.title, t.head, t.rows))
    # The evidence stands behind what leads up to it.
    screen.print(table(flips.title, flips.head, flips.rows, lines=True))
    against = objections(found)
    for sentence in against:
        screen.print(f"反对启用乙：{sentence}", soft_wrap=True)
    if not against:
        screen.print("没有标签显著下降，没有许诺被违背。")
    if report:
        say(screen, f"报告：{report}")


def compare_on(
    settings: Settings,
    gold: list[Path] | None,
    one: Scorer,
    other: Scorer,
    *,
    texts: Sequence[Gold] = (),
    expected: Expectation | None = None,
    **how: Any,
) -> Comparison:
    """Compare two models on the texts of ``gold``, or on the test part of the home's corpus; ``how`` as `compare`
    takes it, ``expected`` as `compare_at_home`.

    What was read of ``gold`` before may be given as ``texts``: a pipe cannot be read twice.
    """
    from pipeline.model.compare import compare
    from pipeline.model.local import compare_at_home

    models = one.bundle, other.bundle
    if texts:
        fresh = untaught(settings, texts, *models)
        texts = list(compress(texts, fresh))
        expected = expected and expected.take(fresh)
    else:
        texts = test_texts(settings, gold, *models)
    if gold:
        return compare_at_home(one, other, texts, partial(open_as_it_was, settings), expected=expected, **how)
    return compare(one, other, texts, source="corpus", **how)


def test_texts(settings: Settings, gold: list[Path] | None, *models: Bundle) -> list[Gold]:
    """Return the texts of ``gold``, or the test part of the home's corpus, by the scheme of the last of ``models``,
    without those that one of them was trained on.

    Raises CorpusError when one of them was trained on the test part too, or on all; BadParameter when the corpus does
    not carry its labels.
    """
    from pipeline.corpus.gold import read_gold
    from pipeline.corpus.situations import join_copies

    if not gold and is_foreign(settings, models[-1]):
        raise typer.BadParameter(f"模型 {models[-1].id} 的标签与这里的语料不同：用 --gold 指定按它的标签标过的文本")
    if not gold and (taught := [m.id for m in models if m.manifest["corpus"].get("test")]):
        raise _taught(f"{'、'.join(taught)} 训练时连语料的 test 部分也用了（--all-parts），在那上面量出来的不算数")
    texts = read_gold(gold or settings.gold_files, models[-1].taxonomy)
    if not gold:
        texts = [g for g in texts if g.part == "test"]
    fresh = list(compress(texts, untaught(settings, texts, *models)))
    # The corpus is checked to have its copies in groups; nobody checks what people bring.
    return join_copies(fresh) if gold else fresh


def untaught(settings: Settings, texts: Sequence[Gold], *models: Bundle) -> Bools:
    """Return which of ``texts`` none of ``models`` was trained on, (texts,), and say of how many one was.

    Raises CorpusError when none is left.
    """
    from pipeline.model.familiar import trained_on

    known = trained_on(settings.path("models"), texts, *(m.manifest for m in models))
    if len(texts) and known.all():
        raise _taught(f"{len(texts)} 条都是 {'、'.join(m.id for m in models)} 训练时用过的，在那上面量出来的不算数")
    if known.any():
        typer.echo(f"{len(texts)} 条里有 {int(known.sum())} 条训练时用过，没有算：它们的答案模型记得。", err=True)
    return ~known


def _taught(what: str) -> CorpusError:
    return CorpusError("ZF-TEST-LEARNED", what, "换成没有用来训练的；没有，就把一部分的 part 写成 test，重新训练。")
