"""The second factor: taken on, asked for, used once, lost and taken away."""

import contextlib
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from desk.conftest import PASSWORD
from desk.stores import apart, both_stores
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.desk.second import has_second, secret_of
from pipeline.desk.tables import AuditEntry

CODE = re.compile(r'<code class="secret">([^<]+)</code>')


@pytest.fixture
def phone(desk):
    """The reviewer's account with a second factor: the phone and the recovery codes."""
    client = desk.client("reviewer")
    page = client.get("/second-factor").content.decode()
    assert "<svg" in page
    answer = client.post("/second-factor", {"code": digits(desk), "password": PASSWORD})
    codes = CODE.findall(answer.content.decode())
    assert len(set(codes)) == 8
    forget(desk)
    return codes


def device(desk):
    return TOTPDevice.objects.get(user=desk.user("reviewer"))


def digits(desk, ahead=0):
    """What the phone shows now, or so many half minutes later."""
    return digits_of(device(desk), ahead)


def digits_of(d, ahead=0):
    return f"{totp(d.bin_key, d.step, d.t0, d.digits, d.drift + ahead):06d}"


def forget(desk):
    """As if half a minute had passed since the last code, and longer since the last mistake."""
    TOTPDevice.objects.update(last_t=-1, throttling_failure_count=0, throttling_failure_timestamp=None)
    StaticDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)


def enter(desk, **more):
    client = desk.client()
    answer = client.post("/login", {"username": "reviewer", "password": PASSWORD, **more})
    return client, answer


def test_the_password_alone_opens_nothing(desk, phone):
    client, answer = enter(desk, next="/queue?q=D001")
    assert answer["Location"] == "/login/code"
    for url in ("/queue", "/documents/1", "/second-factor", "/password"):
        assert client.get(url)["Location"].startswith("/login"), url
    assert client.post("/login/code", {"code": digits(desk)})["Location"] == "/queue?q=D001"
    assert client.get("/queue").status_code == 200


def test_a_code_counts_once(desk, phone):
    code = digits(desk)
    assert enter(desk)[0].post("/login/code", {"code": code})["Location"] == "/"
    assert enter(desk)[0].post("/login/code", {"code": code}).status_code == 400


def test_wrong_codes_cost_time_even_for_the_right_one_after(desk, phone):
    client, _ = enter(desk)
    wrong = f"{(int(digits(desk)) + 1) % 1_000_000:06d}"
    assert client.post("/login/code", {"code": wrong}).status_code == 400
    assert client.post("/login/code", {"code": digits(desk)}).status_code == 400
    forget(desk)
    assert client.post("/login/code", {"code": digits(desk)}).status_code == 302

    assert AuditEntry.objects.filter(action="session.fail", target="reviewer").count() == 2


def test_a_recovery_code_works_once(desk, phone):
    assert enter(desk)[0].post("/login/code", {"code": f" {phone[0].upper()} "})["Location"] == "/"
    assert enter(desk)[0].post("/login/code", {"code": phone[0]}).status_code == 400
    forget(desk)
    assert enter(desk)[0].post("/login/code", {"code": phone[1]})["Location"] == "/"


def test_a_right_password_does_not_wait_for_ever(desk, phone):
    client, _ = enter(desk)
    session = client.session
    session["waiting_for_code"] = {**session["waiting_for_code"], "at": 0}
    session.save()
    assert client.post("/login/code", {"code": digits(desk)})["Location"] == "/login"
    assert client.get("/queue").status_code == 302
    assert desk.client().post("/login/code", {"code": digits(desk)})["Location"] == "/login"


def test_one_who_was_switched_off_in_between_stays_out(desk, phone):
    client, _ = enter(desk)
    user = desk.user("reviewer")
    user.is_active = False
    user.save()
    assert client.post("/login/code", {"code": digits(desk)})["Location"] == "/login"


def test_taking_it_on_and_off_takes_the_password_and_a_fitting_code(desk):
    client = desk.client("reviewer")
    client.get("/second-factor")

    user = desk.user("reviewer")
    assert client.post("/second-factor", {"code": digits(desk), "password": "x"}).status_code == 400
    assert client.post("/second-factor", {"code": "000", "password": PASSWORD}).status_code == 400
    assert not has_second(user)
    forget(desk)
    assert client.post("/second-factor", {"code": digits(desk), "password": PASSWORD}).status_code == 200
    assert has_second(user)
    assert client.post("/second-factor", {"off": "1", "password": "x"}).status_code == 400
    assert has_second(user)
    client.post("/second-factor", {"off": "1", "password": PASSWORD})
    assert not has_second(user)


@both_stores
def test_two_pages_that_open_at_once_show_one_secret(desk, monkeypatch):
    clients, both = [desk.client("reviewer") for _ in range(2)], threading.Barrier(2)
    queries = type(TOTPDevice.objects.all())
    real = queries.create

    def create(self, **fields):
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(1)
        return real(self, **fields)

    def shown(client):
        return CODE.findall(client.get("/second-factor").content.decode())

    monkeypatch.setattr(queries, "create", create)
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(apart(shown), clients)
    assert one == other
    assert device(desk).confirmed is False


def test_an_account_that_has_two_secrets_to_confirm_is_shown_the_one_that_counts(desk):
    one, _ = [TOTPDevice.objects.create(user=desk.user("reviewer"), confirmed=False) for _ in range(2)]
    client = desk.client("reviewer")
    assert CODE.findall(client.get("/second-factor").content.decode()) == [secret_of(one)]
    code = digits_of(one)
    assert client.post("/second-factor", {"code": code, "password": PASSWORD}).status_code == 200
    assert has_second(desk.user("reviewer"))
    assert device(desk) == one


def test_an_administrator_or_the_command_line_takes_it_away(desk, phone):
    user = desk.user("reviewer")
    admin = desk.client("admin")
    assert "second_off" in admin.get("/users").content.decode()
    assert desk.client("senior").post(f"/users/{user.pk}", {"second_off": "1"}).status_code == 403
    assert has_second(user)
    admin.post(f"/users/{user.pk}", {"second_off": "1", "sure": "1"})
    assert not has_second(user)
    assert "second_off" not in admin.get("/users").content.decode()
    assert AuditEntry.objects.filter(action="account.second_off", actor="admin", target="reviewer").exists()
    assert enter(desk)[1]["Location"] == "/"
    done = CliRunner().invoke(app, ["user", "second-off", "reviewer", "--home", str(desk.settings.home)])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(app, ["user", "second-off", "nobody", "--home", str(desk.settings.home)])
    assert done.exception.code == "ZF-USER-NONE"
