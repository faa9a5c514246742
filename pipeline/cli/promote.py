"""``zuofeng promote`` and ``zuofeng rollback``: one recorded switch of the live model."""

from __future__ import annotations

import getpass
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.common import Home, console, note, open_as_it_was, open_scorer
from pipeline.cli.screen import say
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.model.compare import Comparison
    from pipeline.taxonomy import Taxonomy

__all__ = ["Author", "ask_beforehand", "command", "compare_with_live", "make_live", "rollback_command", "whoami"]

Author = Annotated[
    str | None, typer.Option("--author", help="谁做的，默认系统用户名，经 sudo 的是敲 sudo 的人。", show_default=False)
]


def command(
    model: Annotated[str, typer.Argument(help="模型编号")],
    reason: Annotated[str, typer.Option("--reason", help="为什么换，记入沿革。")] = "",
    author: Author = None,
    gold: Annotated[list[Path] | None, typer.Option("--gold", help="在这些文本上比较，默认语料的 test 部分")] = None,
    force: Annotated[bool, typer.Option("--force", help="有反对理由也换；须写 --reason。")] = False,
    home: Home = None,
) -> None:
    """把一个模型设为在用：先与在用模型成对比较，许诺被违背或有标签显著下降就拒绝；动作记入沿革。"""
    settings, screen = load_settings(home), console()
    # A shell completes a number to the path of its folder.
    folder, model = settings.path("models"), Path(model).name
    make_live(settings, folder, model, gold, author=author or whoami(), reason=reason, force=force, screen=screen)
    screen.print(f"在用模型：{model}")


def rollback_command(
    reason: Annotated[str, typer.Option("--reason", help="为什么退回，记入沿革。")],
    author: Author = None,
    home: Home = None,
) -> None:
    """退回上一个在用模型；再运行一次就再退一步。不做比较，急用时也退得回去。"""
    from pipeline.model.promote import rollback

    settings = load_settings(home)
    fits = partial(open_scorer, settings, live=True)
    entry = rollback(settings.path("models"), author=author or whoami(), reason=reason, check=fits)
    note(settings)
    console().print(f"在用模型：{entry.model}（从 {entry.before} 退回）")


def make_live(
    settings: Settings,
    folder: Path,
    model: str,
    gold: list[Path] | None = None,
    *,
    author: str,
    reason: str,
    screen: Console,
    force: bool = False,
    action: str = "promote",
    **how: Any,
) -> None:
    """Compare ``model`` with the live one of ``folder``, put it live and tell the figures; ``how`` as in
    `compare_with_live`."""
    from pipeline.model.promote import ask_for_reason, promote, told
    from pipeline.model.registry import champion_id

    ask_for_reason(reason, force=force)
    # Both go by their ids, beside what is kept there of their trainings.
    there, live, found = settings.model_copy(update={"models": folder}), champion_id(folder), None
    if live is not None and live != model:
        with screen.status("与在用模型比较"):
            found = compare_with_live(there, live, model, gold, force=force, **how)
    else:
        open_scorer(there, model, live=True)
    promote(folder, model, author=author, reason=reason, found=found, force=force, action=action)
    note(settings)
    if found:
        say(screen, told(found))
    if live not in (None, model):
        say(screen, f"下一夜起用它；来源里不在了的旧件还是原来的分数，要一并换：zuofeng rescore --model {model}")


def compare_with_live(
    settings: Settings, live: str, model: str, gold: list[Path] | None, *, force: bool = False, **how: Any
) -> Comparison | None:
    """Compare ``model`` with the live one; None where that cannot be done and ``force`` lets it be; ``how`` as in
    `compare_on`.

    Raises BundleError: what is wrong with ``model``, or that the live one cannot be compared with and why.
    """
    from pipeline.cli.compare import compare_on
    from pipeline.errors import BundleError, ZuofengError
    from pipeline.model.compare import ask_for_same_labels
    from pipeline.model.promote import refusal

    challenger = open_scorer(settings, model, live=True)
    try:
        # The live one need not fit this home any more: a new dictionary is what one trains anew for.
        champion = open_as_it_was(settings, live)
        ask_for_same_labels(champion.bundle, challenger.bundle)
        return compare_on(settings, gold, champion, challenger, speed=False, **how)
    except ZuofengError as e:
        # A champion that is gone or damaged must not keep a good model out.
        if force:
            return None
        if isinstance(e, BundleError):
            raise refusal(challenger.bundle.id, [f"没法与在用模型比较：{e.message}（{e.code}）"]) from e
        raise


def ask_beforehand(settings: Settings, live: str, taxonomy: Taxonomy, *, home: str, promise: float) -> None:
    """Raise BundleError or CorpusError where no training could replace the ``live`` model, whatever it learns.

    What is trained will be of ``taxonomy``, at ``home`` as in Bundle, and promise ``promise``.
    """
    from pipeline.cli.compare import test_texts
    from pipeline.errors import BundleError
    from pipeline.model.promote import foreseen

    try:
        champion = open_as_it_was(settings, live).bundle
    except BundleError as e:
        against = [f"没法与在用模型比较：{e.message}（{e.code}）"]
    else:
        against = foreseen(champion, home, promise)
        if champion.taxonomy.columns != taxonomy.columns:
            against.append(f"{champion.id} 的标签与现行的不同，无法成对比较")
        elif not test_texts(settings, None, champion):
            against.append("corpora/gold 里没有 test 部分，没有可供比较的文本")
    if against:
        raise BundleError(
            "ZF-PROMOTE-REFUSED",
            f"还没有训练：训练出的换不下在用模型，有 {len(against)} 条理由",
            "去掉 --champion 先训练，再照理由里说的做；确要启用，用 zuofeng promote 加 --force --reason “理由”。",
            against,
        )


def whoami() -> str:
    """Return the name of the account that runs the command; of one that took another's rights by sudo, its own."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):  # an account without a name, as in some containers
        return "（无名账户）"
