"""What MLflow holds of a training is read back with MLflow's own client, from a store on disk."""

import json
import shutil

import pytest
from mlflow import MlflowClient

from pipeline.analyst import tracking
from pipeline.analyst.tracking import Experiment
from pipeline.errors import ConfigError, ZuofengError
from pipeline.model.evaluate import evaluate
from pipeline.model.runs import record_run


@pytest.fixture
def uri(tmp_path, monkeypatch):
    # The store of a server, without the server.
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return (tmp_path / "mlruns").as_uri()


@pytest.fixture
def run(trained, scorer, some_gold, tmp_path):
    figures = evaluate(scorer, some_gold[:80], rounds=10)
    shutil.copytree(trained, tmp_path / "models" / trained.name)
    return record_run(
        tmp_path / "models", trained.name, author="甲", sources=[], held_back=80, seconds=1.5, figures=figures
    )


def test_a_run_stands_there_with_settings_figures_and_papers_but_no_quotes(uri, run, tmp_path):
    papers = tmp_path / "papers"
    papers.mkdir()
    for name in ("card.zh.md", "picture-1.svg", "report.html", "report.md"):
        (papers / name).write_text(name, encoding="utf-8")
    first = Experiment(uri, "作风")
    made = first.record(run, papers)
    assert Experiment(uri, "作风").id == first.id
    client = MlflowClient(tracking_uri=uri)
    there = client.get_run(made)
    assert (there.info.run_name, there.info.status, there.info.experiment_id) == (run["model"], "FINISHED", first.id)
    assert {k: json.loads(v) for k, v in there.data.params.items()} == run["settings"]
    macro = {s: of["macro_f1"][0] for s, of in run["figures"]["schemes"].items() if of["macro_f1"]}
    assert {s: there.data.metrics[f"{s}.macro_f1"] for s in macro} == macro
    assert there.data.metrics["problem.f1"] == run["figures"]["problem"]["f1"][0]
    assert there.data.metrics["seconds"] == 1.5
    assert (there.data.tags["corpus"], there.data.tags["author"]) == (run["corpus"]["sha256"], "甲")
    assert {a.path for a in client.list_artifacts(made)} == {"run.json", "card.zh.md", "picture-1.svg"}


def test_a_run_without_figures_is_recorded_too(uri, run, tmp_path):
    made = Experiment(uri, "作风").record({**run, "figures": {}}, tmp_path)
    assert set(MlflowClient(tracking_uri=uri).get_run(made).data.metrics) == {"seconds", "texts"}


def test_a_server_that_is_away_is_said_before_the_training(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ConfigError, match="ZF-MLFLOW-AWAY") as away:
        Experiment("http://u:qinghua@127.0.0.1:9", "作风")
    assert "qinghua" not in str(away.value)
    assert "u:***@127.0.0.1:9" in str(away.value)


def test_a_server_that_went_away_does_not_undo_the_training(uri, run, tmp_path, monkeypatch):
    experiment = Experiment(uri, "作风")
    away = f"{experiment.id}0"
    monkeypatch.setattr(experiment, "id", away)
    with pytest.raises(ZuofengError, match="已写好"):
        experiment.record(run, tmp_path)


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(tracking, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"zuofeng\[mlflow\]"):
        Experiment("http://127.0.0.1:9", "作风")
