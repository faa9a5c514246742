import pytest
from desk.conftest import add_document
from desk.stores import both_stores

from pipeline.desk import groups, rounds
from pipeline.desk.cases import refresh, take_in
from pipeline.desk.tables import Case

LETTER = "窗口人员反复让我补交材料，前后跑了{}趟，打12345热线也没有人接听，请有关部门尽快核实处理，我们住在石坝镇。"


def group_of(desk, *keys):
    return [desk.case(k).group for k in keys]


@pytest.fixture
def letters(desk):
    """Three letters that differ by a word, and one about something else."""
    for n, word in enumerate("五六七"):
        desk.add(f"L{n}", LETTER.format(word), title="", unit=f"第{n}所")
    desk.add("L9", "村里修路的钱一直没有公示，账目也不让看，问到镇里说不归他们管，群众意见很大。")
    take_in()
    return desk


@both_stores
def test_letters_that_say_nearly_the_same_are_one_group(letters):
    first = letters.case("L0").pk
    assert group_of(letters, "L0", "L1", "L2", "L9") == [first, first, first, None]


@both_stores
def test_a_later_night_joins_what_it_brings_and_two_groups_become_one(letters):
    other = letters.case("L9").pk
    Case.objects.filter(pk__in=[letters.case("L2").pk, other]).update(group=other)
    letters.add("L3", LETTER.format("八"))
    take_in()
    first = letters.case("L0").pk
    assert group_of(letters, "L0", "L1", "L2", "L3", "L9") == [first] * 5
    assert take_in() == 0


def test_a_changed_text_leaves_and_the_others_stay_together(letters):
    letters.add("L0", "改成了反映路灯不亮的事情，已经黑了三个月，没有人来修。", run=letters.night(2))
    take_in()
    heir = letters.case("L1").pk
    assert group_of(letters, "L0", "L1", "L2") == [None, heir, heir]


@both_stores
def test_a_changed_text_is_nobodys_repeat_before_it_is_compared_anew(letters):
    other = "改成了反映路灯不亮的事情，已经黑了三个月，没有人来修。"
    add_document(letters.columns, "L1", other)
    # The queue has taken it in; what is near is found out for minutes after that.
    refresh()
    client = letters.client("reviewer")
    page = client.get(f"/documents/{letters.case('L1').pk}")
    assert (page.context["s"].document.text, page.context["s"].twins) == (other, ())
    page = client.get(f"/documents/{letters.case('L0').pk}")
    assert [c.document.key for c in page.context["s"].twins] == ["L2"]
    letters.decide(client, letters.case("L0"), together="on")
    assert [letters.case(k).state for k in ("L0", "L1", "L2")] == ["done", "open", "done"]


@both_stores
def test_what_was_signed_before_a_crash_is_compared_after_it(letters, monkeypatch):
    def crash(together):
        raise ConnectionError

    with monkeypatch.context() as crashing:
        crashing.setattr(groups, "_join", crash)
        with pytest.raises(ConnectionError):
            letters.add("L3", LETTER.format("八"))
    assert letters.case("L3").group is None
    take_in()
    assert letters.case("L3").group == letters.case("L0").pk
    assert groups.link() == 0


def test_a_group_is_decided_once_and_undone_once(letters):
    client = letters.client("reviewer")
    page = client.get(f"/documents/{letters.case('L0').pk}")
    assert [c.document.key for c in page.context["s"].twins] == ["L1", "L2"]
    letters.decide(client, letters.case("L0"), together="on")
    assert [letters.case(k).state for k in ("L0", "L1", "L2", "L9")] == ["done"] * 3 + ["open"]
    client.post("/undo")
    assert [letters.case(k).state for k in ("L0", "L1", "L2")] == ["open"] * 3
    letters.decide(client, letters.case("L0"))
    assert [letters.case(k).state for k in ("L0", "L1", "L2")] == ["done", "open", "open"]


@both_stores
def test_a_blind_reader_is_shown_nothing_that_tells_what_the_first_one_said(letters, monkeypatch):
    letters.add_user("second", "reviewer")
    first, second = letters.client("reviewer"), letters.client("second")
    letters.decide(first, letters.case("D001"))
    letters.decide(second, letters.case("D004"))
    letters.decide(letters.client("senior"), letters.case("L2"))
    monkeypatch.setattr(rounds, "second_wanted", lambda document, _: document == letters.case("L0").pk)
    letters.decide(first, letters.case("L0"), together="on")
    assert [letters.case(k).state for k in ("L0", "L1", "L2")] == ["second", "done", "done"]

    def shown(client):
        return {x["key"] for x in client.get(f"/documents/{letters.case('L0').pk}/similar").context["similar"]}

    assert shown(first) == {"L1", "L2", "D001", "D004"}
    assert shown(second) == {"D004"}
    letters.decide(second, letters.case("L0"))
    assert shown(second) == shown(first)


def test_decided_cases_with_most_words_in_common_stand_first(letters):
    client = letters.client("reviewer")
    for key in ("D001", "D004", "L9", "L1"):
        letters.decide(client, letters.case(key), "reject" if key == "L9" else "save")
    found = client.get(f"/documents/{letters.case('L0').pk}/similar").context["similar"]
    assert found[0]["key"] == "L1"
    assert found[0]["said"] == "确认"
    assert [f["share"] for f in found] == sorted((f["share"] for f in found), reverse=True)
    assert "L9" not in [f["key"] for f in found]
