"""What operators copy from deploy/ and read in docs/运维员.md says what the program does."""

import configparser
import contextlib
import json
import re
import shlex
import sqlite3
import subprocess
import sys
import tarfile
import types

import pytest
import typer

from pipeline.cli import _with_values, app
from pipeline.settings import load_settings

UNITS = {
    "zuofeng-nightly.service": "nightly",
    "zuofeng-inbox.service": "nightly",
    "zuofeng-doctor.service": "doctor",
    "zuofeng-purge.service": "purge",
    "zuofeng-desk.service": "serve",
}
CLUSTER = ("zuofeng-scheduler.service", "zuofeng-worker.service")
PROGRAM = "/opt/zuofeng/.venv/bin/zuofeng"
DASK = "/opt/zuofeng/.venv/bin/dask"
HARD = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectControlGroups": "yes",
    "RestrictSUIDSGID": "yes",
    "RestrictNamespaces": "yes",
    "SystemCallFilter": "@system-service",
    "User": "zuofeng",
}


def check(words):
    """Let the command line read ``words``, without doing anything; unknown verbs and options raise."""
    group = typer.main.get_command(app)
    with group.make_context("zuofeng", list(words)) as context:
        name, command, rest = group.resolve_command(context, list(words))
        with command.make_context(name, rest, parent=context):
            return name


class Unit(configparser.RawConfigParser):
    """A unit file; of a key that comes twice the last counts, which is enough here."""

    def __init__(self, path):
        super().__init__(strict=False, delimiters=("=",), comment_prefixes=("#",))
        self.read_string(path.read_text(encoding="utf-8"))

    def optionxform(self, optionstr):
        return optionstr


@pytest.fixture(scope="module")
def deploy(root):
    return root / "deploy"


@pytest.mark.parametrize("name", list(UNITS))
def test_services_have_no_privileges_and_start_commands_that_exist(deploy, name):
    service = Unit(deploy / name)["Service"]
    assert {k: service.get(k) for k in HARD} == HARD
    program, *words = shlex.split(service["ExecStart"])
    assert program == PROGRAM
    assert check(words) == UNITS[name]


def dask_reads(words):
    """Let dask's command line read ``words``, without doing anything; unknown options raise."""
    from distributed.cli import dask_scheduler, dask_worker

    name, *rest = words
    command = {"scheduler": dask_scheduler.main, "worker": dask_worker.main}[name]
    with command.make_context(name, rest) as context:
        return name, context.params


@pytest.mark.parametrize("name", CLUSTER)
def test_services_of_the_cluster_have_no_privileges_and_options_dask_knows(deploy, name):
    service = Unit(deploy / name)["Service"]
    assert {k: service.get(k) for k in HARD} == HARD
    program, *words = shlex.split(service["ExecStart"].replace("${THREADS}", "2"))
    assert program == DASK
    assert service["Restart"] == "always"
    name_, options = dask_reads(words)
    assert name_ == name[8:-8]
    # A worker under dask's nanny may not start a process to score in.
    assert name_ == "scheduler" or (options["nanny"], options["preload"]) == (False, ("pipeline.batch.cluster.task",))


def test_the_kubernetes_manifest_starts_what_exists_without_rights(deploy):
    import yaml

    found = {}
    for part in yaml.safe_load_all((deploy / "kubernetes.yaml").read_text(encoding="utf-8")):
        job = part["spec"]
        spec = job.get("jobTemplate", part)["spec"].get("template", {}).get("spec")
        if spec is None:
            continue
        assert spec["securityContext"]["runAsNonRoot"] is True
        (container,) = spec["containers"]
        rights = container["securityContext"]
        assert (rights["allowPrivilegeEscalation"], rights["capabilities"]) == (False, {"drop": ["ALL"]})
        volumes = {v["name"] for v in spec["volumes"]}
        assert {m["name"] for m in container["volumeMounts"]} == volumes
        found[part["metadata"]["name"]] = container
    scheduler, worker = (found[f"zuofeng-{n}"]["command"] for n in ("scheduler", "worker"))
    assert [w.pop(0) for w in (scheduler, worker)] == ["dask", "dask"]
    assert dask_reads(scheduler)[1]["port"] == "8786"
    assert dask_reads(worker)[1]["nanny"] is False
    args = found["zuofeng-nightly"]["args"]
    assert check(args) == "nightly"
    secrets = {n: [s["secretRef"]["name"] for s in c.get("envFrom", ())] for n, c in found.items()}
    # The store's password is the night's alone.
    assert [n for n, names in secrets.items() if "zuofeng" in names] == ["zuofeng-nightly"]
    # A source on the command line would win over that of the secret.
    assert [n for n, names in secrets.items() if "zuofeng-source" in names] == ["zuofeng-worker", "zuofeng-nightly"]
    assert "--source" not in args
    assert (job["schedule"], job["timeZone"]) == ("0 2 * * *", "Asia/Shanghai")


def test_a_night_that_could_not_finish_is_run_again_and_one_that_cannot_is_not(deploy):
    unit = Unit(deploy / "zuofeng-nightly.service")
    service = unit["Service"]
    assert (service["SuccessExitStatus"], service["RestartPreventExitStatus"]) == ("1", "2")
    assert (service["Restart"], service["StandardOutput"]) == ("on-failure", "null")
    assert int(unit["Unit"]["StartLimitBurst"]) > 1


def test_a_purge_that_met_a_night_is_tried_again_before_next_month(deploy):
    unit = Unit(deploy / "zuofeng-purge.service")
    service = unit["Service"]
    assert (service["Restart"], service["RestartPreventExitStatus"]) == ("on-failure", "2")
    hours = int(service["RestartSec"].removesuffix("h"))
    # Within the interval, or the limit would never be reached.
    assert hours * int(unit["Unit"]["StartLimitBurst"]) < 24
    assert unit["Unit"]["StartLimitIntervalSec"] == "1d"


def test_timers_start_services_that_are_there(deploy):
    timers = sorted(deploy.glob("*.timer"))
    assert len(timers) == 4
    for path in timers:
        assert path.with_suffix(".service").exists()
        unit = Unit(path)
        assert (unit["Timer"]["Persistent"], unit["Install"]["WantedBy"]) == ("yes", "timers.target")


def test_systemd_reads_every_unit_without_a_word(deploy, tmp_path):
    for path in deploy.glob("zuofeng-*"):
        text = path.read_text(encoding="utf-8").replace(PROGRAM, sys.executable).replace(DASK, sys.executable)
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    files = [str(p) for p in sorted(tmp_path.iterdir())]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, [x for x in done.stderr.splitlines() if "zuofeng" in x]) == (0, [])


def test_cron_lines_name_a_time_a_user_and_a_command_that_exists(deploy):
    lines = [x for x in (deploy / "zuofeng.cron").read_text(encoding="utf-8").splitlines() if x and x[0] != "#"]
    jobs = [x for x in lines if not re.match(r"[A-Z_]+=", x)]
    verbs = []
    for job in jobs:
        *times, user, command = job.split(maxsplit=6)
        assert all(re.fullmatch(r"\*|\d{1,2}", t) for t in times), job
        assert (user, "%" in job) == ("zuofeng", False)
        program, *words = shlex.split(command.partition(">")[0])
        assert program == PROGRAM
        verbs.append(check(words))
    assert verbs == ["nightly", "nightly", "nightly", "doctor", "purge"]


@pytest.fixture
def airflow(monkeypatch):
    """As much of Airflow as the example uses; tasks run when they are called."""

    class Done:
        def __rshift__(self, other):
            return other

    class Dag:
        def __init__(self, **options):
            Dag.options = options

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    def task(function=None, **options):
        if function is None:
            return task
        calls.append(function)
        return Done

    calls = []
    errors = {name: type(name, (Exception,), {}) for name in ("AirflowException", "AirflowFailException")}
    for name, values in (("airflow", {}), ("airflow.sdk", {"DAG": Dag, "task": task}), ("airflow.exceptions", errors)):
        module = types.ModuleType(name)
        vars(module).update(values)
        monkeypatch.setitem(sys.modules, name, module)
    return types.SimpleNamespace(tasks=calls, dag=Dag, **errors)


def test_the_airflow_example_runs_commands_that_exist_and_knows_their_exit_codes(deploy, airflow, tmp_path):
    code = compile((deploy / "zuofeng_dag.py").read_text(encoding="utf-8"), "zuofeng_dag.py", "exec")
    module = {"__name__": "zuofeng_dag"}
    exec(code, module)  # noqa: S102
    fake, asked = tmp_path / "zuofeng", tmp_path / "asked"
    module["ZUOFENG"] = str(fake)

    def outcome(step, exits):
        fake.write_text(f'#!/bin/sh\necho "$@" > "{asked}"\nexit {exits}\n', encoding="utf-8")
        fake.chmod(0o755)
        try:
            step()
        except (airflow.AirflowException, airflow.AirflowFailException) as e:
            return type(e).__name__
        return "done"

    assert airflow.dag.options["max_active_runs"] == 1
    nightly, doctor = airflow.tasks
    retry, give_up = "AirflowException", "AirflowFailException"
    assert [outcome(nightly, n) for n in (0, 1, 2, 3)] == ["done", "done", give_up, retry]
    assert check(asked.read_text(encoding="utf-8").split()) == "nightly"
    assert [outcome(doctor, n) for n in (0, 1)] == ["done", give_up]
    assert check(asked.read_text(encoding="utf-8").split()) == "doctor"


def test_the_image_is_built_from_what_is_here_and_runs_without_rights(deploy, root):
    text = (deploy / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    steps = [x.split(maxsplit=1) for x in text.splitlines() if x and not x.startswith("#")]
    images = [rest.split()[0] for word, rest in steps if word == "FROM"]
    assert [i for i in images if not re.fullmatch(r"[a-z]+:\d+\.\d+-slim", i)] == []
    assert "://" not in text
    for rest in (rest for word, rest in steps if word == "COPY" and "--from" not in rest):
        assert [s for s in rest.split()[:-1] if not (root / s).exists()] == []
    assert all("--require-hashes" in x or "--no-deps" in x for x in re.findall(r"pip install[^&\n]*", text))
    last = dict(steps)
    assert last["USER"] not in ("0", "root")
    assert check(json.loads(last["CMD"])) == "nightly"


def test_the_guide_for_operators_names_every_file_setting_figure_and_code(root):
    from pipeline.settings import Settings

    page = (root / "docs" / "运维员.md").read_text(encoding="utf-8")
    both = page + (root / "docs" / "数据库来源.md").read_text(encoding="utf-8")
    both += (root / "docs" / "多台机器.md").read_text(encoding="utf-8")
    assert [p.name for p in (root / "deploy").iterdir() if p.name not in both] == []
    assert [n for n in Settings.model_fields if f"`{n}`" not in page] == []
    metrics = (root / "pipeline" / "batch" / "metrics.py").read_text(encoding="utf-8")
    names = re.findall(r'gauge\("(\w+)"', metrics)
    assert len(names) > 5
    assert [n for n in names if f"`zuofeng_night_{n}`" not in page] == []
    rooms = ("batch", "text", "settings.py", "taxonomy.py")
    rooms += tuple(f"cli/{n}.py" for n in ("__init__", "chinese", "common", "verbs", "why", "models", "user"))
    rooms += tuple(f"desk/{n}.py" for n in ("configure", "secret", "serve", "accounts", "clients", "sign_on"))
    rooms += ("analyst/rules.py", "cli/lexicon.py")
    rooms += tuple(f"model/{n}.py" for n in ("bundle", "registry", "dictionaries", "history", "promote", "score"))
    files = [f for r in rooms for p in [root / "pipeline" / r] for f in (p.rglob("*.py") if p.is_dir() else [p])]
    codes = {c for f in files for c in re.findall(r'"(ZF-[A-Z]+(?:-[A-Z]+)*)"', f.read_text(encoding="utf-8"))}
    codes = {c for c in codes if not any(o.startswith(f"{c}-") for o in codes)}  # families are no codes
    assert len(codes) > 60
    assert sorted(c for c in codes if f"`{c}`" not in both) == []


def test_commands_in_the_guides_exist(root):
    pages = [*root.glob("README*.md"), *(p for f in ("docs", "corpora", "models") for p in (root / f).rglob("*.md"))]
    text = "\n".join(p.read_text(encoding="utf-8") for p in pages)
    said = [x.partition(" #")[0] for x in re.findall(r"^(?:sudo .*)?(?:\S*/)?zuofeng ([a-z].*)$", text, re.MULTILINE)]
    said += re.findall(r"`zuofeng ([a-z][^`…]* --[^`…]*)`", text)
    assert len(said) > 100
    wrong = {}
    for words in said:
        try:
            check(_with_values(shlex.split(words)))
        except Exception as e:  # noqa: BLE001  all of them at once
            wrong[words] = str(e)
    assert wrong == {}


def test_commands_typed_by_hand_use_the_store_that_the_services_use(root, tmp_path, monkeypatch):
    """They see nothing of what systemd alone reads."""
    monkeypatch.delenv("ZUOFENG_STORE", raising=False)
    page = (root / "docs" / "运维员.md").read_text(encoding="utf-8")
    install, restore = (page.partition(title)[2].partition("\n## ")[0] for title in ("\n## 安装", "\n## 备份与恢复"))
    lines = re.findall(r"^echo '(.*)' >>? /var/lib/zuofeng/zuofeng\.toml", install, re.MULTILINE)
    (tmp_path / "zuofeng.toml").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "store.key").write_text("geheim", encoding="utf-8")
    (tmp_path / "store.key").chmod(0o600)
    assert load_settings(tmp_path).store_url == "postgresql://zuofeng:geheim@主机/库"
    assert "install -m 600 -o zuofeng -g zuofeng /dev/null /var/lib/zuofeng/store.key" in install
    commands = re.findall(rf"^.*{PROGRAM} .*$|^zuofeng .*$", install + restore, re.MULTILINE)
    assert len(commands) == 6
    assert [c for c in commands if not c.startswith(f"sudo -u zuofeng ZUOFENG_HOME=/var/lib/zuofeng {PROGRAM} ")] == []
    units = "".join(p.read_text(encoding="utf-8") for p in (root / "deploy").glob("*.service"))
    assert "ZUOFENG_STORE" not in units


def test_the_backup_commands_copy_a_store_that_is_in_use_for_nobody_else_to_read(root, tmp_path):
    page = (root / "docs" / "运维员.md").read_text(encoding="utf-8")
    commands = re.search(r"^umask .*?(?=^# PostgreSQL)", page, re.DOTALL | re.MULTILINE)[0]
    base, copies, home = tmp_path / "a.sqlite3", tmp_path / "copies", tmp_path / "home"
    copies.mkdir()
    kept = ("models/champion", "corpora/taxonomy.toml", "zuofeng.toml", "state/desk.key")
    for name in (*kept, "state/nightly.lock"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).touch()
    places = {
        "/opt/zuofeng/.venv/bin/python": sys.executable,
        "/var/lib/zuofeng/state/zuofeng.sqlite3": base,
        "/var/lib/zuofeng": home,
        "/backup": copies,
    }
    for place, here in places.items():
        assert place in commands
        commands = commands.replace(place, str(here))
    with contextlib.closing(sqlite3.connect(base)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (7)")
        connection.commit()
        # Every day anew: the copy of another day is not in its way.
        for day in ("2026-03-01", "2026-03-02"):
            script = commands.replace("$(date +%F)", day)
            subprocess.run(["sh", "-e", "-c", script], check=True, timeout=60)
        # Nothing is taken for a copy of a store that is not there.
        elsewhere = commands.replace(str(base), str(tmp_path / "none.sqlite3")).replace("$(date +%F)", "2026-03-03")
        done = subprocess.run(["sh", "-c", elsewhere], check=False, timeout=60, capture_output=True)
        assert (done.returncode, (tmp_path / "none.sqlite3").exists()) == (1, False)
    assert {p.stat().st_mode & 0o777 for p in copies.iterdir()} == {0o600}
    with tarfile.open(copies / "zuofeng-2026-03-01.tar.gz") as packed:
        assert {m.name for m in packed if m.isfile()} == {*kept}
    made = sorted(copies.glob("*.sqlite3"))
    assert len(made) == 2
    for copy in made:
        with contextlib.closing(sqlite3.connect(copy)) as connection:
            assert connection.execute("SELECT x FROM t").fetchall() == [(7,)]
