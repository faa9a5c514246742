"""A document whose text was removed by policy: the desk opens it, shows none of it, and keeps what people did."""

import datetime as dt

import pytest
from desk.stores import url_of
from desk.test_tables import exported, filled, send, verdicts
from django.apps import apps
from django.db import connection

from pipeline.batch.purge import purge
from pipeline.desk.audit import verify
from pipeline.desk.blind import put_into_queue
from pipeline.desk.cases import take_in
from pipeline.desk.models import Document
from pipeline.desk.roles import Role, allows
from pipeline.desk.tables import AuditEntry, Decision, Note, Signature, Worksheet
from pipeline.desk.urls import PAGES

#: Words that nothing but the texts and titles of this document holds.
TEXT, TITLE, QUOTE = "紫檀算盘第九颗珠子", "青花瓷瓶第三道裂纹", "让我跑了十一趟"
WORDS = (TEXT, TITLE, QUOTE)
GONE = "已按保留期清除"


@pytest.fixture
def marked(desk):
    """A desk with one document to be purged, and one that looks like it; people have worked on the first."""
    label = desk.columns[0][1]
    text = f"{TEXT}：窗口{QUOTE}，还没办成，打12345热线没人接，请尽快处理。"
    desk.add("P1", text, title=TITLE, unit="区教育局", spans={label: [QUOTE]}, decided={label: 0.9})
    desk.add("P2", text + "又及。", title=TITLE, unit="区教育局", spans={label: [QUOTE]}, decided={label: 0.9})
    take_in()
    return desk


@pytest.fixture
def clean(marked):
    """Purge P1 and P2, and nothing else."""

    def run():
        old = dt.datetime.now(dt.UTC) - dt.timedelta(days=800)
        Document.objects.filter(key__in=("P1", "P2")).update(stored=old)
        return purge(
            before=old + dt.timedelta(days=1), store=marked.settings.store_url, state=marked.settings.path("state")
        )

    return run


def work(desk):
    """Let people decide, remark and weigh."""
    case = desk.case("P1")
    assert desk.decide(desk.client("reviewer"), case, note="已电话核实").status_code == 302
    desk.client("reviewer").post(f"/documents/{case.pk}/note", {"text": "请看附件"})
    desk.client("senior").post(f"/documents/{case.pk}/worksheet", {"nature": "属于失误"})
    return case


def test_what_people_did_stays_and_the_text_shows_nowhere(marked, clean):
    case = work(marked)
    tables = (Decision, Note, Worksheet, AuditEntry)
    before = [list(t.objects.order_by("pk").values()) for t in tables]
    assert clean().counts["documents"] == 2
    after = [list(t.objects.order_by("pk").values()) for t in tables]
    assert [e["action"] for e in after[3][len(before[3]) :]] == ["purge.begin", "purge.end"]
    assert [*after[:3], after[3][: len(before[3])]] == before
    seen = set()
    for role in Role:
        client = marked.client(role.value)
        for page in PAGES:
            if "GET" not in page.methods or page.needs is None or not allows(role, page.needs):
                continue
            said = client.get(url_of(page, case.pk), {"state": "all", "q": "P1"}).content.decode(errors="replace")
            seen.add(page.name)
            assert [w for w in WORDS if w in said] == [], (page.name, role)
    assert {"document", "paper", "worksheet", "queue"} <= seen
    answer = marked.client("reviewer").get(f"/documents/{case.pk}").content.decode()
    assert all(w in answer for w in (GONE, "请看附件", "已电话核实"))
    revealed = marked.client("senior").post(f"/documents/{case.pk}/reveal", {"reason": "领导要看"})
    assert (revealed.status_code, TEXT in revealed.content.decode()) == (200, False)
    sheet = marked.client("senior").get(f"/documents/{case.pk}/worksheet").content.decode()
    assert all(w in sheet for w in (GONE, "属于失误"))
    assert verify()[2] == []


def test_no_table_of_the_store_holds_the_text(marked, clean):
    work(marked)
    clean()
    cells = []
    for model in apps.get_app_config("desk").get_models():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608
            cells += [str(v) for row in cursor.fetchall() for v in row]
    # JSON columns hold what is not ASCII as escapes.
    cells = [c.encode().decode("unicode_escape") if "\\u" in c else c for c in cells]
    assert "请看附件" in cells
    assert [c for c in cells if any(w in c for w in WORDS)] == []


def test_nobody_is_asked_to_judge_what_cannot_be_read(marked, clean):
    case = marked.case("P1")
    client = marked.client("reviewer")
    assert "P1" in client.get("/queue?q=P1").content.decode()
    clean()
    assert "/documents/" not in client.get("/queue?q=P1").content.decode().partition("<main")[2]
    assert GONE in client.get("/queue?q=P1&state=all").content.decode()
    client.post("/queue/take", {"filters": "q=P1&state=all"})
    answer = marked.decide(client, case)
    assert (answer.status_code, GONE in answer.context["error"]) == (409, True)
    shown = client.get(f"/documents/{case.pk}")
    assert shown.context["open"] is False
    case.refresh_from_db()
    assert (case.holder, case.state) == (None, "open")


def test_what_was_decided_before_the_text_went_stays_decided(marked, clean):
    client = marked.client("reviewer")
    marked.decide(client, marked.case("P1"))
    clean()
    answer = client.post("/undo")
    assert (answer.status_code, GONE in answer.context["message"]) == (409, True)
    assert marked.case("P1").state == "done"


def test_nothing_is_kept_from_who_can_read_it_no_more(marked, clean):
    marked.reopen(second_percent=100)
    work(marked)
    put_into_queue({"P2": 0.5}, "抽样", actor="t")
    assert [(c.state, c.blind) for c in map(marked.case, ("P1", "P2"))] == [("second", False), ("open", True)]
    clean()
    first, drawn = (marked.client("senior").get(f"/documents/{marked.case(k).pk}") for k in ("P1", "P2"))
    assert "已电话核实" in first.content.decode()
    assert "前一次的判定暂不显示" not in first.content.decode()
    assert [r.id for _, rows in drawn.context["s"].schemes for r in rows if r.by_model] == [marked.columns[0][1]]
    assert "判完之前不显示" not in drawn.content.decode()


def test_a_table_exported_before_is_not_taken_back(marked, clean):
    content = exported(marked, "q=P1")
    clean()
    answer = send(marked.client("senior"), filled(content, {"P1": {"判定": "无此问题"}}))
    assert GONE in verdicts(answer)["P1"]


def test_an_export_afterwards_holds_the_scores_only(marked, clean):
    clean()
    content = exported(marked, "state=all&q=P1", "csv").decode("utf-8-sig")
    assert "P1" in content
    assert [w for w in WORDS if w in content] == []


def test_what_was_purged_is_compared_with_nothing_and_stays_in_its_group(marked, clean):
    group = marked.case("P1").group
    assert group == marked.case("P2").group is not None
    clean()
    marked.add("P3", "另外一件：路灯坏了两个月没有人修。")
    take_in()
    assert set(Signature.objects.values_list("case__document__key", flat=True)).isdisjoint({"P1", "P2"})
    assert marked.case("P1").group == group
    assert marked.client("reviewer").get(f"/documents/{marked.case('P3').pk}/similar").context["similar"] == []


def test_a_night_that_brings_another_text_puts_it_back_in_the_queue(marked, clean):
    clean()
    label = marked.columns[0][1]
    marked.add("P1", "新的来信，窗口又让我跑了两趟。", decided={label: 0.9}, purged=False)
    assert marked.decide(marked.client("reviewer"), marked.case("P1")).status_code == 302
