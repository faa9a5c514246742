"""``zuofeng rescore``: another model over what is stored."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from pipeline.cli.common import Home, Model, Store, console, note, open_scorer, open_scoring
from pipeline.cli.nightly import Bar, show
from pipeline.cli.promote import compare_with_live, whoami
from pipeline.cli.screen import say
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from pipeline.model.compare import Comparison

__all__ = ["command"]


def command(
    since: Annotated[
        dt.datetime | None,
        typer.Option(
            "--since", formats=["%Y-%m-%d"], help="只算这一天（含）以后存入的文本，默认全部；不能与 --promote 同用。"
        ),
    ] = None,
    model: Model = None,
    promote: Annotated[
        bool,
        typer.Option("--promote", help="先与在用模型比较，有反对理由就不算；全部算完、没有搁置时换上，新旧不混。"),
    ] = False,
    gold: Annotated[
        list[Path] | None, typer.Option("--gold", help="--promote 在这些文本上比较，默认语料的 test 部分")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="为什么换，记入沿革。")] = "",
    store: Store = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只说要重算多少，不打分不写入。")] = False,
    home: Home = None,
) -> None:
    """用另一个模型重算存储里的文本；旧的打分保留可查，中断后重跑即接着做。"""
    from pipeline.batch.logs import configure_logs
    from pipeline.batch.patience import Patience
    from pipeline.batch.rescore import rescore
    from pipeline.batch.watch import watched
    from pipeline.model.live import CHINA

    if since and promote:
        raise typer.BadParameter("--promote 要重算全部文本：去掉 --since；只换在用模型用 zuofeng promote。")
    if gold and not promote:
        raise typer.BadParameter("--gold 是 --promote 比较用的：加上 --promote，或去掉 --gold。")
    settings = load_settings(home, store=store)
    configure_logs(settings.log)
    scorer = open_scorer(settings, model, keep=not dry_run)
    out = console()
    found = _compared(settings, scorer.bundle.id, gold, out) if promote and not dry_run else None
    with (
        watched(metrics=None, alert=[] if dry_run else settings.alert, work="重新打分") as watch,
        open_scoring(settings, scorer) as worker,
        Bar(out) as bar,
    ):
        report = watch.report = rescore(
            scorer=scorer,
            store=settings.store_url,
            state=settings.path("state"),
            since=since.replace(tzinfo=CHINA) if since else None,
            chunk=settings.chunk,
            dry_run=dry_run,
            scoring=worker,
            patience=Patience(settings.outage_seconds),
            lock_seconds=settings.lock_seconds,
            progress=bar,
        )
    show(report, scorer.bundle.taxonomy, out, title="重新打分")
    if promote and not dry_run:
        if report.exit_code:
            out.print("有搁置的记录，在用模型没有换。改正后重跑，或用 zuofeng promote 自行决定。")
        else:
            _make_live(settings.path("models"), scorer.bundle.id, found, reason)
            note(settings)
            out.print(f"在用模型：{scorer.bundle.id}", highlight=False)
    raise typer.Exit(report.exit_code)


def _compared(settings: Settings, model: str, gold: list[Path] | None, out: Console) -> Comparison | None:
    """Compare with the live model before hours are spent; raises BundleError when something speaks against it."""
    from pipeline.model.promote import objections, refusal, told
    from pipeline.model.registry import champion_id

    live = champion_id(settings.path("models"))
    if live in (None, model):
        return None
    with out.status("与在用模型比较"):
        found = compare_with_live(settings, str(live), model, gold)
    if found is not None:
        if against := objections(found):
            raise refusal(model, against)
        say(out, told(found))
    return found


def _make_live(folder: Path, model: str, found: Comparison | None, reason: str) -> None:
    from pipeline.model import promote
    from pipeline.model.registry import champion_id

    said = reason or "存储里的文本都已重算"
    if champion_id(folder) != model and not promote.first(folder, model, author=whoami(), reason=said):
        promote.promote(folder, model, author=whoami(), reason=said, found=found)
