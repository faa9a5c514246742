"""Signing in by a proxy's header and by OpenID: what is believed, and from whom."""

import http.client
import http.server
import urllib.request
from urllib.parse import parse_qs, urlsplit

import pytest
from desk.conftest import running
from desk.provider import new_key, serving

from pipeline.desk.accounts import add_account
from pipeline.desk.configure import open_desk
from pipeline.desk.tables import AuditEntry
from pipeline.errors import ConfigError
from pipeline.settings import load_settings

HEADER = {"header": "X-Remote-User", "header_from": ["127.0.0.1"]}


def opened(desk, **sign_on):
    """Open the desk with these ways to sign in."""
    settings = load_settings(desk.settings.home, desk={"second_percent": 0, "sign_on": sign_on})
    open_desk(settings, bring_up=False)
    return settings


def test_a_header_means_nothing_unless_it_was_set_up(desk):
    opened(desk)
    client = desk.client(headers={"X-Remote-User": "senior"})
    assert client.get("/queue").status_code == 302
    assert client.get("/login").status_code == 200


def test_whom_the_proxy_names_is_in_with_the_role_of_the_account(desk):
    opened(desk, **HEADER)
    client = desk.client(headers={"X-Remote-User": "reviewer"})
    assert client.get("/login?next=/queue")["Location"] == "/queue"
    assert client.get("/queue").status_code == 200
    assert client.get("/users").status_code == 403

    assert AuditEntry.objects.get(action="session.login").detail == {"how": "header"}


def test_the_header_from_another_address_is_ignored(desk):
    opened(desk, **HEADER)
    client = desk.client(headers={"X-Remote-User": "senior"}, REMOTE_ADDR="10.1.2.3")
    assert client.get("/login").status_code == 200
    assert client.get("/queue").status_code == 302
    # What the connection was counts, not what forwarding made of it.
    client = desk.client(headers={"X-Remote-User": "senior"}, **{"zuofeng.peer": "10.1.2.3"})
    assert client.get("/login").status_code == 200


@pytest.mark.parametrize(
    ("sent", "allowed", "status"),
    [
        ({"X-Remote-User": "senior"}, ["127.0.0.1"], 302),
        ({"X-Remote-User": "senior"}, ["10.9.9.9"], 200),
        ({"X_Remote_User": "senior"}, ["127.0.0.1"], 200),
        ({"X-Remote-User": "senior", "X-Forwarded-For": "10.9.9.9"}, ["10.9.9.9"], 200),
        ({"X-Remote-User": "senior", "zuofeng.peer": "10.9.9.9"}, ["10.9.9.9"], 200),
    ],
)
def test_the_server_believes_connections_not_headers(desk, sent, allowed, status):
    settings = opened(desk, header="X-Remote-User", header_from=allowed)
    with running(settings) as address:
        connection = http.client.HTTPConnection(urlsplit(address).netloc)
        connection.request("GET", "/login", headers=sent)
        assert connection.getresponse().status == status
        connection.close()


def test_behind_a_forwarding_proxy_its_own_address_counts(desk):
    """The address it forwards is the reader's; the connection is still the proxy's."""
    settings = load_settings(desk.settings.home, desk={"trusted_proxy": "127.0.0.1", "sign_on": HEADER})
    with running(settings) as address:
        sent = {"X-Remote-User": "auditor", "X-Forwarded-For": "10.9.9.9", "X-Forwarded-Proto": "http"}
        jar = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with jar.open(urllib.request.Request(f"{address}/login?next=/audit", headers=sent)) as answer:
            assert answer.url.endswith("/audit")
            assert "10.9.9.9" in answer.read().decode()


def test_a_session_ends_when_the_proxy_names_another_or_nobody(desk):
    opened(desk, **HEADER)
    for then in ({"X-Remote-User": "senior"}, {}):
        client = desk.client()
        client.get("/login", headers={"X-Remote-User": "reviewer"})
        assert client.get("/queue", headers={"X-Remote-User": "reviewer"}).status_code == 200
        assert client.get("/queue", headers=then).status_code == 302


@pytest.mark.parametrize("name", ["nobody", "off", "x" * 300, "senior,reviewer", "senior'--"])
def test_whom_the_desk_does_not_know_stays_out(desk, name):
    opened(desk, **HEADER)
    desk.add_user("off", "senior", is_active=False)
    client = desk.client(headers={"X-Remote-User": name})
    assert client.get("/login").status_code == 403
    assert client.get("/queue").status_code == 302


def test_a_first_password_that_nobody_needs_does_not_stand_in_the_way(desk):
    opened(desk, **HEADER)
    add_account(username="new", role="reviewer")
    client = desk.client(headers={"X-Remote-User": "new"})
    client.get("/login")
    assert client.get("/queue").status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"header": "X-Remote-User"},
        {"header": "X-Remote-User", "header_from": ["proxy"]},
        {"header": "X Remote"},
        {"oidc_issuer": "https://id.example"},
        {"oidc_issuer": "http://id.example", "oidc_client": "a", "oidc_secret_file": "s"},
    ],
)
def test_half_a_setting_is_refused(tmp_path, wrong):
    with pytest.raises(ConfigError):
        load_settings(tmp_path, desk={"sign_on": wrong})


def test_all_that_is_half_set_is_said_at_once(tmp_path):
    with pytest.raises(ConfigError) as e:
        load_settings(tmp_path, desk={"sign_on": {"header": "X-Remote-User", "oidc_issuer": "http://id.example"}})
    (said,) = e.value.details
    assert [w in said for w in ("header_from", "oidc_client", "https")] == [True] * 3
    with pytest.raises(ConfigError, match=r"proxy、10\.0\.0"):
        load_settings(tmp_path, desk={"sign_on": {"header_from": ["proxy", "10.0.0.1", "10.0.0"]}})


@pytest.fixture(scope="module")
def keys():
    return [new_key(), new_key()]


@pytest.fixture
def provider(desk, keys):
    """A desk that trusts a provider on this machine."""
    with serving(desk.settings.home, keys[0]) as server:
        opened(desk, oidc_issuer=server.issuer, oidc_client="zuofeng", oidc_secret_file="oidc.secret")
        yield server


def away(client, provider):
    """Go to the provider, who says yes; return where it sends the reader back to."""
    to = urlsplit(client.get("/login/oidc")["Location"])
    asked = {k: v[0] for k, v in parse_qs(to.query).items()}
    assert f"{to.scheme}://{to.netloc}{to.path}" == f"{provider.issuer}/authorization"
    assert asked["redirect_uri"] == "http://127.0.0.1/login/oidc/back"
    assert asked["code_challenge_method"] == "S256"
    provider.codes["c1"] = asked
    return {"code": "c1", "state": asked["state"]}


def test_one_signs_in_at_the_provider(desk, provider):
    assert "统一登录" in desk.client().get("/login").content.decode()
    client = desk.client()
    assert client.get("/login/oidc/back", away(client, provider))["Location"] == "/"
    assert client.get("/queue").status_code == 200

    entry = AuditEntry.objects.get(action="session.login")
    assert (entry.actor, entry.detail) == ("senior", {"how": "oidc"})
    from django.conf import settings

    # The way back comes from another site; a strict cookie would not.
    assert settings.SESSION_COOKIE_SAMESITE == "Lax"


@pytest.mark.parametrize(
    "lie", [{"nonce": "other"}, {"aud": "other"}, {"iss": "https://evil.example"}, {"exp": 1}, {"aud": None}]
)
def test_a_token_that_was_not_made_for_us_now_is_refused(desk, provider, lie):
    provider.lie = lie
    client = desk.client()
    assert client.get("/login/oidc/back", away(client, provider)).status_code == 400
    assert client.get("/queue").status_code == 302


def test_a_token_signed_by_another_is_refused(desk, provider, keys):
    provider.signs = keys[1]
    client = desk.client()
    assert client.get("/login/oidc/back", away(client, provider)).status_code == 400


def test_an_answer_nobody_asked_for_is_refused(desk, provider):
    victim, attacker = desk.client(), desk.client()
    answer = away(attacker, provider)
    assert victim.get("/login/oidc/back", answer).status_code == 400
    assert victim.get("/login/oidc/back").status_code == 400
    assert victim.get("/login/oidc/back", {"error": "access_denied"}).status_code == 400
    assert victim.get("/queue").status_code == 302


@pytest.mark.parametrize("who", ["nobody", "", None, "off"])
def test_whom_the_provider_knows_and_the_desk_does_not_stays_out(desk, provider, who):
    desk.add_user("off", "senior", is_active=False)
    provider.who = who
    client = desk.client()
    assert client.get("/login/oidc/back", away(client, provider)).status_code == 403
    assert client.get("/queue").status_code == 302


def test_a_provider_that_is_away_is_said(desk, provider):
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{free.getsockname()[1]}"
    opened(desk, oidc_issuer=gone, oidc_client="zuofeng", oidc_secret_file="oidc.secret")
    assert desk.client().get("/login/oidc").status_code == 503


def test_without_a_provider_there_is_no_such_page(desk):
    opened(desk)
    for url in ("/login/oidc", "/login/oidc/back?code=1&state=2"):
        assert desk.client().get(url).status_code == 404
    from django.conf import settings

    assert settings.SESSION_COOKIE_SAMESITE == "Strict"
