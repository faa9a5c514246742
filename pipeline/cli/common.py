"""What the verbs share: options and the objects they open."""

from __future__ import annotations

import datetime as dt
import logging
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipeline.cli.screen import say
from pipeline.collecting import no_collecting
from pipeline.documents import Document, Rejected
from pipeline.errors import BundleError, ConfigError
from pipeline.model.registry import find_model, fit_model, read_model
from pipeline.settings import Settings, load_settings
from pipeline.taxonomy import load_taxonomy

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.batch.child import Bounds, Child
    from pipeline.batch.cluster.client import Cluster
    from pipeline.batch.entry import Entry
    from pipeline.batch.sources import ColumnMap
    from pipeline.batch.worker import Worker
    from pipeline.documents import Prediction
    from pipeline.model.bundle import Bundle
    from pipeline.model.score import Scorer

__all__ = [
    "Home", "Model", "Output", "Promise", "Schemes", "Store", "columns_of", "console", "is_foreign", "note",
    "open_as_it_was", "open_challenger", "open_desk", "open_scorer", "open_scoring", "out_file", "out_folder",
    "read_day", "read_documents", "read_promise", "read_source", "run_command", "save_picture", "say_passed",
]  # fmt: skip

log = logging.getLogger("zuofeng.model")

Home = Annotated[Path | None, typer.Option("--home", help="家目录（含 corpora 与 models），默认自动查找。")]
Schemes = Annotated[Path | None, typer.Option("--taxonomy", help="标签体系文件，默认 corpora/taxonomy.toml")]
Model = Annotated[str | None, typer.Option("--model", help="模型编号或目录，默认在用模型。")]
Output = Annotated[Literal["table", "json"], typer.Option("--format", help="打印成什么样")]
Store = Annotated[str | None, typer.Option("--store", help="存储地址，默认 state 下的内嵌库。")]
Promise = Annotated[
    str | None,
    typer.Option(
        "--promise", help="自动判出的标签要达到的查准率，如 precision=0.9；达不到的一律交给人", metavar="precision=P"
    ),
]


def is_foreign(settings: Settings, bundle: Bundle) -> bool:
    """Return whether ``bundle`` decides other labels than the texts of this home carry."""
    return load_taxonomy(settings.taxonomy_file).columns != bundle.taxonomy.columns


def out_file(path: Path | None) -> Path | None:
    """Return the file an option names; raises ConfigError when it cannot be written, before any work is done for it."""
    if path is not None:
        try:
            new = not path.exists()
            path.open("ab").close()
            if new:
                path.unlink()
        except OSError as e:
            raise _unwritable(path, e) from e
    return path


def out_folder(path: Path | None) -> Path | None:
    """Return the folder an option names, which need not exist; raises ConfigError when nothing can be put there."""
    if path is not None:
        try:
            there = next(p for p in (path, *path.parents) if p.exists())
            tempfile.TemporaryFile(dir=there).close()
        except OSError as e:
            raise _unwritable(path, e) from e
    return path


def _unwritable(path: Path, e: OSError) -> ConfigError:
    return ConfigError("ZF-OUT-WRITE", f"写不了 {path}：{e.strerror}", "建好所在的目录，或换一个能写的路径。")


def read_promise(given: str | None) -> float:
    """Return the precision of ``precision=P``, 0 when nothing is promised."""
    if given is None:
        return 0.0
    name, _, value = given.partition("=")
    try:
        precision = float(value)
    except ValueError:
        precision = 0.0
    if name != "precision" or not 0 < precision < 1:
        raise typer.BadParameter(f"--promise 应写作 precision=0.9 这样（0 到 1 之间），现为 {given}")
    return precision


def console() -> Console:
    """Return a console on standard output; a log gets plain lines wide enough for a table."""
    from rich.console import Console

    # What people wrote is printed as it is: [/b] in a text is no end of bold, and :100: in a number no picture.
    out = Console(markup=False, emoji=False)
    return out if out.is_terminal else Console(width=140, no_color=True, markup=False, emoji=False)


def columns_of(settings: Settings) -> ColumnMap:
    """Return which column of a table means what, by the settings before the names known to us."""
    from pipeline.batch.sources import ColumnMap

    return ColumnMap().preferring(settings.columns)


def read_source(path: str | Path, settings: Settings) -> Iterator[Document | Rejected]:
    """Return what a file holds, record by record, by the columns and within the bounds of the settings."""
    from pipeline.batch.sources import Limits, open_source

    return open_source(path, columns=columns_of(settings), limits=Limits(max_text_bytes=settings.max_text_bytes))


def read_documents(paths: Iterable[Path], settings: Settings, screen: Console) -> list[Document]:
    """Return the documents of files; say on ``screen`` how many records were left out, and why."""
    documents: list[Document] = []
    left: Counter[str] = Counter()
    first: dict[str, Rejected] = {}
    for record in (r for path in paths for r in read_source(path, settings)):
        if isinstance(record, Document):
            documents.append(record)
        else:
            left[record.code] += 1
            first.setdefault(record.code, record)
    for code, record in first.items():
        why = f"{record.reason.rstrip('。')}（{code}，例如 {record.place}）"
        say(screen, f"略过 {left[code]} 条：{why}")
    return documents


def say_passed(passed: Iterable[str], screen: Console) -> None:
    """Say on ``screen`` how many records of labelled files were passed over, and why."""
    for why, number in Counter(p.partition(" -> ")[2] for p in passed).items():
        say(screen, f"略过 {number} 条：{why}")


def open_scorer(settings: Settings, model: str | None, *, keep: bool = False, live: bool = False) -> Scorer:
    """Load a model and check that it fits this home's taxonomy and dictionary; a ``live`` one must be of its taxonomy.

    ``keep``: its scores will be stored, so keep the dictionary with which they can be worked out again.
    """
    with no_collecting(), ThreadPoolExecutor(1) as pool:
        # Most of reading is hashing, for which nobody need wait: meanwhile numpy and what scores are imported.
        files = pool.submit(read_model, settings.path("models"), model)
        from pipeline.model.score import Scorer
        from pipeline.text.segment import dictionary_hash, load_dictionary

        words = load_dictionary(settings.dictionary_file)
        taxonomy = load_taxonomy(settings.taxonomy_file)
        bundle = fit_model(
            files.result(), taxonomy=taxonomy, dictionary=dictionary_hash(words), live=live or model is None
        )
    if keep:
        from pipeline.model.dictionaries import keep_dictionary

        try:
            keep_dictionary(settings.path("models"), words)
        except OSError as e:
            log.warning("词典没有留存，换词典之后旧分数不能重算", extra={"fields": {"error": e.strerror}})
    with no_collecting():
        return Scorer(bundle, words, encoder=settings.encoder_folder)


def open_as_it_was(settings: Settings, model: str) -> Scorer:
    """Load a model with its own taxonomy and the dictionary it was trained with, whatever this home has now.

    It may not score tonight's texts any more; it can still be compared with, and asked what it said.
    """
    from pipeline.model.bundle import build_bundle
    from pipeline.model.dictionaries import kept_dictionary
    from pipeline.model.score import Scorer
    from pipeline.text.segment import dictionary_hash, load_dictionary

    files = read_model(settings.path("models"), model)
    bundle, words = build_bundle(files), load_dictionary(settings.dictionary_file)
    digest = str(bundle.manifest["dictionary"])
    if dictionary_hash(words) != digest:
        words = kept_dictionary(files.path.parent, digest)
    return Scorer(bundle, words, encoder=settings.encoder_folder)


def open_scoring(
    settings: Settings, scorer: Scorer, cluster: str | None = None, *, many: bool = False, child: Child | None = None
) -> AbstractContextManager[Worker[Entry] | Cluster]:
    """Return what scores as ``scorer`` does: a process of this machine, or those of a ``cluster`` by its address.

    ``many`` texts will come: the process takes its time before the first one. ``child`` is one that was begun for this.
    """
    if cluster is None:
        from pipeline.batch.entry import Scribe
        from pipeline.batch.worker import BATCH, LARGE, Worker
        from pipeline.model.score import Scorer
        from pipeline.text.plain import LITTLE
        from pipeline.text.segment import load_dictionary

        words, little = load_dictionary(settings.dictionary_file), 0 if many else LITTLE
        make = partial(Scorer, scorer.bundle, words, little=little, encoder=settings.encoder_folder)
        batch = BATCH if "encoder" in scorer.bundle.manifest else LARGE
        return Worker(partial(Scribe, make), _bounds(settings), batch=batch, warm=many, child=child)
    from pipeline.batch.cluster.client import open_cluster

    return open_cluster(cluster, scorer.bundle, _bounds(settings), seconds=settings.outage_seconds)


def open_challenger(settings: Settings, model: str, live: Bundle) -> Worker[Prediction]:
    """Return a process, not yet started, that scores beside the ``live`` model; raises BundleError."""
    from pipeline.batch.worker import Worker
    from pipeline.model.encoder import encoder_of
    from pipeline.model.score import BareScorer
    from pipeline.text.segment import dictionary_hash, load_dictionary

    words = load_dictionary(settings.dictionary_file)
    bundle = find_model(
        settings.path("models"),
        model,
        taxonomy=load_taxonomy(settings.taxonomy_file),
        dictionary=dictionary_hash(words),
    )
    if bundle.taxonomy.columns != live.taxonomy.columns:
        raise BundleError("ZF-SHADOW-TAXONOMY", f"{model} 与在用模型的标签不同", "换成同一标签体系的模型。")
    # Opened once here: what is wrong with it must not pass for the process's fault.
    encoder_of(bundle.manifest, settings.encoder_folder)
    return Worker(partial(BareScorer, bundle, words, encoder=settings.encoder_folder), _bounds(settings))


def open_desk(home: Path | None, store: str | None, *, there: bool = True, bring_up: bool = True) -> Settings:
    """Open the store with the desk's own tables and return the settings; ``there``: one that is not is not made."""
    from pipeline.desk import configure

    settings = load_settings(home, store=store)
    configure.open_desk(settings, there=there, bring_up=bring_up)
    return settings


def _bounds(settings: Settings) -> Bounds:
    from pipeline.batch.child import Bounds

    return Bounds(settings.document_seconds, settings.document_memory_mb << 20)


def note(settings: Settings, action: str = "", target: str = "", **detail: object) -> None:
    """Write ``action``, and whatever happened to models since, into the desk's trail; say so when that fails."""
    from pipeline.desk.trail import note as write

    if why := write(settings, action, target, **detail):  # type: ignore[arg-type]
        say(console(), f"没有记进复核台的留痕（{why}）；下次补记。")


def save_picture(path: Path | None, draw: Callable[[], str], screen: Console) -> None:
    """Write what ``draw`` returns into the file an option names, and say so; without one nothing is drawn."""
    if path:
        path.write_text(draw(), encoding="utf-8")
        say(screen, f"图：{path}")


def read_day(given: str | None) -> dt.date | None:
    """Return the day written like 2026-03-01, None when none was given."""
    if given is None:
        return None
    try:
        return dt.date.fromisoformat(given)
    except ValueError as e:
        raise typer.BadParameter(f"日期应写作 2026-03-01 这样，现为 {given}") from e


def run_command(command: Sequence[str]) -> int:
    """Run a command in this process; errors of ours pass."""
    from pipeline.cli import app

    code = app(args=list(command), standalone_mode=False)
    return int(code or 0)
