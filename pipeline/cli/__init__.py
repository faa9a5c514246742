"""The command ``zuofeng``: one file per verb. A verb parses and prints; the work is a plain function elsewhere."""

from __future__ import annotations

import sys

import typer

from pipeline.cli import (
    adapt,
    audit,
    audit_labels,
    bench,
    bench_analysts,
    bench_public,
    bench_story,
    classify,
    client,
    compare,
    config,
    corpus,
    doctor,
    drift,
    evaluate,
    lexicon,
    models,
    nightly,
    promote,
    purge,
    rescore,
    sample,
    serve,
    shadow,
    suggest,
    train,
    user,
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
app.command("models")(models.command)
app.command("compare")(compare.command)
app.command("promote")(promote.command)
app.command("rollback")(promote.rollback_command)
app.command("suggest")(suggest.command)
app.command("audit-labels")(audit_labels.command)
app.command("drift")(drift.command)
bench.app.command("drift")(bench_analysts.drift)
bench.app.command("label-errors")(bench_analysts.label_errors)
bench.app.command("public")(bench_public.public)
bench.app.command("story")(bench_story.story)
bench.app.command("suggest")(bench_analysts.suggest)
app.command("serve")(serve.command)
app.add_typer(user.app, name="user")
app.add_typer(client.app, name="client")
app.add_typer(audit.app, name="audit")
app.add_typer(corpus.app, name="corpus")
app.add_typer(shadow.app, name="shadow")
app.add_typer(sample.app, name="sample")
app.add_typer(lexicon.app, name="lexicon")
app.add_typer(bench.app, name="bench")


def _with_values(arguments: list[str]) -> list[str]:
    """Give ``--write-back`` without a value the one that means the caller's own table."""
    filled: list[str] = []
    for argument, following in zip(arguments, [*arguments[1:], "-"], strict=True):
        filled.append(argument)
        if argument == "--write-back" and following.startswith("-"):
            filled.append(nightly.TABLE)
    return filled


def main() -> None:
    """Run the command line; errors of ours end in their exit code with a sentence, not a traceback."""
    try:
        app(args=_with_values(sys.argv[1:]))
    except ZuofengError as e:
        print(e, file=sys.stderr)  # noqa: T201
        sys.exit(e.exit_code)
    except KeyboardInterrupt:
        print("已中断；已写入的结果有效，重跑即可。", file=sys.stderr)  # noqa: T201
        sys.exit(3)
