import dataclasses
import re

import pytest
from desk.stores import both_stores

from pipeline.desk.blind import put_into_queue, read_sample
from pipeline.desk.queue import held_by
from pipeline.desk.tables import AuditEntry, Case

ODDS = {"D001": 0.5, "D005": 0.5, "D037": 0.1}


@pytest.fixture
def drawn(desk):
    """Three documents in the sample: two in which the model found something, one in which it did not."""
    put = put_into_queue(ODDS, "s", actor="an")
    assert (put.fresh, put.known, put.late) == (3, 0, 0)
    return desk


@both_stores
def test_the_sample_is_drawn_once_and_only_from_what_nobody_has_seen(drawn):
    drawn.decide(drawn.client("reviewer"), drawn.case("D010"))
    put = put_into_queue({**ODDS, "D010": 0.5, "D011": 0.5}, "s", actor="an")
    assert (put.fresh, put.known, put.late) == (1, 3, 1)
    assert AuditEntry.objects.filter(action="sample.draw", actor="an").count() == 2


def test_neither_queue_nor_page_nor_table_tells_what_the_model_says(drawn, taxonomy):
    client = drawn.client("senior")
    label = drawn.columns[0][1]
    queue = client.get("/queue?state=all&q=D001")
    (row,) = queue.context["rows"]
    assert (row["labels"], next(what for what, _ in row["reasons"])) == ([], "抽查")
    assert "问题分" not in queue.content.decode()
    shown = {r["case"].document.key for r in client.get(f"/queue?label={label}").context["rows"]}
    assert "D004" in shown
    assert "D001" not in shown
    case = drawn.case("D001")
    page = client.get(f"/documents/{case.pk}").content.decode()
    assert "盲判" in page
    assert not re.search(r"<mark|checked|meter|data-model|模型给的分|问题分", page.partition("<main")[2])
    order = re.findall(r'data-label="([^"]+)"', page)
    assert order == [label for _, label in taxonomy.columns]
    paper = client.get(f"/documents/{case.pk}/paper").content.decode()
    assert "<u>" not in paper
    assert taxonomy.label(label).name not in paper
    export = client.post("/export", {"filters": "state=all&q=D001", "format": "csv"}).content.decode("utf-8-sig")
    assert taxonomy.label(label).name not in export
    # Once it is judged the model's side is there to see.
    drawn.decide(client, case, "reject")
    assert "模型给的分" in client.get(f"/documents/{case.pk}").content.decode()


def test_taking_it_back_is_blind_again(drawn):
    client = drawn.client("reviewer")
    drawn.decide(client, drawn.case("D001"), labels=[drawn.columns[0][1]])
    assert "已判" in client.session["said"]
    client.post("/undo")
    case = drawn.case("D001")
    assert (case.state, case.unseen, list(case.labels.all())) == ("open", True, [])


@pytest.mark.parametrize("labels", [0, 1], ids=["as the model", "otherwise"])
def test_what_was_decided_tells_nothing_of_the_model_until_it_is_done(drawn, labels):
    first = drawn.client("reviewer")
    case = drawn.case("D001")
    said = [[d["id"] for some in case.prediction.decided.values() for d in some], [drawn.columns[5][1]]][labels]
    drawn.reopen(second_percent=100)
    drawn.decide(first, case, labels=said)
    first.post("/undo")
    drawn.decide(first, case, labels=said)
    case = drawn.case("D001")
    assert (case.state, case.unseen) == ("second", True)
    telling = ("确认", "更正", "无此问题")
    page = first.get(f"/documents/{case.pk}")
    made = page.content.decode().partition('class="made"')[2].partition("</section>")[0]
    assert "已判" in made
    assert "撤销" in made
    assert not any(word in made for word in telling)
    assert not {name for _, name in page.context["history"]} & {"确认", "更正", "判为无此问题"}
    printed = first.get(f"/documents/{case.pk}/paper").content.decode().partition("<h2>人的判定")[2]
    printed = printed.partition("</table>")[0]
    assert "已判" in printed
    assert not any(word in printed for word in telling)
    first.post("/queue/give-back")
    drawn.decide(drawn.client("senior"), case, labels=said)
    assert drawn.case("D001").state == "done"
    page = first.get(f"/documents/{case.pk}").content.decode()
    assert telling[labels] in page.partition('class="made"')[2].partition("</section>")[0]


def test_an_empty_form_is_not_a_label_where_nobody_sees_what_was_said_before(drawn):
    first, second = drawn.client("reviewer"), drawn.client("senior")
    case = drawn.case("D001")
    page = first.get(f"/documents/{case.pk}").content.decode()
    assert re.search(r"data-save data-none=\"[^\"]+\" data-refused=", page)
    refused = drawn.decide(first, case, labels=[])
    assert refused.status_code == 409
    assert "一个标签也没有勾" in refused.content.decode()
    drawn.reopen(second_percent=100)
    drawn.decide(first, case, "reject")
    drawn.decide(first, drawn.case("D002"))
    # The second reader of any document is as blind.
    assert drawn.decide(second, drawn.case("D002"), labels=[]).status_code == 409
    assert [drawn.case(k).state for k in ("D001", "D002")] == ["second", "second"]
    # Where the model's labels stand before one, taking them away says it.
    assert drawn.decide(second, drawn.case("D003"), labels=[]).status_code == 302


def test_twins_are_not_decided_along_with_it(desk):
    text = desk.case("D002").document.text
    desk.add("C1", text)
    desk.add("C2", text)
    put_into_queue({"C1": 0.5}, "s", actor="an")
    client = desk.client("reviewer")
    desk.decide(client, desk.case("C2"), together="on")
    assert [desk.case(k).state for k in ("D002", "C1", "C2")] == ["done", "open", "done"]
    desk.decide(client, desk.case("C1"), "reject", together="on")
    assert desk.case("C1").state == "done"


def test_another_night_keeps_it_blind_and_another_text_does_not(drawn):
    run = drawn.night(2)
    before = drawn.case("D001")
    drawn.add("D001", before.document.text, run=run, score=0.99, decided={drawn.columns[1][1]: 0.9})
    after = drawn.case("D001")
    assert (after.run, after.unseen, after.reasons) == (run.pk, True, before.reasons)
    assert (after.priority, list(after.labels.all())) == (before.priority, [])
    # Nor does a night tell its score while it waits for somebody else.
    drawn.decide(drawn.client("reviewer"), after, action="unsure", labels=[])
    run = drawn.night(3)
    drawn.add("D001", before.document.text, run=run, score=0.77, decided={drawn.columns[2][1]: 0.9})
    after = drawn.case("D001")
    assert (after.run, after.state, after.unseen) == (run.pk, "disputed", True)
    assert (after.reasons, after.priority, after.uncertainty) == (before.reasons, before.priority, before.uncertainty)
    drawn.add("D005", "换了另一段话，又跑了三趟", run=run)
    assert not drawn.case("D005").blind


def test_without_a_time_it_waits_since_the_local_day_of_its_night(desk):
    import datetime as dt

    desk.add("N1", "半夜读入的一件，没有写时间", run=desk.night(2, hour=18))
    put_into_queue({"N1": 0.5}, "s", actor="an")
    case = desk.case("N1")
    [(_, points)] = case.reasons
    assert points - case.priority == dt.date(2026, 9, 3).toordinal()


@both_stores
def test_what_people_said_comes_back_with_its_odds(drawn, taxonomy):
    client, label = drawn.client("reviewer"), drawn.columns[3][1]
    drawn.decide(client, drawn.case("D001"), labels=[label])
    drawn.decide(client, drawn.case("D037"), "reject")
    found = read_sample("s", taxonomy, actor="an")
    assert found.chances == ODDS
    assert {g.id: sum(g.labels.values(), ()) for g in found.settled} == {"D001": (label,), "D037": ()}
    assert [(p.gold.id, p.by) for p in found.people] == [("D001", "reviewer"), ("D037", "reviewer")]
    assert read_sample("other", taxonomy, actor="an").settled == ()


def test_a_label_that_was_renamed_since_is_not_read_as_none(drawn, taxonomy):
    client, (_, old), (_, kept) = drawn.client("reviewer"), drawn.columns[3], drawn.columns[5]
    drawn.decide(client, drawn.case("D001"), labels=[old, kept])
    drawn.decide(client, drawn.case("D037"), labels=[kept])
    schemes = tuple(
        dataclasses.replace(
            s, labels=tuple(dataclasses.replace(x, id="renamed") if x.id == old else x for x in s.labels)
        )
        for s in taxonomy.schemes
    )
    found = read_sample("s", dataclasses.replace(taxonomy, schemes=schemes), actor="an")
    assert [g.id for g in found.settled] == [p.gold.id for p in found.people] == ["D037"]
    assert found.passed == (f"D001 -> 标签体系里已没有 {old}",)


@both_stores
def test_second_readings_come_with_the_others_not_after_them(desk):
    desk.reopen(second_percent=100)
    first = Case.objects.filter(state="open").order_by("-priority", "pk")[0]
    desk.decide(desk.client("reviewer"), first)
    desk.add_user("second", "reviewer")
    desk.client("second").post("/queue/take")
    assert held_by(desk.user("second"))[0] == first.pk
    # Who made the first one does not get it again.
    desk.client("second").post("/queue/give-back")
    desk.client("reviewer").post("/queue/take")
    assert first.pk not in held_by(desk.user("reviewer"))


def test_a_blind_sample_is_spread_over_the_queue(desk):
    keys = [f"D{n:03d}" for n in range(1, 41, 3)]
    put_into_queue(dict.fromkeys(keys, 0.5), "s", actor="an")
    order = list(Case.objects.filter(state="open").order_by("-priority", "pk").values_list("blind", flat=True))
    half = len(order) // 2
    assert any(order[:half])
    assert any(order[half:])
