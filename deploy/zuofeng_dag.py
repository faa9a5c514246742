"""作风：Airflow 示例。放进 dags 目录，按本单位改 ZUOFENG、HOME 两行；口令放在 Airflow 所在帐户的环境里。"""

from __future__ import annotations

import os
import subprocess
from datetime import datetime, timedelta

from airflow.exceptions import AirflowException, AirflowFailException
from airflow.sdk import DAG, task

ZUOFENG = "/opt/zuofeng/.venv/bin/zuofeng"
HOME = "/var/lib/zuofeng"


def run(*arguments: str, rejected: bool) -> None:
    """Run a command and turn its exit code into what Airflow does next.

    1 is done with records set aside (``rejected`` allows it), 3 may be run again, all else will not get better by it.
    """
    env = {**os.environ, "ZUOFENG_HOME": HOME, "ZUOFENG_LOG": "json"}
    # What is printed for people quotes texts; the JSON log on standard error does not.
    done = subprocess.run([ZUOFENG, *arguments], env=env, stdout=subprocess.DEVNULL, check=False)  # noqa: S603  ours
    code = done.returncode
    if code == 0 or (code == 1 and rejected):
        return
    said = f"zuofeng {arguments[0]} 退出码 {code}，日志里有原因和下一步"
    raise (AirflowException if code == 3 else AirflowFailException)(said)


with DAG(
    dag_id="zuofeng",
    schedule="0 2 * * *",
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001  naive means the zone of Airflow itself
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=15)},
    doc_md=__doc__,
):

    @task
    def nightly() -> None:
        """The night; run again it continues where it stopped."""
        run("nightly", rejected=True)

    # Also when the night failed: that is what it has to tell.
    @task(trigger_rule="all_done", retries=0)
    def doctor() -> None:
        """The look at everything; the alert command of the settings is run when something is wrong."""
        run("doctor", "--alert", rejected=False)

    nightly() >> doctor()
