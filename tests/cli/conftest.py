"""The command in a process of its own."""

import os

import pytest


def as_record(gold, *more):
    """Return a labelled text as a line of a corpus, with ``more`` of its fields."""
    labels = {scheme: list(of) for scheme, of in gold.labels.items()}
    return {"id": gold.id, "text": gold.text, "labels": labels, **{name: getattr(gold, name) for name in more}}


@pytest.fixture
def zuofeng(forks, home, tmp_path):
    def run(*arguments, **options):
        env = {**os.environ, "ZUOFENG_HOME": str(home), "COLUMNS": "160", **options.pop("env", {})}
        return forks.run([*map(str, arguments)], env=env, cwd=tmp_path, **options)

    return run
