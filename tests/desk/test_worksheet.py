import re

from pipeline.desk.sixlooks import LOOKS, OUTCOMES, suggest
from pipeline.desk.tables import AuditEntry, Worksheet

#: Which state of the worksheet the form was filled in from.
SEEN = re.compile(r'name="seen" value="(\d*)"')
ANSWERS = {look.id: f"看过{look.name}" for look in LOOKS}


def url(desk, key="D001"):
    return f"/documents/{desk.case(key).pk}/worksheet"


def opened(client, desk):
    """What the page sends back of what it showed."""
    return {"seen": SEEN.search(client.get(url(desk)).content.decode())[1]}


def test_sentences_are_suggested_for_the_look_they_speak_of():
    text = "镇里未经集体研究就决定拆除。事后已经整改并向群众道歉。天气很好。造成两户损失。"
    found = suggest(text)
    assert found["process"] == ["镇里未经集体研究就决定拆除。"]
    assert found["attitude"] == ["事后已经整改并向群众道歉。"]
    assert found["nature"] == ["造成两户损失。"]
    assert found["motive"] == []


def test_six_looks_and_no_outcome_before_all_are_written(desk):
    client = desk.client("senior")
    assert len(LOOKS) == 6
    page = client.get(url(desk))
    assert page.context["outcome"] == ""
    short = client.post(url(desk), {**ANSWERS, "motive": "", "outcome": "tolerate"})
    assert short.status_code == 400
    assert "看过问题性质" in short.content.decode()
    assert client.post(url(desk), {**ANSWERS, "outcome": "king"}).status_code == 400
    assert client.post(url(desk), {**ANSWERS, "outcome": "tolerate"}).status_code == 302
    assert OUTCOMES["tolerate"] in client.get(url(desk)).content.decode()


def test_a_draft_needs_no_outcome_and_earlier_states_stay(desk):
    client = desk.client("senior")
    client.post(url(desk), {"nature": "先写一句"})
    client.post(url(desk), {**opened(client, desk), **ANSWERS, "outcome": "clear", "note": "查清"})
    rows = list(Worksheet.objects.order_by("id").values_list("answers__nature", "outcome", "by__username"))
    assert rows == [("先写一句", "", "senior"), ("看过问题性质", "clear", "senior")]
    assert AuditEntry.objects.filter(action="worksheet.save").count() == 2


def test_lines_are_counted_as_a_browser_counts_them_and_none_is_lost(desk):
    typed = "\n".join(["九个字的一行说明。"] * 399 + ["最后的一行九个字。"])
    assert len(typed) == 3999
    sent = typed.replace("\n", "\r\n")
    desk.client("senior").post(url(desk), {"nature": sent, "note": sent})
    row = Worksheet.objects.get()
    assert (row.answers["nature"], row.note) == (typed, typed)


def test_the_lists_of_an_office_start_empty_and_are_its_own(desk):
    client = desk.client("senior")
    assert [list(entries) for _, _, entries in client.get("/rules").context["lists"]] == [[], []]
    client.post("/rules", {"kind": "situation", "text": "<b>先行先试</b>"})
    client.post("/rules", {"kind": "king", "text": "x"})
    client.post("/rules", {"kind": "condition", "text": "  "})
    page = client.get(url(desk))
    assert [r.text for r in page.context["rules"]] == ["<b>先行先试</b>"]
    assert "<b>先行" not in page.content.decode()
    rule = page.context["rules"][0]
    client.post(url(desk), {"nature": "x", f"rule_{rule.pk}": "on"})
    assert client.get(url(desk)).context["met"] == {rule.pk}
    client.post(f"/rules/{rule.pk}")
    assert client.get(url(desk)).context["rules"] == []
    assert client.post("/rules/999999").status_code == 404


def test_the_second_of_two_replaces_nothing_unseen_and_loses_nothing(desk):
    desk.add_user("senior2", "senior", name="组长乙")
    one, two = desk.client("senior"), desk.client("senior2")
    one.post("/rules", {"kind": "condition", "text": "出于公心"})
    rule = one.get(url(desk)).context["rules"][0]
    seen = opened(one, desk)
    two.post(url(desk), {**seen, "nature": "乙看是失误", "note": "乙的说明", f"rule_{rule.pk}": "on"})
    late = one.post(url(desk), {**seen, "nature": "甲看是违规", "note": "甲的说明"})
    page = late.content.decode()
    assert (late.status_code, late.context["met"], late.context["note"]) == (409, set(), "甲的说明")
    assert "组长乙 又存过" in page
    assert [w in page for w in ("甲看是违规", "乙看是失误", "乙的说明", "出于公心")] == [True] * 4
    assert Worksheet.objects.count() == 1
    again = {"seen": SEEN.search(page)[1], "nature": "都看过", "note": "甲的说明"}
    assert one.post(url(desk), again).status_code == 302
    assert one.post(url(desk), again).status_code == 302
    assert list(Worksheet.objects.values_list("answers__nature", flat=True)) == ["乙看是失误", "都看过"]


def test_the_second_reader_reads_no_worksheet_of_the_first_before_deciding(desk):
    desk.reopen(second_percent=100)
    desk.add_user("senior2", "senior", name="组长乙")
    one, two = desk.client("senior"), desk.client("senior2")
    desk.decide(one, desk.case("D001"), "reject")
    assert two.get(url(desk)).status_code == 200
    one.post(url(desk), {**ANSWERS, "outcome": "clear", "note": "查过不实"})
    for answer in (two.get(url(desk)), two.post(url(desk), {"nature": "乙看是失误"})):
        page = answer.content.decode()
        assert (answer.status_code, "先判再看" in page) == (409, True)
        assert [w for w in ("看过问题性质", "查过不实") if w in page] == []
    assert "查过不实" in one.get(url(desk)).content.decode()
    desk.decide(two, desk.case("D001"), "reject")
    assert "查过不实" in two.get(url(desk)).content.decode()


def test_ticks_stay_when_a_save_is_refused(desk):
    client = desk.client("senior")
    for text in ("甲", "乙"):
        client.post("/rules", {"kind": "condition", "text": text})
    one, two = client.get(url(desk)).context["rules"]
    client.post(url(desk), {f"rule_{one.pk}": "on"})
    short = client.post(url(desk), {**opened(client, desk), "outcome": "tolerate", f"rule_{two.pk}": "on"})
    assert (short.status_code, short.context["met"]) == (400, {two.pk})


def test_what_was_ticked_before_it_went_out_of_use_stays_ticked(desk):
    client = desk.client("senior")
    for text in ("旧的", "新的"):
        client.post("/rules", {"kind": "condition", "text": text})
    old, new = client.get(url(desk)).context["rules"]
    client.post(url(desk), {f"rule_{old.pk}": "on"})
    client.post(f"/rules/{old.pk}")
    assert "以前勾过、现已停用，仍然保留：条件 1：旧的" in client.get(url(desk)).content.decode()
    client.post(url(desk), {**opened(client, desk), f"rule_{new.pk}": "on"})
    assert set(Worksheet.objects.last().rules) == {old.pk, new.pk}


def test_suggestions_hold_no_personal_data(desk):
    desk.add("P1", "依据文件联系我13912345678，造成损失。", title="甲")
    client = desk.client("senior")
    client.get("/queue")
    assert "13912345678" not in client.get(url(desk, "P1")).content.decode()
