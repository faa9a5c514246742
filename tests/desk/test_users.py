import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from desk.cheap import hashed_in_earnest
from desk.stores import apart, comes_to_wait, on_postgres
from django.db import transaction

from pipeline.desk.accounts import change_account
from pipeline.desk.tables import AuditEntry, Case, User
from pipeline.errors import ConfigError


def test_an_administrator_makes_an_account_that_works_once_its_password_is_changed(desk):
    admin = desk.client("admin")
    page = admin.post("/users", {"username": "li", "name": "李某", "role": "reviewer"})
    password = re.search(r'class="secret">([^<]+)<', page.content.decode())[1]
    assert password not in admin.get("/users").content.decode()
    client = desk.client()
    assert client.post("/login", {"username": "li", "password": password}).status_code == 302
    assert client.get("/queue")["Location"] == "/password"


def test_the_trail_names_the_account_as_it_is_however_it_was_typed(desk):
    desk.client("admin").post("/users", {"username": "ｗａｎｇ２", "role": "reviewer"})
    assert User.objects.filter(username="wang2").exists()
    assert AuditEntry.objects.get(action="account.add").target == "wang2"


def test_mistakes_come_all_at_once_and_make_nothing(desk):
    before = User.objects.count()
    for post in (
        {"username": "senior", "role": "king"},
        {"username": "", "role": ""},
        {"username": "a b!", "role": "admin"},
    ):
        page = desk.client("admin").post("/users", post)
        assert page.status_code == 400
        assert page.context["errors"]
    assert User.objects.count() == before


def test_the_last_administrator_stays(desk):
    admin, me = desk.client("admin"), desk.user("admin")
    for post in ({"role": "admin"}, {"role": "analyst", "active": "on"}):
        page = admin.post(f"/users/{me.pk}", post)
        assert page.status_code == 400
    assert desk.user("admin").role == "admin"
    desk.add_user("admin2", "admin")
    assert admin.post(f"/users/{me.pk}", {"role": "analyst", "active": "on"}).status_code == 200
    assert admin.get("/users").status_code == 403


@on_postgres
def test_two_administrators_who_switch_each_other_off_at_once_leave_one(desk):
    one, other = desk.user("admin"), desk.add_user("admin2", "admin")

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            change_account(other, role="admin", active=False)
            second = pool.submit(apart(lambda: change_account(one, role="admin", active=False)))
            comes_to_wait(second)
        with pytest.raises(ConfigError, match="最后一个管理员"):
            second.result()
    assert User.objects.filter(role="admin", is_active=True).count() == 1


def test_what_is_not_the_account_any_more_is_not_the_measure(desk):
    """The page was opened on an account that has been changed since."""
    stale = desk.user("reviewer")
    change_account(desk.user("reviewer"), role="senior", active=True)
    change_account(stale, role="reviewer", active=True)
    assert desk.user("reviewer").role == "reviewer"
    assert AuditEntry.objects.filter(action="account.change").last().detail["before"]["role"] == "senior"


def test_changes_are_on_the_record_with_before_and_after(desk):
    user = desk.user("reviewer")
    desk.client("admin").post(f"/users/{user.pk}", {"role": "senior", "active": "on"})
    entry = AuditEntry.objects.get(action="account.change")
    assert (entry.actor, entry.target) == ("admin", "reviewer")
    assert (entry.detail["before"]["role"], entry.detail["after"]["role"]) == ("reviewer", "senior")


@pytest.mark.parametrize("post", [{"role": "reviewer"}, {"role": "analyst", "active": "on"}])
def test_who_may_decide_no_more_keeps_no_cases(desk, post):
    user, admin = desk.user("reviewer"), desk.client("admin")
    given, held = desk.case("D001"), desk.case("D002")
    desk.client("senior").post("/queue/assign", {"case": [given.pk], "to": user.pk})
    desk.client("reviewer").get(f"/documents/{held.pk}")
    admin.post(f"/users/{user.pk}", {"role": "senior", "active": "on"})
    assert set(Case.objects.filter(assignee=user)) | set(Case.objects.filter(holder=user)) == {given, held}
    admin.post(f"/users/{user.pk}", post)
    assert not Case.objects.filter(assignee=user).exists()
    assert not Case.objects.filter(holder=user).exists()
    freed = AuditEntry.objects.filter(action="case.assign").last()
    assert (freed.actor, freed.detail) == ("admin", {"cases": [given.pk], "of": "reviewer"})


def test_a_new_first_password_ends_the_sessions(desk):
    client, user = desk.client("reviewer"), desk.user("reviewer")
    page = desk.client("admin").post(f"/users/{user.pk}", {"reset": "1", "role": "admin", "sure": "1"})
    assert page.context["handed"][1]
    assert client.get("/queue").status_code == 302
    assert desk.user("reviewer").role == "reviewer"


@pytest.mark.parametrize("button", ["reset", "second_off"])
def test_what_cannot_be_taken_back_is_asked_once_more(desk, button):
    from pipeline.desk.tables import AuditEntry

    client, user, admin = desk.client("reviewer"), desk.user("reviewer"), desk.client("admin")
    page = admin.post(f"/users/{user.pk}", {button: "1", "role": "senior", "active": "on"}).content.decode()
    (form,) = re.findall(r'<form [^>]*role="alert".*?</form>', page, re.DOTALL)
    assert re.findall(r'name="(\w+)"', form)[1:] == ["sure", button]
    assert "<b>reviewer</b>" in form
    assert not AuditEntry.objects.filter(action__startswith="account.").exists()
    assert client.get("/queue").status_code == 200


def test_there_is_no_such_role_or_account(desk):
    admin = desk.client("admin")
    assert admin.post(f"/users/{desk.user('reviewer').pk}", {"role": "king"}).status_code == 400
    assert admin.post("/users/999999", {"role": "admin"}).status_code == 404


def test_what_was_changed_is_said_in_words(desk):
    user, admin = desk.user("reviewer"), desk.client("admin")
    desk.client("reviewer").post("/queue/take")

    def said(**post):
        return admin.post(f"/users/{user.pk}", post).context["done"]

    assert said(role="senior", active="on") == "reviewer：角色由“分办员”改为“复核组长”"
    assert said(role="senior", active="on") == "reviewer：没有改动"
    assert said(role="reviewer") == "reviewer：角色由“复核组长”改为“分办员”；停用，不能再登录；名下 10 件放回队列"
    assert said(role="reviewer", active="on") == "reviewer：恢复使用"
    assert said(second_off="1", sure="1") == "reviewer：两步登录已关掉"
    assert (
        'role="status">reviewer：没有改动'
        in admin.post(f"/users/{user.pk}", {"role": "reviewer", "active": "on"}).content.decode()
    )


@pytest.mark.usefixtures("desk")
def test_a_password_is_kept_with_as_much_work_as_is_asked_for_today():
    """The other tests hash cheaply."""
    method, work, *_ = hashed_in_earnest("Qing-shi-lu-48").split("$")
    assert method == "scrypt"
    assert int(work) >= 2**14
