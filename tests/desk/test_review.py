import html
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from desk.conftest import add_document
from desk.stores import apart, both_stores, comes_to_wait, on_postgres
from django.db import transaction

from pipeline.desk import audit
from pipeline.desk.cases import refresh
from pipeline.desk.models import Document, Prediction
from pipeline.desk.reading import masked, read
from pipeline.desk.reviews import take_reviews
from pipeline.desk.rounds import state_after
from pipeline.desk.schemes import label_names
from pipeline.desk.tables import AuditEntry, Case, Decision
from pipeline.desk.undo import undo


def decisions(key):
    return list(Decision.objects.filter(document__key=key).values_list("kind", "turn", "by__username"))


def labels_of(case):
    return sorted(x.label for x in case.labels.all())


@pytest.fixture
def pair(desk):
    """Every document is read twice; two reviewers besides the senior."""
    desk.reopen(second_percent=100)
    desk.add_user("second", "reviewer")
    return desk


def test_saving_without_change_confirms_and_with_change_corrects(desk):
    client = desk.client("reviewer")
    first, other = desk.columns[0][1], desk.columns[5][1]
    desk.decide(client, desk.case("D001"))
    desk.decide(client, desk.case("D002"), labels=[first, other])
    desk.decide(client, desk.case("D003"), labels=[])
    desk.decide(client, desk.case("D004"), "reject", labels=[first])
    desk.decide(client, desk.case("D005"), "unsure")
    kinds = [decisions(f"D00{n}")[0][0] for n in range(1, 6)]
    assert kinds == ["confirm", "correct", "reject", "reject", "unsure"]
    assert labels_of(desk.case("D002")) == sorted([first, other])
    assert labels_of(desk.case("D004")) == []
    assert [desk.case(f"D00{n}").state for n in range(1, 6)] == ["done"] * 4 + ["disputed"]


def test_a_decision_keeps_what_it_was_made_on(desk):
    case = desk.case("D001")
    desk.decide(desk.client("reviewer"), case, note="  去过现场  ", seconds="17")
    made = Decision.objects.get()
    assert (made.text_hash, made.model, made.note, made.seconds) == (case.text_hash, "m-1", "去过现场", 17)
    assert made.by == desk.user("reviewer")


@pytest.mark.parametrize(
    "post",
    [
        {"action": "shrug"},
        {"action": ""},
        {"label": ["no_such_label"]},
        {"label": ["<script>"]},
        {"text_hash": "0" * 64},
        {"text_hash": ""},
        {"note": "长" * 4001},
    ],
)
def test_a_choice_that_makes_no_sense_changes_nothing(desk, post):
    case = desk.case("D001")
    data = {"action": "save", "label": [desk.columns[0][1]], "text_hash": case.text_hash, **post}
    answer = desk.client("reviewer").post(f"/documents/{case.pk}/decide", data)
    assert answer.status_code == 409
    assert answer.context["error"]
    assert decisions("D001") == []
    assert desk.case("D001").state == "open"


def test_fields_nobody_asked_for_are_not_believed(desk):
    case = desk.case("D001")
    desk.decide(
        desk.client("reviewer"), case, by=desk.user("senior").pk, turn="final", kind="reject", at="2000-01-01",
        document=desk.case("D002").pk, id=77, seconds="-5",
    )  # fmt: skip
    made = Decision.objects.get()
    assert (made.by.username, made.turn, made.kind, made.document.key) == ("reviewer", "first", "confirm", "D001")
    assert (made.at.year, made.seconds) != (2000, -5)
    desk.client("admin").post("/users", {"username": "x", "role": "analyst", "is_active": "", "password": "hers"})
    user = desk.user(None, "x")
    assert (user.is_active, user.must_change_password, user.check_password("hers")) == (True, True, False)


def test_the_next_document_opens_at_once_and_after_the_last_the_queue(desk):
    client = desk.client("reviewer")
    url = client.post("/queue/take")["Location"]
    seen = []
    while url.startswith("/documents/"):
        number = int(url.split("/")[2])
        seen.append(number)
        page = client.get(url)
        url = desk.decide(client, page.context["case"])["Location"]
    assert len(seen) == len(set(seen)) == 10
    assert url == "/queue"


def test_two_people_decide_one_document_once(desk):
    desk.add_user("second", "reviewer")
    one, two = desk.client("reviewer"), desk.client("second")
    case = desk.case("D001")
    one.get(f"/documents/{case.pk}")
    late = desk.decide(two, case)
    assert (late.status_code, "正在办" in late.context["error"]) == (409, True)
    assert desk.decide(one, case).status_code == 302
    again = desk.decide(one, case)
    assert (again.status_code, "已经办完" in again.context["error"]) == (409, True)
    assert decisions("D001") == [("confirm", "first", "reviewer")]


def test_a_text_that_changed_while_it_was_read_is_not_decided(desk):
    case = desk.case("D001")
    desk.add("D001", "换了一段新的")

    Case.objects.filter(pk=case.pk).update(run="")
    Prediction.objects.filter(document_id=case.pk).update()
    refresh()
    answer = desk.decide(desk.client("reviewer"), case)
    assert (answer.status_code, "更新" in answer.context["error"]) == (409, True)


@both_stores
def test_a_text_that_a_night_has_just_changed_waits_for_the_nights_end(desk):
    client, same = desk.client("reviewer"), "同一段话，窗口让我跑了五趟"
    for key in ("S1", "S2", "S3"):
        desk.add(key, same, score=0.99)
    add_document(desk.columns, "S1", "换了一段新的", score=0.99)
    add_document(desk.columns, "S2", "又换了一段新的", score=0.99)
    page = client.get(f"/documents/{desk.case('S1').pk}")
    assert "换了一段新的" in page.content.decode()
    answer = desk.decide(client, page.context["case"])
    assert (answer.status_code, "队列还没有跟上" in answer.context["error"]) == (409, True)
    client.post("/queue/give-back")
    client.post("/queue/take", {"filters": "order=newest"})
    assert [desk.case(k).holder is None for k in ("S1", "S2", "S3")] == [True, True, False]
    desk.decide(client, desk.case("S3"), together="on")
    assert [len(decisions(k)) for k in ("S1", "S2", "S3")] == [0, 0, 1]
    desk.take_in()
    assert desk.decide(client, desk.case("S1")).status_code == 302
    assert [desk.case(k).state for k in ("S1", "S2", "S3")] == ["done", "open", "done"]


def test_undo_takes_back_the_last_one_and_keeps_the_row(desk):
    client = desk.client("reviewer")
    desk.decide(client, desk.case("D001"), labels=[desk.columns[5][1]])
    desk.decide(client, desk.case("D002"))
    answer = client.post("/undo")
    assert answer["Location"] == f"/documents/{desk.case('D002').pk}"
    assert (desk.case("D002").state, desk.case("D001").state) == ("open", "done")
    assert [k for k, _, _ in decisions("D002")] == ["confirm", "undo"]
    client.post("/undo")
    assert labels_of(desk.case("D001")) == sorted({desk.columns[0][1], desk.columns[8][1]})
    assert client.post("/undo").status_code == 409
    desk.decide(client, desk.case("D001"), "reject")
    assert desk.case("D001").state == "done"


def test_a_decision_found_wrong_later_is_taken_back_on_its_own_page_and_nothing_else(desk):
    client, senior = desk.client("reviewer"), desk.client("senior")
    for n in (1, 2, 3):
        desk.decide(client, desk.case(f"D00{n}"), "reject")
    number = desk.case("D001").pk
    url, button = f"/documents/{number}", "撤销我对这件的判定"
    assert button not in senior.get(url).content.decode()
    assert senior.post("/undo", {"document": number}).status_code == 409
    assert button in client.get(url).content.decode()
    assert client.post("/undo", {"document": number})["Location"] == url
    assert [desk.case(f"D00{n}").state for n in (1, 2, 3)] == ["open", "done", "done"]
    assert button not in client.get(url).content.decode()
    assert client.post("/undo", {"document": "x"}).status_code == 404
    assert desk.decide(client, desk.case("D001")).status_code == 302
    client.post("/undo")
    client.post("/undo")
    assert [desk.case(f"D00{n}").state for n in (1, 2, 3)] == ["open", "done", "open"]


def test_what_was_decided_of_an_earlier_text_is_not_taken_back_on_the_page_of_the_new_one(desk):
    client = desk.client("reviewer")
    desk.decide(client, desk.case("D001"))
    desk.add("D001", "原文换了一段：窗口让我跑了九趟")
    case = desk.case("D001")
    assert case.state == "open"
    desk.client("senior").get(f"/documents/{case.pk}")
    assert client.post("/undo", {"document": case.pk}).status_code == 409
    assert desk.case("D001").holder.username == "senior"


def test_nobody_undoes_what_somebody_else_decided(desk):
    desk.decide(desk.client("reviewer"), desk.case("D001"))
    assert desk.client("senior").post("/undo").status_code == 409
    assert desk.case("D001").state == "done"


@both_stores
def test_pressed_several_times_at_once_undo_takes_back_as_many(desk):
    client, keys = desk.client("reviewer"), [f"D00{n}" for n in range(1, 7)]
    for key in keys:
        desk.decide(client, desk.case(key))
    person, barrier = desk.user("reviewer"), threading.Barrier(len(keys))

    def press(_):
        barrier.wait()
        return undo(person)

    with ThreadPoolExecutor(len(keys)) as pool:
        taken = [pk for undone in pool.map(apart(press), keys) for pk in undone.documents]
    assert sorted(taken) == sorted(desk.case(key).pk for key in keys)
    assert Decision.objects.filter(kind="undo").count() == len(keys)


@on_postgres
def test_taking_back_many_waits_for_who_decides_one_of_them_and_not_the_other_way_round(desk):
    for key in ("S1", "S2"):
        desk.add(key, "同一段话，窗口让我跑了五趟", title=key)
    desk.decide(desk.client("reviewer"), desk.case("S1"), together="on")
    person, last = desk.user("reviewer"), desk.case("S2").pk
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            # As everybody who decides: the case is locked first, then the trail written to.
            Case.objects.select_for_update().get(pk=last)
            undone = pool.submit(apart(undo), person)
            comes_to_wait(undone)
            audit.record("document.see", "S2")
        assert undone.result().documents == (desk.case("S1").pk, last)


def test_the_same_text_is_decided_once_for_all_that_are_free(desk):
    for key in ("S1", "S2", "S3"):
        desk.add(key, "同一段话，窗口让我跑了五趟", title=key)
    client, other = desk.client("reviewer"), desk.client("senior")
    client.get("/queue")
    other.get(f"/documents/{desk.case('S3').pk}")
    page = client.get(f"/documents/{desk.case('S1').pk}")
    alike = page.context["s"].twins
    assert len(alike) == 2
    # Hundreds may be alike: only what the list shows is read of them.
    assert {"text", "title"} <= alike[0].document.get_deferred_fields()
    desk.decide(client, desk.case("S1"), together="on")
    assert [desk.case(k).state for k in ("S1", "S2", "S3")] == ["done", "done", "open"]
    client.post("/undo")
    assert [desk.case(k).state for k in ("S1", "S2", "S3")] == ["open"] * 3


def test_those_assigned_to_oneself_are_decided_along_and_counted_so(desk):
    for key in ("S1", "S2", "S3", "S4"):
        desk.add(key, "同一段话，窗口让我跑了五趟", title=key)
    desk.add_user("second", "reviewer")
    client, senior = desk.client("reviewer"), desk.client("senior")
    for key, whom in (("S2", "reviewer"), ("S3", "second")):
        senior.post("/queue/assign", {"case": [desk.case(key).pk], "to": desk.user(whom).pk})
    page = client.get(f"/documents/{desk.case('S1').pk}")
    assert "同文、近似还有 2 件，一并判" in page.content.decode()
    assert "同文、近似的还有 3 件" in page.content.decode()
    desk.decide(client, desk.case("S1"), together="on")
    assert [desk.case(k).state for k in ("S1", "S2", "S3", "S4")] == ["done", "done", "open", "done"]


def test_only_a_first_reading_offers_to_decide_others_along(pair):
    for key in ("S1", "S2"):
        pair.add(key, "同一段话，窗口让我跑了五趟", title=key)
    one, two, senior = pair.client("reviewer"), pair.client("second"), pair.client("senior")
    number = pair.case("S1").pk
    assert 'name="together"' in one.get(f"/documents/{number}").content.decode()
    pair.decide(one, pair.case("S1"))
    assert 'name="together"' not in two.get(f"/documents/{number}").content.decode()
    pair.decide(two, pair.case("S1"), "unsure")
    page = senior.get(f"/documents/{number}")
    assert (page.context["open"], 'name="together"' in page.content.decode()) == (True, False)


def test_the_second_reader_sees_nothing_of_the_first_until_both_have_spoken(pair):
    one, two = pair.client("reviewer"), pair.client("second")
    pair.decide(one, pair.case("D001"), labels=[pair.columns[5][1]], note="第一人的看法")
    case = pair.case("D001")
    assert case.state == "second"
    for url in (f"/documents/{case.pk}", f"/documents/{case.pk}/paper"):
        page = two.get(url)
        assert page.context["s"].blind
        assert "第一人的看法" not in page.content.decode()
    page = two.get(f"/documents/{case.pk}")
    assert not [e for e, _ in page.context["history"] if e.action.startswith("review.")]
    ticked = {r.id for _, rows in page.context["s"].schemes for r in rows if r.chosen}
    assert ticked == {pair.columns[0][1], pair.columns[8][1]}
    pair.decide(two, case, labels=[pair.columns[5][1]])
    assert pair.case("D001").state == "done"
    assert "第一人的看法" in two.get(f"/documents/{case.pk}").content.decode()


@both_stores
def test_who_read_an_earlier_text_sees_nothing_of_the_first_decision_on_the_new_one(desk):
    desk.reopen(second_percent=100)
    desk.add_user("second", "reviewer")
    one, two = desk.client("reviewer"), desk.client("second")
    desk.decide(one, desk.case("D001"), note="旧文的看法")
    desk.add("D001", "换了一份材料：镇里说下月就修，到现在没有人来。")
    desk.decide(two, desk.case("D001"), labels=[desk.columns[5][1]], note="新文第一人的看法")
    case = desk.case("D001")
    for who, text in ((one, "我自己留的话"), (two, "第一人留的话")):
        who.post(f"/documents/{case.pk}/note", {"text": text})
    for url in (f"/documents/{case.pk}", f"/documents/{case.pk}/paper"):
        page = one.get(url)
        assert page.context["s"].blind
        assert "新文第一人的看法" not in page.content.decode()
    page = one.get(f"/documents/{case.pk}")
    ticked = {r.id for _, rows in page.context["s"].schemes for r in rows if r.chosen}
    assert ticked == {d["id"] for some in case.prediction.decided.values() for d in some}
    assert [n.text for n in page.context["notes"]] == ["我自己留的话"]


@both_stores
def test_what_is_decided_of_a_text_that_came_back_holds_whatever_was_ruled_of_it_before(desk, taxonomy):
    desk.add_user("second", "reviewer")
    one, two, senior = desk.client("reviewer"), desk.client("second"), desk.client("senior")
    old, new = desk.columns[5][1], desk.columns[6][1]
    texts = dict(Document.objects.filter(key__in=["D001", "D002"]).values_list("key", "text"))
    for key in texts:
        desk.decide(one, desk.case(key), "unsure")
        desk.decide(senior, desk.case(key), labels=[old])
        add_document(desk.columns, key, f"换了一份材料：{key}镇里说下月就修，到现在没有人来。")
    desk.take_in()
    for key, text in texts.items():
        add_document(desk.columns, key, text)
    desk.take_in()
    assert [desk.case(key).state for key in texts] == ["open", "open"]
    desk.decide(two, desk.case("D001"), labels=[new])
    desk.decide(two, desk.case("D002"), "unsure")
    assert [desk.case(key).state for key in texts] == ["done", "disputed"]
    # The same senior: what was ruled before is no side in this.
    assert desk.decide(senior, desk.case("D002"), labels=[new]).status_code == 302
    assert [(desk.case(key).state, labels_of(desk.case(key))) for key in texts] == [("done", [new])] * 2
    taken = {x.gold.id: (x.by, x.sure) for x in take_reviews(taxonomy, actor="t").items}
    assert taken == {"D001": ("second", None), "D002": ("senior", 0.5)}


@both_stores
def test_what_was_taken_back_of_a_text_that_came_back_waits_whatever_was_decided_of_it_before(desk):
    desk.add_user("second", "reviewer")
    one, two = desk.client("reviewer"), desk.client("second")
    old, new = desk.columns[5][1], desk.columns[6][1]
    text = desk.case("D001").document.text
    desk.decide(one, desk.case("D001"), labels=[old])
    desk.add("D001", "换了一份材料：镇里说下月就修，到现在没有人来。")
    desk.add("D001", text)
    desk.decide(two, desk.case("D001"), "reject")
    two.post("/undo")
    assert (desk.case("D001").state, labels_of(desk.case("D001"))) == ("open", [desk.columns[0][1]])
    assert desk.decide(two, desk.case("D001"), labels=[new]).status_code == 302
    assert (desk.case("D001").state, labels_of(desk.case("D001"))) == ("done", [new])


def test_the_queue_does_not_tell_the_second_reader_either(pair):
    pair.decide(pair.client("reviewer"), pair.case("D001"), labels=[pair.columns[5][1]])
    rows = pair.client("second").get("/queue?state=second").context["rows"]
    assert [sorted(name for name, _ in r["labels"]) for r in rows] == [
        sorted(model_names(pair, "D001")),
    ]


def model_names(desk, key):
    return [label_names()[d["id"]] for some in desk.case(key).prediction.decided.values() for d in some]


def test_one_person_is_not_two_pairs_of_eyes(pair):
    one = pair.client("reviewer")
    pair.decide(one, pair.case("D001"))
    again = pair.decide(one, pair.case("D001"))
    assert (again.status_code, "另一个人" in again.context["error"]) == (409, True)
    one.post("/queue/take", {"filters": "state=second"})
    assert pair.case("D001").holder is None


@both_stores
def test_who_took_a_decision_back_may_be_the_second_reader(desk):
    desk.reopen(second_percent=100)
    desk.add_user("second", "reviewer")
    one, two, senior = desk.client("reviewer"), desk.client("second"), desk.client("senior")
    desk.decide(one, desk.case("D001"))
    one.post("/undo")
    one.post("/queue/give-back")
    desk.decide(two, desk.case("D001"))
    case = desk.case("D001")
    assert case.state == "second"
    senior.post("/queue/assign", {"case": [case.pk], "to": desk.user("reviewer").pk})
    assert desk.case("D001").assignee == desk.user("reviewer")
    assert one.post("/queue/take", {"filters": "state=second"})["Location"] == f"/documents/{case.pk}"
    assert desk.decide(one, desk.case("D001")).status_code == 302
    assert desk.case("D001").state == "done"


@both_stores
def test_who_read_an_earlier_text_may_be_the_second_reader_of_the_new_one(desk):
    desk.reopen(second_percent=100)
    desk.add_user("second", "reviewer")
    one, two = desk.client("reviewer"), desk.client("second")
    desk.decide(one, desk.case("D001"))
    desk.add("D001", "换了一份材料：镇里说下月就修，到现在没有人来。")
    desk.decide(two, desk.case("D001"))
    case = desk.case("D001")
    assert case.state == "second"
    assert one.post("/queue/take", {"filters": "state=second"})["Location"] == f"/documents/{case.pk}"
    assert desk.decide(one, case).status_code == 302
    assert desk.case("D001").state == "done"


def test_what_was_assigned_for_the_first_reading_is_free_for_the_second(pair):
    one, two, senior = pair.client("reviewer"), pair.client("second"), pair.client("senior")
    case = pair.case("D001")
    senior.post("/queue/assign", {"case": [case.pk], "to": pair.user("reviewer").pk})
    pair.decide(one, case)
    assert pair.case("D001").assignee is None
    assert two.post("/queue/take", {"filters": "state=second"})["Location"] == f"/documents/{case.pk}"
    assert pair.decide(two, pair.case("D001")).status_code == 302
    assert pair.case("D001").state == "done"


def test_a_second_reading_is_not_assigned_to_who_made_the_first(pair):
    senior, first, second = pair.client("senior"), pair.user("reviewer"), pair.user("second")
    pair.decide(pair.client("reviewer"), pair.case("D001"))
    both = [pair.case("D001"), pair.case("D002")]
    said = senior.get(senior.post("/queue/assign", {"case": [c.pk for c in both], "to": first.pk})["Location"])
    assert [pair.case(c.document.key).assignee for c in both] == [None, first]
    assert AuditEntry.objects.get(action="case.assign").detail == {"cases": [both[1].pk]}
    assert "1 件没有分" in said.content.decode()
    senior.post("/queue/assign", {"case": [both[0].pk], "to": second.pk})
    assert pair.case("D001").assignee == second


def test_the_first_reader_looks_in_without_taking_it_from_the_second(pair):
    one, two = pair.client("reviewer"), pair.client("second")
    pair.decide(one, pair.case("D001"))
    page = one.get(f"/documents/{pair.case('D001').pk}")
    assert (page.context["open"], "等另一个人再看" in page.content.decode()) == (False, True)
    assert pair.case("D001").holder is None
    two.get(f"/documents/{pair.case('D001').pk}")
    assert pair.case("D001").holder == pair.user("second")


def test_no_page_asks_for_a_decision_that_would_be_refused(pair):
    senior, one, two = pair.client("senior"), pair.client("reviewer"), pair.client("second")
    given, disputed, renewed = (pair.case(f"D00{n}") for n in (1, 2, 3))
    senior.post("/queue/assign", {"case": [given.pk], "to": pair.user("second").pk})
    pair.decide(senior, disputed)
    pair.decide(two, disputed, "reject")
    add_document(pair.columns, "D003", "换了一段新的")
    for client, case, said in (
        (one, given, "这件已分给 second，您只能看"),
        (senior, disputed, "您是意见不一的一方"),
        (one, renewed, "原文刚更新"),
    ):
        page = client.get(f"/documents/{case.pk}")
        assert (page.context["open"], said in page.content.decode()) == (False, True)
        assert pair.case(case.document.key).holder is None
        assert pair.decide(client, page.context["case"]).status_code == 409
    assert two.get(f"/documents/{given.pk}").context["open"]


def test_what_was_chosen_and_written_is_still_there_after_a_refusal(desk):
    client, note = desk.client("reviewer"), '去过"现场"'
    for key in ("S1", "S2"):
        desk.add(key, "同一段话，窗口让我跑了五趟")
    ticked = [desk.columns[3][1], desk.columns[5][1]]
    case = desk.case("S1")
    refused = desk.decide(client, case, labels=ticked, note=note, text_hash="0" * 64)
    assert refused.status_code == 409
    assert {r.id for _, rows in refused.context["s"].schemes for r in rows if r.chosen} == set(ticked)
    page = refused.content.decode()
    assert f'name="note" value="{html.escape(note)}"' in page
    assert 'name="together" checked' not in page
    together = desk.decide(client, case, labels=ticked, text_hash="0" * 64, together="on")
    assert 'name="together" checked' in together.content.decode()


def test_after_somebody_else_was_first_the_page_shows_what_is_and_the_note(desk):
    desk.add_user("second", "reviewer")
    case = desk.case("D001")
    desk.decide(desk.client("second"), case, labels=[desk.columns[5][1]])
    late = desk.decide(desk.client("reviewer"), case, labels=[desk.columns[3][1]], note="去过现场")
    assert late.status_code == 409
    assert [r.id for _, rows in late.context["s"].schemes for r in rows if r.chosen] == [desk.columns[5][1]]
    assert "您写的备注没有保存：去过现场" in late.content.decode()


def test_two_who_disagree_go_to_a_third(pair):
    one, two = pair.client("reviewer"), pair.client("second")
    pair.decide(one, pair.case("D001"))
    pair.decide(two, pair.case("D001"), "reject")
    case = pair.case("D001")
    assert case.state == "disputed"
    assert pair.decide(one, case).status_code == 409
    senior = pair.client("senior")
    assert senior.get("/queue?state=disputed").context["counted"] == "1"
    assert len(senior.get(f"/documents/{case.pk}").context["s"].decisions) == 2
    assert pair.decide(senior, case, "unsure").status_code == 409
    pair.decide(senior, case, labels=[pair.columns[5][1]])
    done = pair.case("D001")
    assert (done.state, labels_of(done)) == ("done", [pair.columns[5][1]])
    assert decisions("D001")[-1] == ("correct", "final", "senior")


@both_stores
def test_what_waits_for_the_next_person_has_the_labels_of_the_model_as_it_is(desk):
    desk.reopen(second_percent=100)
    desk.add_user("second", "reviewer")
    one, two, senior = desk.client("reviewer"), desk.client("second"), desk.client("senior")
    first, newer = desk.columns[5][1], desk.columns[1][1]
    for key in ("D001", "D002", "D003"):
        desk.decide(one, desk.case(key), labels=[first], note="第一人的看法")
    desk.decide(two, desk.case("D002"), "reject")
    desk.decide(two, desk.case("D003"), labels=[first])
    run = desk.night(2)
    for key in ("D001", "D002", "D003"):
        desk.add(key, desk.case(key).document.text, run=run, decided={newer: 0.9})
    found = {key: (desk.case(key).state, labels_of(desk.case(key))) for key in ("D001", "D002", "D003")}
    assert found == {"D001": ("second", [newer]), "D002": ("disputed", [newer]), "D003": ("done", [first])}
    for state, key in (("second", "D001"), ("disputed", "D002")):
        page = senior.get(f"/queue?state={state}&label={newer}")
        assert [r["case"].document.key for r in page.context["rows"]] == [key]
        assert senior.get(f"/queue?state={state}&label={first}").context["rows"] == []
    page = two.get(f"/documents/{desk.case('D001').pk}")
    assert page.context["s"].blind
    assert "第一人的看法" not in page.content.decode()
    assert [r.id for _, rows in page.context["s"].schemes for r in rows if r.chosen] == [newer]


def test_the_same_labels_in_another_order_are_no_disagreement(desk):
    # Between the two the taxonomy was put in another order and got one more scheme.
    kept = {"first": {"a": ["x", "y"]}, "second": {"a": ["y", "x"], "b": []}}
    made = [
        Decision(id=i, document_id=1, turn=turn, kind="correct", labels=labels, text_hash="h")
        for i, (turn, labels) in enumerate(kept.items(), 1)
    ]
    assert state_after(made, "h") == ("done", ["y", "x"])
    made[1].labels = {"a": ["y"], "b": []}
    assert state_after(made, "h") == ("disputed", None)


def test_a_senior_who_is_a_party_does_not_judge(pair):
    pair.decide(pair.client("senior"), pair.case("D001"))
    pair.decide(pair.client("second"), pair.case("D001"), "reject")
    answer = pair.decide(pair.client("senior"), pair.case("D001"))
    assert (answer.status_code, "一方" in answer.context["error"]) == (409, True)


def test_a_first_decision_is_not_undone_after_a_second(pair):
    one, two = pair.client("reviewer"), pair.client("second")
    pair.decide(one, pair.case("D001"))
    pair.decide(two, pair.case("D001"))
    assert one.post("/undo").status_code == 409
    assert two.post("/undo").status_code == 302
    assert pair.case("D001").state == "second"


# --- what is shown -------------------------------------------------------------------------------------------------


def test_personal_data_is_masked_everywhere_until_a_reason_is_given(desk):
    phone = "13912345678"
    desk.add(
        "P1", f"我的电话{phone}，跑了五趟", title=f"来电 {phone}", spans={desk.columns[0][1]: [f"我的电话{phone}"]}
    )
    senior = desk.client("senior")
    senior.get("/queue")
    number = desk.case("P1").pk
    for url in ("/queue?q=P1", f"/documents/{number}", f"/documents/{number}/paper"):
        assert phone not in senior.get(url).content.decode(), url
    short = senior.post(f"/documents/{number}/reveal", {"reason": "看"})
    assert (short.status_code, phone in short.content.decode()) == (400, False)
    shown = senior.post(f"/documents/{number}/reveal", {"reason": "需要回电核实"})
    assert phone in shown.content.decode()
    assert AuditEntry.objects.get(action="document.reveal").detail == {"reason": "需要回电核实"}
    assert phone not in senior.get(f"/documents/{number}").content.decode()
    assert desk.client("reviewer").post(f"/documents/{number}/reveal", {"reason": "我想看看"}).status_code == 403


def test_what_only_the_title_holds_can_be_looked_at_too(desk):
    desk.add("T001", "窗口让我跑了五趟。", title="王某13912345678反映办事难")
    senior, number = desk.client("senior"), desk.case("T001").pk
    page = senior.get(f"/documents/{number}").content.decode()
    assert "王某***********反映" in page
    assert "已遮盖 1 处个人信息" in page
    assert f'action="/documents/{number}/reveal"' in page
    shown = senior.post(f"/documents/{number}/reveal", {"reason": "需要回电核实"}).content.decode()
    assert "王某13912345678反映" in shown


def test_evidence_cuts_the_text_without_changing_it(desk):
    text = "窗口让我跑了五趟，电话没人接。电话13912345678。"
    spans = [
        {"label": "a", "start": 0, "end": 8, "weight": 1.0},
        {"label": "b", "start": 4, "end": 14, "weight": 2.0},
        {"label": "a", "start": 9, "end": 14, "weight": 3.0},
    ]
    reading = read(text, spans)
    assert "".join(p.text for p in reading.pieces) == masked(text) != text
    assert [(p.text, p.labels) for p in reading.pieces if p.labels] == [
        ("窗口让我", ("a",)),
        ("跑了五趟", ("a", "b")),
        ("，", ("b",)),
        ("电话没人接", ("b", "a")),
    ]
    assert reading.quotes["a"] == ("电话没人接", "窗口让我跑了五趟")
    assert reading.personal == 1


@pytest.mark.parametrize("span", [(-1, 3), (2, 2), (5, 4), (0, 999)])
def test_evidence_that_does_not_fit_the_text_is_left_out(span):
    reading = read("短文本", [{"label": "a", "start": span[0], "end": span[1], "weight": 1}])
    assert [p.text for p in reading.pieces] == ["短文本"]


EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}{% now 'Y' %}</title>"


@pytest.mark.parametrize("field", ["key", "text", "title", "unit", "district", "channel", "received", "place"])
def test_no_field_of_a_document_becomes_markup(desk, field):
    values = {
        "key": "E1",
        "text": f"跑了五趟{EVIL}",
        field: f"跑了五趟{EVIL}"[: 100 if field == "channel" else 190],
    }
    if field == "received":
        values["received"] = EVIL[:60]
    key, text = values.pop("key"), values.pop("text")
    desk.add(key, text, spans={desk.columns[0][1]: [text[:20]]}, **values)
    client = desk.client("senior")
    client.get("/queue")
    number = desk.case(key).pk
    client.post(f"/documents/{number}/note", {"text": EVIL})
    desk.decide(client, desk.case(key), note=EVIL)
    pages = [
        client.get("/queue?state=all&order=newest"),
        client.get("/queue", {"state": "all", "q": EVIL[:60]}),
        client.get(f"/documents/{number}"),
        client.get(f"/documents/{number}/paper"),
        client.get("/dashboard"),
        desk.client("auditor").get("/audit"),
        desk.client("auditor").get("/audit", {"actor": EVIL, "target": EVIL}),
    ]
    for page in pages:
        assert page.status_code == 200
        content = page.content.decode()
        assert "<script>alert" not in content
        assert "<img src=x" not in content
        assert "49" not in re.findall(r"onerror=alert\(2\)&gt;(\d+)", content)
        for tag in re.findall(r"<[a-zA-Z][^>]*>", content):
            assert "onerror" not in re.sub(r'"[^"]*"', "", tag), tag
    assert html.escape(EVIL[:20]) in pages[0].content.decode() or field not in ("key", "title", "unit")


def test_the_page_names_every_label_with_its_key(desk):
    page = desk.client("reviewer").get(f"/documents/{desk.case('D001').pk}")
    rows = [r for _, rows in page.context["s"].schemes for r in rows]
    assert {r.id for r in rows} == {label for _, label in desk.columns}
    given = [r.key for r in rows if r.key]
    assert len(given) == len(set(given)) == 19
    assert not set(given) & set("bfgjknvxz")


def test_colleagues_see_who_did_what_with_a_document(desk):
    client = desk.client("reviewer")
    number = desk.case("D001").pk
    client.get(f"/documents/{number}")
    client.post(f"/documents/{number}/note", {"text": "已联系街道"})
    desk.decide(client, desk.case("D001"))
    page = desk.client("senior").get(f"/documents/{number}")
    assert [name for _, name in page.context["history"]] == ["看件", "备注", "确认", "看件"]
    assert "已联系街道" in page.content.decode()


def test_decided_documents_of_the_same_unit_stand_beside_new_ones(desk):
    client = desk.client("reviewer")
    desk.decide(client, desk.case("D001"))
    page = client.get(f"/documents/{desk.case('D013').pk}/similar")
    assert [x["key"] for x in page.context["similar"]] == ["D001"]
    part = client.get(f"/documents/{desk.case('D013').pk}/similar", headers={"HX-Request": "true"})
    assert part.content.decode().strip().startswith('<section class="near">')


def test_a_number_at_the_end_of_a_head_is_hidden_too(desk):
    text = f"{'窗口让我跑了很多趟还没办成。' * 3}请回我的电话13812345678，我在家等。"
    for key in ("S1", "S2"):
        desk.add(key, f"{key}：{text}", unit="区教育局")
    client = desk.client("reviewer")
    desk.decide(client, desk.case("S1"))
    [found] = client.get(f"/documents/{desk.case('S2').pk}/similar").context["similar"]
    assert found["head"].endswith("电话*********")


def test_a_colleague_who_is_asked_finds_the_document_until_answering(desk):
    desk.add_user("second", "reviewer")
    one, two = desk.client("reviewer"), desk.client("second")
    number = desk.case("D001").pk
    one.post(f"/documents/{number}/note", {"text": "这算推诿吗？", "to": desk.user("second").pk})
    assert (two.get("/queue").context["asked"], one.get("/queue").context["asked"]) == (1, 0)
    found = two.get("/queue?whose=asked&state=all").context["rows"]
    assert [r["case"].document.key for r in found] == ["D001"]
    two.post(f"/documents/{number}/note", {"text": "算"})
    assert two.get("/queue").context["asked"] == 0
    auditor = desk.user("auditor").pk
    assert one.post(f"/documents/{number}/note", {"text": "x", "to": auditor}).status_code == 404


def test_what_is_asked_and_answered_is_counted_by_document_and_in_one_query(desk):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from pipeline.desk.talk import told

    desk.add_user("second", "reviewer")
    one, two = desk.client("reviewer"), desk.client("second")
    first, other = desk.case("D001").pk, desk.case("D002").pk
    for number in (first, first, other):
        one.post(f"/documents/{number}/note", {"text": "这算推诿吗？", "to": desk.user("second").pk})
    for text in ("算", "看第二段"):
        two.post(f"/documents/{first}/note", {"text": text})
    two.post(f"/documents/{other}/note", {"text": "您看呢？", "to": desk.user("reviewer").pk})
    one.post(f"/documents/{first}/note", {"text": "那这一段呢？", "to": desk.user("second").pk})
    with CaptureQueriesContext(connection) as asked:
        assert told(desk.user("reviewer")) == {"asked": 1, "answered": 1}
    assert len([q for q in asked.captured_queries if "zuofeng_note" in q["sql"]]) == 1
    assert told(desk.user("second")) == {"asked": 1, "answered": 0}


def test_remarks_of_the_first_reader_are_kept_from_the_second(pair):
    one, two = pair.client("reviewer"), pair.client("second")
    number = pair.case("D001").pk
    one.post(f"/documents/{number}/note", {"text": "我看是推诿"})
    pair.client("senior").post(f"/documents/{number}/note", {"text": "已请街道回话"})
    pair.decide(one, pair.case("D001"))
    page = two.get(f"/documents/{number}").content.decode()
    assert ("我看是推诿" in page, "已请街道回话" in page) == (False, True)
    pair.decide(two, pair.case("D001"))
    assert "我看是推诿" in two.get(f"/documents/{number}").content.decode()


def test_who_asked_is_told_of_the_answer_wherever_he_is_until_he_has_read_it(desk):
    desk.add_user("second", "reviewer")
    one, two = desk.client("reviewer"), desk.client("second")
    number, other = desk.case("D001").pk, desk.case("D002").pk
    two.post(f"/documents/{number}/note", {"text": "我先说一句"})
    one.post(f"/documents/{number}/note", {"text": "这算推诿吗？", "to": desk.user("second").pk})
    asked = two.get(f"/documents/{number}")
    assert [n.text for n in asked.context["asking"]] == ["这算推诿吗？"]
    assert one.get("/queue").context["answered"] == 0
    two.post(f"/documents/{number}/note", {"text": "算，看第二段"})
    two.post(f"/documents/{other}/note", {"text": "没人问"})
    page = one.get(f"/documents/{other}")
    assert page.context["answered"] == 1
    assert "回了我的 1 件" in page.content.decode()
    assert two.get(f"/documents/{number}").context["asking"] == []
    assert two.get("/queue").context["answered"] == 0
    found = one.get("/queue?whose=answered&state=all").context["rows"]
    assert [r["case"].document.key for r in found] == ["D001"]
    read = one.get(f"/documents/{number}")
    assert [n.text for n in read.context["notes"] if n.pk in read.context["new"]] == ["算，看第二段"]
    assert read.context["answered"] == 0
    assert one.get(f"/documents/{number}").context["new"] == frozenset()
    # A question in return is one to answer, not an answer.
    two.post(f"/documents/{number}/note", {"text": "您说呢？", "to": desk.user("reviewer").pk})
    page = one.get("/queue")
    assert (page.context["asked"], page.context["answered"]) == (1, 0)


@both_stores
def test_nobody_is_sent_to_a_remark_that_is_kept_from_him(pair):
    one, two = pair.client("reviewer"), pair.client("second")
    number = pair.case("D001").pk
    one.post(f"/documents/{number}/note", {"text": "这算推诿吗？", "to": pair.user("second").pk})
    two.post(f"/documents/{number}/note", {"text": "您看呢？", "to": pair.user("senior").pk})
    one.post(f"/documents/{number}/note", {"text": "我看算"})
    one.post(f"/documents/{number}/note", {"text": "算甩锅吗？", "to": pair.user("second").pk})
    two.post("/queue/give-back")
    pair.decide(one, pair.case("D001"))
    page = two.get(f"/documents/{number}")
    assert (page.context["asked"], page.context["answered"], page.context["new"]) == (0, 0, frozenset())
    pair.decide(two, pair.case("D001"))
    page = two.get("/queue")
    assert (page.context["asked"], page.context["answered"]) == (1, 1)


def test_what_was_decided_before_the_text_changed_is_said_to_be_of_the_earlier_one(desk):
    client = desk.client("reviewer")
    desk.decide(client, desk.case("D001"))
    page = client.get(f"/documents/{desk.case('D001').pk}").content.decode()
    assert "原文更新之前" not in page
    assert "判过之后原文更新了" not in page
    desk.add("D001", "补充：窗口让我跑了九趟，十一月又去了一次。")
    case = desk.case("D001")
    for place in ("", "/paper"):
        assert "原文更新之前" in client.get(f"/documents/{case.pk}{place}").content.decode()
    assert "判过之后原文更新了" in client.get(f"/documents/{case.pk}").content.decode()
    desk.decide(client, case)
    assert "判过之后原文更新了" not in client.get(f"/documents/{case.pk}").content.decode()


@both_stores
def test_what_people_decided_waits_again_with_a_new_text_even_if_the_model_finds_nothing_in_it(desk):
    client = desk.client("reviewer")
    desk.decide(client, desk.case("D001"))
    desk.add("D001", "补充：已经有人联系了。", decided={}, score=0.1)
    desk.add("D002", "补充：已经有人联系了，谢谢。", decided={}, score=0.1)
    assert [desk.case(key).state for key in ("D001", "D002")] == ["open", "auto"]
    desk.add("D001", "再补充：办好了。", decided={}, score=0.1)
    assert desk.case("D001").state == "open"
