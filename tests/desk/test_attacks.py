"""What an attacker would try at every address, from the list of addresses: a new page cannot be forgotten."""

from html.parser import HTMLParser

import pytest
from desk.stores import url_of

from pipeline.desk.roles import Role, allows
from pipeline.desk.tables import AuditEntry
from pipeline.desk.urls import PAGES

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}</title>"


def all_pages():
    return PAGES


def holder_of(page):
    return next(r.value for r in Role if allows(r, page.needs))


class _Markup(HTMLParser):
    """What a browser would make of a page: attributes that act, and images that nobody put there."""

    def __init__(self, content):
        super().__init__()
        self.acts = []
        self.feed(content)

    def handle_starttag(self, tag, attrs):
        self.acts += [(tag, name) for name, value in attrs if name.startswith("on") or (name, value) == ("src", "x")]


def harmless(answer):
    """Nothing of what was typed became markup; workbooks have a test of their own."""
    if not answer["Content-Type"].startswith("text/html"):
        return True
    content = answer.content.decode()
    return "<script>alert" not in content and not _Markup(content).acts


def test_csrf_every_form_of_every_page_needs_its_token(desk):
    tried = 0
    for page in all_pages():
        if "POST" in page.methods and page.needs is not None:
            client = desk.client(holder_of(page), enforce_csrf_checks=True)
            answer = client.post(url_of(page), {"reason": "需要回电", "text": "x", "username": "x"})
            assert (page.name, answer.status_code) == (page.name, 403)
            tried += 1
    assert tried >= 15


def test_reflected_whatever_is_asked_of_any_page_stays_text(desk):
    names = ("q", "unit", "label", "state", "order", "whose", "since", "until", "after", "next", "actor", "target",
             "action", "before", "name", "filters", "text", "reason", "note", "username", "role", "kind", "theme",
             "plan", "outcome", "nature", "to", "case", "old", "new", "again", "text_hash", "seconds")  # fmt: skip
    asked = dict.fromkeys(names, EVIL)
    for page in all_pages():
        if page.name == "logout":
            continue
        client = desk.client(page.needs and holder_of(page))
        for method in page.methods:
            answer = getattr(client, method.lower())(url_of(page), asked, follow=True)
            assert answer.status_code < 500, (page.name, method)
            assert harmless(answer), (page.name, method)


def test_stored_what_people_write_stays_text(desk):
    senior, number = desk.client("senior"), desk.case("D001").pk
    senior.post(f"/documents/{number}/note", {"text": EVIL})
    senior.post(f"/documents/{number}/reveal", {"reason": EVIL})
    senior.post(f"/documents/{number}/worksheet", {"nature": EVIL, "note": EVIL})
    senior.post("/rules", {"kind": "situation", "text": EVIL})
    senior.post("/queue/views", {"name": EVIL[:30], "filters": "unit=x"})
    desk.client("admin").post("/users", {"username": "eve", "name": EVIL[:60], "role": "reviewer"})
    desk.decide(senior, desk.case("D001"), note=EVIL)
    written = 0
    for role, urls in {
        "senior": ("/queue?state=all", f"/documents/{number}", f"/documents/{number}/paper", "/dashboard", "/rules",
                   f"/documents/{number}/worksheet", "/agreement"),
        "auditor": ("/audit",),
        "admin": ("/users",),
    }.items():  # fmt: skip
        for url in urls:
            answer = desk.client(role).get(url)
            assert harmless(answer), url
            written += "&lt;script&gt;" in answer.content.decode()
    assert written >= 6


def test_idor_numbers_of_nobody_are_404(desk):
    for page in all_pages():
        if "<int:number>" not in page.route:
            continue
        client = desk.client(holder_of(page))
        for number in (0, 987_654_321, 2**63 - 1, 2**80):
            for method in page.methods:
                answer = getattr(client, method.lower())(url_of(page, number), {"reason": "需要回电", "role": "admin"})
                assert (page.name, number, answer.status_code) == (page.name, number, 404)


@pytest.mark.parametrize(
    "nasty", ["' OR '1'='1", '" OR 1=1 --', "1; DROP TABLE zuofeng_audit; --", "%' --", "\\", "\0", "\ud800"]
)
def test_sql_no_field_of_the_trail_reaches_the_database_as_language(desk, nasty):
    desk.client("reviewer").get("/documents/1")
    auditor = desk.client("auditor")
    for field in ("actor", "action", "target", "before"):
        answer = auditor.get("/audit", {field: nasty.encode("utf-8", "surrogatepass")})
        assert answer.status_code == 200
        if field != "before" and nasty != "\0":
            assert answer.context["entries"] == []
    assert AuditEntry.objects.count() >= 4


def test_mass_assignment_unknown_fields_change_nobody(desk):
    me = desk.user("reviewer")
    client = desk.client("reviewer")
    more = {"role": "admin", "is_active": "on", "is_superuser": "on", "id": desk.user("admin").pk, "by": 1, "owner": 1}
    for page in all_pages():
        if "POST" in page.methods and page.name not in ("logout", "login"):
            client.post(url_of(page), {**more, "name": "x", "text": "y"})
    after = desk.user("reviewer")
    assert (after.role, after.password, after.pk) == (me.role, me.password, me.pk)
    assert desk.user("admin").role == "admin"


@pytest.mark.parametrize(
    "after", ["https://evil.example", "//evil.example", "/\\evil.example", "///evil.example", "/%09/evil.example"]
)
def test_open_redirect_no_page_sends_one_elsewhere(desk, after):
    for page in all_pages():
        if page.name == "logout":
            continue
        client = desk.client(page.needs and holder_of(page))
        for method in page.methods:
            answer = getattr(client, method.lower())(url_of(page), {"next": after, "theme": "dark", "filters": after})
            to = answer.headers.get("Location", "/")
            assert to.startswith("/"), (page.name, to)
            assert not to.startswith(("//", "/\\")), (page.name, to)


def test_a_body_beyond_the_limit_ends_before_our_code(served):
    import http.client

    host = served.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.putrequest("POST", "/roundtrip")
    connection.putheader("Content-Length", str(25 * 2**20))
    connection.endheaders()
    connection.send(b"x" * 1000)
    answer = connection.getresponse()
    assert answer.status == 413
    connection.close()


def test_forms_with_too_many_or_too_large_fields_are_refused(desk):
    client = desk.client("senior")
    assert client.post("/queue/assign", {"case": list(range(600))}).status_code == 400
    assert client.post("/documents/1/note", {"text": "x" * (3 * 2**20)}).status_code == 400


@pytest.mark.parametrize(
    "path",
    ["/static/../../../etc/passwd", "/static/%2e%2e/%2e%2e/settings.py", "/static//etc/passwd", "/documents/../users"],
)
def test_path_tricks_read_no_file(desk, path):
    answer = desk.client().get(path)
    assert answer.status_code in (302, 404)
    assert b"root:" not in answer.content
