import datetime as dt
import html
import re

import pytest
from axes.models import AccessAttempt
from desk.conftest import PASSWORD
from django.contrib.sessions.models import Session
from django.utils import timezone

from pipeline.desk.accounts import add_account
from pipeline.desk.tables import AuditEntry


def enter(client, username="reviewer", password=PASSWORD, **more):
    return client.post("/login", {"username": username, "password": password, **more})


def test_a_right_password_opens_and_a_wrong_one_does_not_say_which_part_was_wrong(desk):
    client = desk.client()
    wrong, unknown = enter(client, password="x"), enter(client, username="nobody")
    assert wrong.status_code == unknown.status_code == 400
    assert wrong.context["error"] == unknown.context["error"]
    right = enter(client)
    assert (right.status_code, right["Location"]) == (302, "/")
    assert client.get("/", follow=True).redirect_chain == [("/queue", 302)]


def test_five_wrong_passwords_close_the_account_from_this_address_even_for_the_right_one(desk):
    client = desk.client()
    answers = [enter(client, password=f"wrong{n}").status_code for n in range(6)]
    assert answers[:4] == [400] * 4
    assert answers[-1] == 429
    assert enter(client).status_code == 429
    elsewhere = desk.client(REMOTE_ADDR="127.0.0.9")
    assert enter(elsewhere).status_code == 302

    assert AuditEntry.objects.filter(action="session.lock").exists()


def test_another_way_of_writing_a_name_gives_no_fresh_attempts(desk):
    client = desk.client()
    ways = (
        "reviewer",
        "ｒｅｖｉｅｗｅｒ",
        "ⓡeviewer",
        " reviewer\u3000",
        "reviewe\N{MATHEMATICAL BOLD SMALL R}",
        "ｒeviewer",
    )
    assert [enter(client, way, "wrong").status_code for way in ways][-1] == 429
    assert {e.target for e in AuditEntry.objects.filter(action="session.fail")} == {"reviewer"}
    assert enter(desk.client(REMOTE_ADDR="127.0.0.9"), "ｒｅｖｉｅｗｅｒ").status_code == 302


def test_what_was_typed_into_the_account_field_is_not_kept_unless_it_is_an_account(desk):
    enter(desk.client(), username="my-secret-password")
    (counted,) = AccessAttempt.objects.values()
    assert "my-secret-password" not in str(counted)
    assert [e.target for e in AuditEntry.objects.filter(action="session.fail")] == ["（无此帐号）"]


@pytest.mark.parametrize(
    "after",
    [
        "https://evil.example/",
        "//evil.example/x",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:evil.example",
        "\t//evil.example",
        "evil.example",
    ],
)
def test_one_is_never_sent_elsewhere_after_signing_in(desk, after):
    assert enter(desk.client(), next=after)["Location"] == "/"
    answer = desk.client("reviewer").post("/theme", {"theme": "dark", "next": after})
    assert answer["Location"] == "/"


def test_one_is_sent_back_to_where_one_wanted_to_go(desk):
    client = desk.client()
    away = client.get("/queue?q=%E7%83%AD%E7%BA%BF")
    found = re.search(r'name="next" value="([^"]*)"', client.get(away["Location"]).content.decode())
    assert enter(client, next=html.unescape(found[1]))["Location"] == "/queue?q=%E7%83%AD%E7%BA%BF"


def test_the_session_number_changes_at_sign_in_and_dies_at_sign_out(desk):
    client = desk.client()
    client.cookies["zuofeng_session"] = "a" * 32
    enter(client)
    given = client.cookies["zuofeng_session"].value
    assert given != "a" * 32
    client.post("/logout")
    thief = desk.client()
    thief.cookies["zuofeng_session"] = given
    assert thief.get("/queue").status_code == 302


def test_the_cookies_are_out_of_reach_of_scripts_and_other_sites(desk):
    client = desk.client()
    client.get("/login")
    enter(client)
    for name in ("zuofeng_session", "zuofeng_csrf"):
        assert client.cookies[name]["httponly"]
        assert client.cookies[name]["samesite"] == "Strict"
    assert client.cookies["zuofeng_session"]["max-age"] == ""


def test_a_session_ends_when_nobody_moves(desk):
    client = desk.client("reviewer")
    client.get("/queue")
    number = client.cookies["zuofeng_session"].value

    def left():
        return (Session.objects.get(pk=number).expire_date - timezone.now()).total_seconds()

    assert 29 * 60 < left() <= 30 * 60
    # Used again after a while, it stays open for as long again; used at once, nothing is written.
    session = client.session
    session["moved"] -= 60
    session.save()
    for wanted in (30 * 60, 100):
        Session.objects.filter(pk=number).update(expire_date=timezone.now() + dt.timedelta(seconds=100))
        client.get("/queue")
        assert wanted - 60 < left() <= wanted


def test_a_form_that_comes_after_the_session_is_said_to_be_lost_and_where_it_stood_opens_next(desk):
    client, case = desk.client(), desk.case("D001")
    for address, where in (("decide", ""), ("note", ""), ("worksheet", "/worksheet")):
        answer = client.post(f"/documents/{case.pk}/{address}", {"note": "去过现场"}, follow=True)
        assert "刚才这一步没有保存" in answer.content.decode()
        assert answer.context["next"] == f"/documents/{case.pk}{where}"
    for plain in (client.get("/queue", follow=True), client.post("/logout", follow=True), client.get("/login")):
        assert "刚才这一步" not in plain.content.decode()


def test_sessions_that_ended_do_not_keep_what_was_looked_for(desk):
    client = desk.client("reviewer")
    client.get("/queue?q=张某某")
    number = client.cookies["zuofeng_session"].value
    Session.objects.filter(pk=number).update(expire_date=timezone.now() - dt.timedelta(seconds=1))
    enter(desk.client(), "senior")
    assert not Session.objects.filter(pk=number).exists()


def test_nothing_opens_before_the_first_password_is_changed(desk):
    _, first = add_account(username="new", role="reviewer")
    client = desk.client()
    enter(client, "new", first)
    assert client.get("/queue")["Location"] == "/password"
    assert client.post("/queue/take")["Location"] == "/password"
    for new, again, said in (
        ("short", "short", "密码太短"),
        ("12345678901", "12345678901", "数字"),
        ("Bei-tang-77-x", "Bei-tang-77-y", "不一样"),
        (first, first, "不同"),
    ):
        answer = client.post("/password", {"old": first, "new": new, "again": again})
        assert answer.status_code == 400
        assert any(said in e for e in answer.context["errors"]), answer.context["errors"]
    wrong_old = client.post("/password", {"old": "x", "new": "Bei-tang-77-x", "again": "Bei-tang-77-x"})
    assert wrong_old.status_code == 400
    assert client.post("/password", {"old": first, "new": "Bei-tang-77-x", "again": "Bei-tang-77-x"}).status_code == 302
    assert client.get("/queue").status_code == 200


def test_other_sessions_end_with_the_old_password(desk):
    here, there = desk.client("reviewer"), desk.client("reviewer")
    new = "Bei-tang-77-x"
    assert here.post("/password", {"old": PASSWORD, "new": new, "again": new}).status_code == 302
    assert here.get("/queue").status_code == 200
    assert there.get("/queue").status_code == 302


def test_answers_carry_the_headers_that_keep_scripts_and_frames_out(desk):
    for client, url in ((desk.client(), "/login"), (desk.client("senior"), "/queue"), (desk.client(), "/nowhere")):
        answer = client.get(url)
        policy = answer["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["Cache-Control"] == "no-store"


def test_pages_hold_no_inline_script_or_style(desk):
    client = desk.client("senior")
    for url in ("/queue?state=all", "/documents/1", "/documents/1/paper", "/dashboard"):
        page = client.get(url).content.decode()
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", page), url


def test_an_unknown_host_is_refused(desk):
    assert desk.client().get("/login", HTTP_HOST="evil.example").status_code == 400
