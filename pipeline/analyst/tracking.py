"""A training on record in MLflow, for offices that keep all their experiments there (extra ``mlflow``)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError, ZuofengError, first_line
from pipeline.secrets import hidden

__all__ = ["Experiment"]

#: Characters of a parameter that MLflow keeps.
LONGEST = 6000


class Experiment:
    """An experiment of the tracking server at ``uri``, made where it was missing."""

    def __init__(self, uri: str, name: str) -> None:
        if find_spec("mlflow") is None:
            raise ConfigError(
                "ZF-MLFLOW-EXTRA", "没有安装 MLflow", '运行 pip install "zuofeng[mlflow]"，或去掉配置里的 [mlflow]。'
            )
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        self._uri = uri
        # Asked before a training, not after it.
        try:
            self._client = MlflowClient(tracking_uri=uri)
            found = self._client.get_experiment_by_name(name)
            self.id = str(found.experiment_id if found else self._client.create_experiment(name))
        except MlflowException as e:
            said = hidden(first_line(e))[:300]
            raise ConfigError("ZF-MLFLOW-AWAY", f"MLflow（{hidden(uri)}）没有应答", _ADVICE, [said]) from e

    def record(self, run: Mapping[str, Any], folder: Path) -> str:
        """Record ``run`` (`pipeline.model.runs.record_run`), cards and pictures in ``folder``; return MLflow's id.

        The report stays here: it quotes texts. Raises ZuofengError when the server is away now; the training stands.
        """
        from mlflow.entities import Metric, Param, RunTag
        from mlflow.exceptions import MlflowException

        moment = int(dt.datetime.fromisoformat(run["at"]).timestamp() * 1000)
        params = [Param(k, json.dumps(v, ensure_ascii=False)[:LONGEST]) for k, v in run["settings"].items()]
        metrics = [Metric(k, v, moment, 0) for k, v in _figures(run)]
        tags = [RunTag(k, v) for k, v in _tags(run)]
        try:
            made = str(self._client.create_run(self.id, run_name=run["model"]).info.run_id)
            self._client.log_batch(made, metrics, params, tags)
            self._client.log_dict(made, dict(run), "run.json")
            for path in sorted([*folder.glob("card.*.md"), *folder.glob("*.svg")]):
                self._client.log_artifact(made, str(path))
            self._client.set_terminated(made)
        except MlflowException as e:
            raise ZuofengError(
                "ZF-MLFLOW-LOST",
                f"模型 {run['model']} 已写好，也记在 models/runs.jsonl；MLflow（{hidden(self._uri)}）没有收下",
                _ADVICE,
                [hidden(first_line(e))[:300]],
            ) from e
        return made


_ADVICE = "检查配置里 [mlflow] 的 uri 和那台服务器。"


def _tags(run: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what tells one run from another: who, on what, with which code."""
    yield from ((k, str(run[k])) for k in ("author", "code", "lexicon", "dictionary"))
    yield "corpus", run["corpus"]["sha256"]
    yield "taxonomy", f"{run['taxonomy']['id']} {run['taxonomy']['version']}"
    yield from ((f"library.{name}", number) for name, number in run["libraries"].items())


def _figures(run: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield every figure that has a value; those measured are there when texts were held back."""
    yield "seconds", run["seconds"]
    yield "texts", run["corpus"]["texts"]
    if not (figures := run["figures"]):
        return
    yield "expected_calibration_error", figures["expected_calibration_error"]
    for name, of in (*figures["schemes"].items(), *figures["labels"].items(), ("problem", figures["problem"])):
        for key in ("macro_f1", "micro_f1", "precision", "recall", "f1", "false_alarm_rate"):
            if of.get(key):
                yield f"{name}.{key}", of[key][0]
