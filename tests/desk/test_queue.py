import datetime as dt
import html
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from desk.stores import apart, both_stores
from django.utils import timezone

from pipeline.desk.complaints import Complaints, complains_of
from pipeline.desk.models import Document
from pipeline.desk.priority import day_of, prioritise, uncertainty_of, waiting
from pipeline.desk.queue import Filters, claim_next, held_by
from pipeline.desk.tables import AuditEntry, Case, SavedView, User


def keys(response):
    return [r["case"].document.key for r in response.context["rows"]]


def walk(client, query):
    """Every page of a queue, one after the other."""
    seen, url = [], f"/queue?{query}"
    while url:
        page = client.get(url)
        seen += keys(page)
        url = page.context["more"] and f"/queue?{page.context['more']}"
    return seen


@both_stores
def test_the_queue_orders_by_points_that_add_up(desk):
    rows = desk.client("reviewer").get("/queue").context["rows"]
    points = [int(r["points"]) for r in rows]
    assert len(rows) == 30
    assert points == sorted(points, reverse=True)
    assert points == [sum(int(p) for _, p in r["reasons"]) for r in rows]


def test_only_what_needs_a_person_waits(desk):
    client = desk.client("reviewer")
    waiting_keys = walk(client, "")
    assert len(waiting_keys) == 37
    assert "D038" in waiting_keys
    assert sorted(walk(client, "state=auto")) == ["D037", "D039", "D040"]


@both_stores
def test_pages_show_each_document_once(desk):
    client = desk.client("analyst")
    for order in ("priority", "uncertainty", "newest"):
        seen = walk(client, f"order={order}&state=all")
        assert len(seen) == len(set(seen)) == 40, order


def test_a_page_is_not_disturbed_by_what_is_decided_meanwhile(desk):
    client = desk.client("reviewer")
    first = client.get("/queue")
    desk.decide(client, first.context["rows"][3]["case"])
    rest = keys(client.get(f"/queue?{first.context['more']}"))
    assert not set(rest) & set(keys(first))
    assert len(rest) == 7


FITS = {
    "unit=区教育局": lambda d: d.unit == "区教育局",
    "district=云桥区": lambda d: d.district == "云桥区",
    "channel=信访": lambda d: d.channel == "信访",
    "q=跑了12趟": lambda d: "跑了12趟" in d.text,
    "q=D007": lambda d: d.key == "D007",
    "q=反映 热线": lambda d: True,
    "since=2026-08-20": lambda d: d.received >= "2026-08-20",
    "until=2026-08-03": lambda d: d.received[:10] <= "2026-08-03",
    "unit=区教育局&channel=热线": lambda d: (d.unit, d.channel) == ("区教育局", "热线"),
}


@both_stores
def test_filters_keep_what_fits_and_nothing_else(desk):
    client, documents = desk.client("analyst"), list(Document.objects.all())
    for query, fits in FITS.items():
        wanted = {d.key for d in documents if fits(d)}
        assert wanted, query
        assert set(walk(client, f"{query}&state=all")) == wanted, query


def test_labels_filter_by_what_people_said_once_they_said_it(desk):
    client = desk.client("reviewer")
    case = desk.case("D001")
    first, other = desk.columns[0][1], desk.columns[5][1]
    assert "D001" in walk(client, f"label={first}&state=all")
    desk.decide(client, case, labels=[other])
    assert "D001" not in walk(client, f"label={first}&state=all")
    assert "D001" in walk(client, f"label={other}&state=all")


NASTY = (
    "' OR 1=1 --", '" OR ""="', "%", "%%", "_", "\\", "1); DROP TABLE zuofeng_case; --", "\0", "😀", "😀😀", "a" * 5000,
    "-1", "1.1", "AND", "NOT x", "NEAR(a b)", "a*", "{1,2}", "a:b", "^a",
)  # fmt: skip


@both_stores
def test_no_filter_reaches_the_database_or_the_index_as_language(desk):
    client = desk.client("senior")
    for field in ("q", "unit", "label", "state", "order", "whose", "said", "since", "until", "after"):
        for nasty in NASTY:
            page = client.get("/queue", {"state": "all", field: nasty})
            assert page.status_code == 200, (field, nasty)
            if field in ("q", "unit", "label") and nasty != "\0":
                assert page.context["rows"] == [], (field, nasty)
    assert Case.objects.count() == 40


@both_stores
def test_ten_are_taken_in_order_and_nobody_else_gets_them(desk):
    desk.add_user("second", "reviewer")
    one, two = desk.client("reviewer"), desk.client("second")
    order = [r["case"].pk for r in one.get("/queue").context["rows"]]
    assert one.post("/queue/take")["Location"] == f"/documents/{order[0]}"
    assert two.post("/queue/take")["Location"] == f"/documents/{order[10]}"

    assert held_by(desk.user("reviewer")) == order[:10]
    assert held_by(desk.user("second")) == order[10:20]


def test_taking_again_fills_up_to_ten(desk):
    client = desk.client("reviewer")
    client.post("/queue/take")

    held = held_by(desk.user("reviewer"))
    desk.decide(client, desk.case("D036"))
    desk.decide(client, desk.case("D035"))
    client.post("/queue/take")
    assert len(held_by(desk.user("reviewer"))) == 10
    assert len(set(held_by(desk.user("reviewer"))) - set(held)) == 2


@both_stores
def test_eight_people_at_once_never_hold_the_same_document(desk):
    people = [desk.add_user(f"p{n}", "reviewer") for n in range(8)]
    barrier = threading.Barrier(len(people))

    def take(person):
        barrier.wait()
        return claim_next(User.objects.get(pk=person.pk), Filters(), 5)

    with ThreadPoolExecutor(len(people)) as pool:
        taken = [i for ids in pool.map(apart(take), people) for i in ids]
    assert len(taken) == len(set(taken)) == 37


def test_what_is_not_touched_in_time_is_free_again(desk):
    desk.add_user("second", "reviewer")
    desk.client("reviewer").post("/queue/take")
    Case.objects.filter(holder__username="reviewer").update(held_until=timezone.now() - dt.timedelta(seconds=1))
    top = desk.client("second").post("/queue/take")["Location"]
    assert top == f"/documents/{Case.objects.filter(state='open').order_by('-priority', 'pk').first().pk}"


def test_what_one_only_looks_at_is_held_until_one_leaves_it(desk):
    senior, other = desk.client("senior"), desk.client("reviewer")
    first, second = desk.case("D001").pk, desk.case("D002").pk
    senior.get(f"/documents/{first}")
    page = other.get(f"/documents/{first}").content.decode()
    assert re.search(r"正在办这件，您只能看。不再动它，\d\d:\d\d 放回队列", page)
    for url in (f"/documents/{first}/similar", f"/documents/{first}/worksheet", f"/documents/{first}"):
        senior.get(url)
        assert desk.case("D001").holder == desk.user("senior")
    senior.get(f"/documents/{second}")
    assert (desk.case("D001").holder, desk.case("D002").holder) == (None, desk.user("senior"))
    senior.get("/dashboard")
    assert desk.case("D002").holder is None
    senior.get(f"/documents/{first}")
    senior.post("/logout")
    assert desk.case("D001").holder is None


def test_a_window_that_is_closed_gives_back_what_it_only_opened(desk):
    senior = desk.client("senior")
    number = desk.case("D001").pk
    shown, closed = f"/documents/{number}", f"/documents/{number}/close"

    def mark():
        form = re.search(r'<form hidden [^>]*data-close>.*?name="opening" value="([^"]+)"', page(), re.DOTALL)
        return {"opening": form[1]}

    def page():
        return senior.get(shown).content.decode()

    first = mark()
    # Loaded anew, or opened beside it: the word of the page before comes behind.
    second = mark()
    assert first != second
    for said in (first, {}, {"opening": "x"}):
        assert senior.post(closed, said).status_code == 204
        assert desk.case("D001").holder == desk.user("senior")
    senior.post(closed, second)
    assert (desk.case("D001").holder, desk.case("D001").held_until) == (None, None)
    # Somebody else has it by now, and once more the first.
    other, last = desk.client("reviewer"), mark()
    other.post(closed, last)
    assert desk.case("D001").holder == desk.user("senior")
    senior.get("/dashboard")
    other.get(shown)
    senior.post(closed, last)
    assert desk.case("D001").holder == desk.user("reviewer")


def test_a_window_that_is_closed_leaves_the_batch_in_hand(desk):
    from pipeline.desk.queue import held_by
    from pipeline.desk.tables import Case

    client = desk.client("reviewer")
    client.post("/queue/take")
    batch = held_by(desk.user("reviewer"))
    assert "data-close>" not in client.get(f"/documents/{batch[0]}").content.decode()
    until = Case.objects.get(pk=batch[0]).held_until.isoformat()
    client.post(f"/documents/{batch[0]}/close", {"opening": until})
    assert held_by(desk.user("reviewer")) == batch


def test_of_what_one_took_down_nothing_goes_back_by_looking_elsewhere(desk):
    client, user = desk.client("reviewer"), desk.user("reviewer")
    looked_at = desk.case("D001").pk
    client.get(f"/documents/{looked_at}")
    client.post("/queue/take")
    batch = held_by(user)
    assert len(batch) == 10
    for number in (*batch[:2], looked_at):
        client.get(f"/documents/{number}")
    client.get("/queue")
    assert held_by(user) == batch


def test_given_back_is_free_and_on_the_record(desk):
    client = desk.client("reviewer")
    client.post("/queue/take")
    client.post("/queue/give-back")
    assert not Case.objects.exclude(holder=None).exists()
    assert list(AuditEntry.objects.filter(action__startswith="case.").values_list("action", flat=True)) == [
        "case.claim",
        "case.release",
    ]


@both_stores
def test_the_senior_assigns_and_the_others_pass_it_over(desk):
    desk.add_user("second", "reviewer")
    senior, person = desk.client("senior"), desk.user("second")
    top = [r["case"].pk for r in senior.get("/queue").context["rows"]][:2]
    answers = [senior.post("/queue/assign", {"case": c, "to": to}, follow=True) for c, to in (
        ([], person.pk), (top, ""), (top, person.pk)
    )]  # fmt: skip
    assert [a.context["said"] for a in answers] == [["先勾选要分的件"], ["收回了 2 件"], ["分给 second 2 件"]]
    assert desk.client("reviewer").post("/queue/take")["Location"] not in [f"/documents/{i}" for i in top]
    assert desk.client("second").post("/queue/take")["Location"] == f"/documents/{top[0]}"
    assert len(walk(senior, f"whose={person.pk}")) == 2


def test_documents_are_assigned_only_to_those_who_may_decide(desk):
    case = desk.case("D001")
    answer = desk.client("senior").post("/queue/assign", {"case": [case.pk], "to": desk.user("auditor").pk})
    assert answer.status_code == 404
    assert desk.case("D001").assignee is None


def test_views_belong_to_their_owner(desk):
    mine, other = desk.client("reviewer"), desk.client("senior")
    mine.post("/queue/views", {"name": "教育局", "filters": "unit=区教育局&evil=1", "owner": desk.user("senior").pk})
    view = SavedView.objects.get()
    assert (view.owner.username, "evil" in view.query) == ("reviewer", False)
    assert "教育局" in [v.name for v in mine.get("/queue").context["views"]]
    assert list(other.get("/queue").context["views"]) == []
    assert other.post(f"/queue/views/{view.pk}/drop").status_code == 404
    assert mine.post(f"/queue/views/{view.pk}/drop").status_code == 302
    assert not SavedView.objects.exists()


@both_stores
def test_a_night_brings_new_documents_and_leaves_decisions_alone(desk):
    client = desk.client("reviewer")
    desk.decide(client, desk.case("D001"), labels=[desk.columns[4][1]])
    run = desk.night(2)
    text = desk.case("D001").document.text
    desk.add("D001", text, run=run, score=0.99, decided={desk.columns[1][1]: 0.9})
    desk.add("D002", "原文改了，又跑了三趟", run=run, decided={desk.columns[1][1]: 0.9})
    desk.add("N001", "新来的一件，跑了三趟", run=run)
    client.get("/queue")
    kept, changed = desk.case("D001"), desk.case("D002")
    assert (kept.state, [x.label for x in kept.labels.all()]) == ("done", [desk.columns[4][1]])
    assert (changed.state, [x.label for x in changed.labels.all()]) == ("open", [desk.columns[1][1]])
    assert desk.case("N001").state == "open"


@both_stores
def test_a_decided_document_whose_text_changed_waits_again(desk):
    client = desk.client("reviewer")
    desk.decide(client, desk.case("D003"))
    desk.add("D003", "原文换了一段", run=desk.night(2))
    client.get("/queue")
    case = desk.case("D003")
    assert case.state == "open"
    assert len(client.get(f"/documents/{case.pk}").context["s"].decisions) == 1


def test_points_say_why():
    today = dt.date(2026, 9, 1)
    weighed = prioritise(
        problem_score=0.9, labels=3, again=True, unanswered=True, same_text=2, received="2026-08-30", read=today
    )
    assert [p for _, p in weighed.reasons] == [36, 18, 10, 10, 8]
    assert waiting(weighed.order, list(weighed.reasons), today) == 2
    assert waiting(weighed.order, list(weighed.reasons), today + dt.timedelta(5)) == 7


def test_an_older_document_overtakes_a_new_one_that_weighs_the_same():
    def order(received):
        return prioritise(
            problem_score=0.5,
            labels=0,
            again=False,
            unanswered=False,
            same_text=0,
            received=received,
            read=dt.date(2026, 9, 1),
        ).order

    assert order("2026-08-01") > order("2026-08-15") > order("") == order("2026-09-01")
    assert order("1999-01-01") == order("2026-07-03")
    assert order("2030-01-01") == order("2026-09-01")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-08-01 09:00", dt.date(2026, 8, 1)),
        ("2026年8月1日", dt.date(2026, 8, 1)),
        ("2026/8/1", dt.date(2026, 8, 1)),
        ("2026-02-31", None),
        ("昨天", None),
        ("", None),
    ],
)
def test_days_are_read_from_free_dates(text, day):
    assert day_of(text) == day


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("打了12345没人接，跑了五趟", (True, True)),
        ("多次反映到镇里", (True, False)),
        ("投诉以后石沉大海", (False, True)),
        ("路灯坏了，请修一修", (False, False)),
    ],
)
def test_what_was_tried_before_is_read_from_the_text(text, said):
    assert complains_of(text) == said


def test_a_batch_says_what_each_text_says(some_gold):
    texts = [g.text for g in some_gold] + ["打了１２次\n热线", "热线\n没人接", "", "投诉" + "了" * 17 + "没下文"]
    texts += ["打了12次热线没人接，村主任还要我们先交钱，不交就停水，低保也被取消了。", "投诉以后石沉大海"]
    one_by_one = [complains_of(t) for t in texts]
    assert {*one_by_one} == {(False, False), (True, False), (False, True), (True, True)}
    complaints = Complaints()
    for _ in range(3):  # a little, then as much as the compiled reader takes
        many = texts * (1 + 60_000 // sum(map(len, texts)))
        assert list(map(tuple, complaints.of(many).tolist())) == one_by_one * (len(many) // len(texts))


def test_a_coins_toss_is_least_certain():
    sure, unsure, asked = uncertainty_of([[0.99, 0.98, 1], [0.99, 0.5, 1], [0.99, 0.98, 1]], [False, False, True])
    assert sure < unsure == 100 < asked == sure + 100


def test_where_people_changed_what_the_model_said(desk):
    client = desk.client("reviewer")
    for key, action in (("D001", "save"), ("D002", "reject"), ("D003", "reject")):
        desk.decide(client, desk.case(key), action)
    client.post("/undo")
    assert walk(client, "state=all&said=changed") == ["D002"]
    assert walk(client, "state=open&said=changed") == []


def test_a_first_readers_change_does_not_show_before_the_second_has_read(desk):
    desk.reopen(second_percent=100)
    desk.decide(desk.client("reviewer"), desk.case("D001"), "reject")
    assert walk(desk.client("senior"), "state=all&said=changed") == []
    desk.decide(desk.client("senior"), desk.case("D001"), "reject")
    assert walk(desk.client("senior"), "state=all&said=changed") == ["D001"]


def test_who_looks_for_a_document_that_is_done_is_led_to_it(desk):
    client = desk.client("reviewer")
    desk.decide(client, desk.case("D001"), "reject")
    for query in ("q=D001", "said=changed"):
        page = client.get(f"/queue?{query}")
        assert page.context["rows"] == []
        (link,) = re.findall(r'<a href="(\?[^"]*)">在“全部”里找', page.content.decode())
        assert keys(client.get(f"/queue{html.unescape(link)}")) == ["D001"]
    assert "在“全部”里找" not in client.get("/queue?q=没有的&state=all").content.decode()


def test_who_was_given_documents_is_told_and_finds_them(desk):
    client, person = desk.client("reviewer"), desk.user("reviewer")
    last = client.get("/queue?order=newest").context["rows"][-1]["case"]
    assert "分给我的" not in client.get("/queue").content.decode()
    desk.client("senior").post("/queue/assign", {"case": [last.pk], "to": person.pk})
    (link,) = re.findall(r'href="/queue(\?[^"]*)">分给我的 1 件', client.get("/queue").content.decode())
    assert keys(client.get(f"/queue{html.unescape(link)}")) == [last.document.key]
    taken = client.post("/queue/take", {"filters": html.unescape(link)[1:]})
    assert taken["Location"] == f"/documents/{last.pk}"
    desk.decide(client, desk.case(last.document.key))
    assert "分给我的" not in client.get("/queue").content.decode()


def test_who_takes_and_gets_nothing_is_told_why(desk):
    client = desk.client("reviewer")
    desk.decide(client, desk.case("D001"))
    client.post("/queue/give-back")
    page = client.post("/queue/take", {"filters": "state=done"}, follow=True)
    assert keys(page) == ["D001"]
    assert page.context["said"] == ["没有取到件：这里的件有人正在办、分给了别人，或不等人判"]


def test_who_comes_back_finds_the_queue_as_it_was_left(desk):
    client = desk.client("reviewer")
    case = desk.case("D001")
    client.get("/queue?unit=区教育局&after=")
    back = "/queue?" + urlencode({"unit": "区教育局"})
    assert f'href="{back}"' in html.unescape(client.get(f"/documents/{case.pk}").content.decode())
    assert desk.decide(client, case)["Location"] == back
    client.post("/queue/take", {"filters": "unit=区教育局"})
    assert client.post("/queue/give-back")["Location"] == back
    client.get("/queue")
    assert 'href="/queue" class="quiet"' in client.get(f"/documents/{case.pk}").content.decode()


def test_who_settles_goes_on_to_what_is_to_be_settled(desk):
    senior, reviewer = desk.client("senior"), desk.client("reviewer")
    for key in ("D001", "D002"):
        desk.decide(reviewer, desk.case(key), "unsure")
    senior.post("/queue/take")
    senior.get("/queue?state=disputed&order=newest")
    settled = desk.decide(senior, desk.case("D001"), "reject")
    assert settled["Location"] == "/queue?state=disputed&order=newest"
    assert keys(senior.get(settled["Location"])) == ["D002"]
