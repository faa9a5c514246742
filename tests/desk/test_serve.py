import io
import json
import logging
import os
import socket
import stat
import subprocess
import sys
import urllib.request

import pytest
from django.core.management import call_command
from django.db import connection

from pipeline.batch.logs import configure_logs
from pipeline.cli.serve import command
from pipeline.desk.configure import open_desk
from pipeline.desk.secret import secret_of
from pipeline.desk.serve import make_server
from pipeline.errors import ConfigError
from pipeline.settings import load_settings


def test_one_process_answers_pages_and_static_files(served):
    with urllib.request.urlopen(f"{served}/login") as answer:
        page = answer.read().decode()
    assert "复核台" in page
    for name in ("desk/desk.css", "desk/desk.js", "desk/mark.svg", "django_htmx/htmx-2.min.js"):
        assert f"/static/{name}" in page
        with urllib.request.urlopen(f"{served}/static/{name}") as answer:
            assert len(answer.read()) > 100
    assert "Server" not in answer.headers


def test_no_address_leaves_this_machine(served):
    with urllib.request.urlopen(f"{served}/login") as answer:
        assert "://" not in answer.read().decode()
    with urllib.request.urlopen(f"{served}/static/desk/desk.css") as answer:
        assert "://" not in answer.read().decode()


def test_serving_others_in_plain_text_is_refused(desk):
    with pytest.raises(ConfigError) as e:
        make_server(desk.settings, host="0.0.0.0", port=0)  # noqa: S104
    assert e.value.code == "ZF-SERVE-PLAIN"


def test_a_port_that_is_taken_is_said(desk):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigError) as e:
            make_server(desk.settings, port=taken.getsockname()[1])
    assert e.value.code == "ZF-SERVE-PORT"


@pytest.mark.usefixtures("restored_logs")
def test_the_server_writes_its_log_in_the_form_of_the_settings(home, monkeypatch, capsys):
    (home / "zuofeng.toml").write_text('log = "json"\n', encoding="utf-8")
    monkeypatch.setattr("pipeline.desk.serve.serve", lambda *_, **__: logging.getLogger("django.request").error("坏"))
    command(home=home)
    assert json.loads(capsys.readouterr().err)["message"] == "坏"


@pytest.mark.usefixtures("restored_logs")
def test_a_page_that_fails_is_logged_by_its_route_and_place_without_words(desk, monkeypatch):
    def fail(*_):
        raise ValueError("张三来信")

    monkeypatch.setattr("pipeline.desk.views.document.similar", fail)
    client = desk.client("reviewer", raise_request_exception=False)
    out = io.StringIO()
    configure_logs("json", out)
    assert client.get(f"/documents/{desk.case('D001').pk}/similar?q=李四").status_code == 500
    line = json.loads(out.getvalue())
    said = (line["method"], line["route"], line["status"], line["error"])
    assert said == ("GET", "documents/<int:number>/similar", 500, "ValueError")
    assert __file__ in line["at"][-1]
    assert [w for w in ("张三", "李四", "%E6", "D001") if w in out.getvalue()] == []


def test_django_finds_nothing_to_warn_of_behind_https(desk):
    open_desk(load_settings(desk.settings.home, desk={"https": True, "hosts": ["desk.example"]}), bring_up=False)
    call_command("check", deploy=True, fail_level="WARNING")
    answer = desk.client(SERVER_NAME="desk.example").get("/login")
    assert (answer.status_code, answer["Location"]) == (301, "https://desk.example/login")
    secure = desk.client(SERVER_NAME="desk.example").get("/login", secure=True)
    assert "max-age=31536000" in secure["Strict-Transport-Security"]
    assert secure.cookies["zuofeng_csrf"]["secure"]


def test_only_the_named_proxy_is_believed(desk):
    settings = load_settings(desk.settings.home, desk={"https": True, "trusted_proxy": "127.0.0.1"})
    server = make_server(settings, port=0)
    assert server.adj.trusted_proxy == "127.0.0.1"
    server.task_dispatcher.shutdown()
    server.close()
    open_desk(desk.settings, bring_up=False)
    plain = make_server(desk.settings, port=0)
    assert plain.adj.trusted_proxy is None
    assert plain.adj.clear_untrusted_proxy_headers
    plain.task_dispatcher.shutdown()
    plain.close()


def test_the_secret_is_made_once_for_its_owner_only(tmp_path):
    first = secret_of(tmp_path)
    assert secret_of(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "desk.key").stat().st_mode) == 0o600
    (tmp_path / "desk.key").write_text("short")
    with pytest.raises(ConfigError, match="不完整"):
        secret_of(tmp_path)


def test_the_models_and_the_migration_say_the_same(desk):
    call_command("makemigrations", "desk", check=True, dry_run=True, verbosity=0)


def test_accounts_and_the_trail_from_the_command_line(desk):
    def zuofeng(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "pipeline.cli", *arguments, "--home", str(desk.settings.home)],
            capture_output=True,
            text=True,
            check=False,
            env=dict(os.environ),
        )
        return done.returncode, done.stdout + done.stderr

    code, said = zuofeng("user", "add", "li", "--role", "reviewer", "--name", "李某")
    assert (code, "初始密码" in said) == (0, True)
    password = said.split("初始密码：")[1].split()[0]
    client = desk.client()
    assert client.post("/login", {"username": "li", "password": password})["Location"] == "/"
    assert client.get("/queue")["Location"] == "/password"
    code, said = zuofeng("user", "add", "li", "--role", "admin")
    assert (code, "已有这个帐号" in said) == (2, True)
    assert zuofeng("user", "add", "x", "--role", "king")[0] == 2
    code, said = zuofeng("user", "reset", "li")
    assert (code, password in said) == (0, False)
    assert zuofeng("user", "reset", "nobody")[0] == 2
    assert "li" in zuofeng("user", "list")[1]
    code, said = zuofeng("audit", "verify")
    assert (code, "完好" in said) == (0, True)

    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER zuofeng_audit_no_update")
        cursor.execute("UPDATE zuofeng_audit SET actor = 'nobody' WHERE number = 1")
    code, said = zuofeng("audit", "verify")
    assert (code, "第 1 条" in said) == (1, True)
