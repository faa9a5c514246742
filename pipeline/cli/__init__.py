"""The command ``zuofeng``: one file per verb. A verb parses and prints; the work is a plain function elsewhere."""

from __future__ import annotations

import sys

import typer

from pipeline.cli import (
    adapt,
    bench,
    classify,
    config,
    corpus,
    doctor,
    evaluate,
    models,
    nightly,
    purge,
    rescore,
    train,
    why,
)
from pipeline.errors import ZuofengError

__all__ = ["app", "main"]

app = typer.Typer(
    name="zuofeng",
    help="作风：给投诉和材料文本标出七类形式主义表现和十二类问题，附证据，供分办人员核对。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("nightly")(nightly.command)
app.command("rescore")(rescore.command)
app.command("purge")(purge.command)
app.command("why")(why.command)
app.command("doctor")(doctor.command)
app.command("config")(config.command)
app.command("classify")(classify.command)
app.command("train")(train.command)
app.command("adapt")(adapt.command)
app.command("evaluate")(evaluate.command)
app.command("models")(models.list_command)
app.command("promote")(models.promote_command)
app.add_typer(corpus.app, name="corpus")
app.add_typer(bench.app, name="bench")


def main() -> None:
    """Run the command line; errors of ours end in their exit code with a sentence, not a traceback."""
    try:
        app()
    except ZuofengError as e:
        print(e, file=sys.stderr)  # noqa: T201
        sys.exit(e.exit_code)
    except KeyboardInterrupt:
        print("已中断；已写入的结果有效，重跑即可。", file=sys.stderr)  # noqa: T201
        sys.exit(3)
