"""Every address × every role × every method, from the list of addresses: a new page cannot be forgotten."""

import re

import pytest
from desk.stores import url_of

from pipeline.desk.matrix import markdown
from pipeline.desk.roles import GRANTS, ROLE_NAMES, Permission, Role, allows
from pipeline.desk.tables import AuditEntry
from pipeline.desk.urls import PAGES, urlpatterns

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def test_every_address_went_through_the_door(desk):
    assert [p.callback.page for p in urlpatterns if p.callback] == list(PAGES)
    # The interface for programs has a door and a matrix of its own (test_api).
    assert [str(p.pattern) for p in urlpatterns if not p.callback] == ["api/v1/"]
    assert [p.name for p in PAGES if p.needs is None] == ["login", "code", "oidc", "oidc_back"]
    assert len({p.name for p in PAGES}) == len(PAGES)


@pytest.mark.parametrize("role", [None, *Role])
def test_each_role_opens_what_the_table_grants_and_nothing_else(desk, role):
    tried = 0
    for page in PAGES:
        url = url_of(page)
        for method in METHODS:
            if role is not None and page.name == "logout":
                continue
            client = desk.client(role and role.value)
            client.raise_request_exception = True
            answer = getattr(client, method.lower())(url)
            tried += 1
            where = (page.name, method, answer.status_code)
            known = method in page.methods or (method == "HEAD" and "GET" in page.methods)
            if not known and method in ("GET", "HEAD"):
                assert answer.status_code == 302, where
                assert "/login" not in answer["Location"], where
            elif not known:
                assert answer.status_code == 405, where
            elif page.needs is None:
                assert answer.status_code in (200, 302, 400, 404), where
            elif role is None:
                assert answer.status_code == 302, where
                assert answer["Location"].startswith("/login"), where
            elif allows(role, page.needs):
                assert answer.status_code not in (401, 403, 405, 500), where
            else:
                assert answer.status_code == 403, where
    assert tried >= len(METHODS) * (len(PAGES) - 1)


@pytest.mark.parametrize(
    ("address", "above"),
    [
        ("/documents/1/decide", "/documents/1"),
        ("/documents/1/reveal", "/documents/1"),
        ("/queue/take", "/queue"),
        ("/queue/views/3/drop", "/queue"),
        ("/rules/3", "/rules"),
        ("/users/3", "/users"),
        ("/audit/verify", "/audit"),
        ("/undo", "/"),
        ("/theme", "/"),
    ],
)
def test_loading_the_answer_to_a_form_anew_opens_what_the_form_was_on(desk, address, above):
    assert desk.client("senior").get(address)["Location"] == above


def test_another_theme_or_language_can_be_chosen_on_the_answer_to_a_form(desk):
    client, case = desk.client("senior"), desk.case("D001")
    refused = client.post(f"/documents/{case.pk}/decide", {"action": "save", "text_hash": "x"})
    assert refused.status_code == 409
    back = re.findall(r'name="next" value="([^"]*)"', refused.content.decode())
    for (way, value), to in zip((("theme", "dark"), ("language", "en")), back, strict=True):
        answer = client.post(f"/{way}", {way: value, "next": to}, follow=True)
        assert (answer.status_code, answer.request["PATH_INFO"]) == (200, f"/documents/{case.pk}")


def test_a_refusal_is_on_the_record(desk):
    desk.client("operator").get("/audit")
    entry = AuditEntry.objects.get(action="access.deny")
    assert (entry.actor, entry.target) == ("operator", "audit")


def test_nobody_who_manages_accounts_reads_documents_and_nobody_who_decides_reads_the_trail():
    for role in Role:
        assert not (allows(role, Permission.ACCOUNTS) and allows(role, Permission.DOCUMENTS))
        assert not (allows(role, Permission.REVIEW) and allows(role, Permission.AUDIT))
    assert set(GRANTS) == set(Permission)


def test_the_documents_show_the_table_as_it_is(root):
    """Generated: ``python -m pipeline.desk.matrix`` prints it."""
    assert markdown() in (root / "docs" / "desk" / "权限表.md").read_text(encoding="utf-8")


def test_one_who_is_switched_off_is_out_at_once(desk):
    client = desk.client("reviewer")
    assert client.get("/queue").status_code == 200
    user = desk.user("reviewer")
    user.is_active = False
    user.save()
    assert client.get("/queue").status_code == 302


def test_a_role_that_was_taken_away_counts_at_once(desk):
    client = desk.client("senior")
    assert client.post("/queue/assign").status_code == 302
    user = desk.user("senior")
    user.role = Role.ANALYST.value
    user.save()
    assert client.post("/queue/assign").status_code == 403
    assert set(ROLE_NAMES) == set(Role)


def test_each_page_has_its_picture_in_the_documents(root):
    """``make pictures`` draws them; a page that is new needs one, and all together stay small."""
    from desk.pictures import SHOWN

    folder = root / "docs" / "desk"
    guide = (folder / "复核台.md").read_text(encoding="utf-8")
    files = {f.name: f.stat().st_size for f in folder.glob("*.webp")}
    assert sum(files.values()) < 1_500_000
    assert {f"{name}.webp" for name in SHOWN} <= set(files)
    assert all(f"({name})" in guide for name in files)
