"""The dial: what could be left to the model, and at what price."""

import itertools
import math
import re

import pytest

from pipeline.desk.models import Prediction


@pytest.fixture
def dial(desk):
    """The module; it needs an opened desk."""
    from pipeline.desk import dial

    return dial


def said(decided, problem=0.99, **scores):
    """What a model said: labels and their scores in one scheme."""
    return {
        "decided": {"s": [{"id": i} for i in decided]},
        "scores": {"s": scores},
        "problem_score": problem,
        "is_problem": problem > 0.5,
    }


def test_the_least_sure_call_counts_also_when_it_is_what_was_left_out(dial):
    assert dial.sureness(said(["a"], a=0.97, b=0.2)) == (0.8, pytest.approx(0.99 * 0.97 * 0.8))
    assert dial.sureness(said(["a"], a=0.6, b=0.01))[0] == 0.6
    assert dial.sureness(said([], problem=0.3, a=0.01))[0] == pytest.approx(0.7)
    # Decided below a half: the threshold was low, and so is the sureness.
    assert dial.sureness(said(["a"], a=0.4))[0] == pytest.approx(0.4)


def test_every_setting_counts_its_texts_and_what_goes_wrong_with_them(dial):
    texts = [(0.99, 0.98), (0.95, 0.9), (0.9, 0.8), (0.5, 0.3)]
    made = {s.promise: s for s in dial.settings_of(texts, [(0.97, False), (0.96, True), (0.5, True)])}
    assert (made[0.9].automatic, made[0.9].share, made[0.9].by_people) == (3, 0.75, 250)
    assert made[0.9].wrong == pytest.approx(0.02 + 0.1 + 0.2)
    assert made[0.9].wrong_per_thousand == pytest.approx(80)
    assert (made[0.95].automatic, made[0.95].read, made[0.95].changed, made[0.95].found) == (2, 2, 1, 0.5)
    assert (made[0.99].read, made[0.99].found) == (0, 0.0)
    assert dial.settings_of([], []) == ()


def test_more_promised_is_more_work_and_less_risk(dial):
    texts = [(n / 100, (n / 100) ** 2) for n in range(50, 100)]
    made = dial.settings_of(texts, [])
    assert [s.promise for s in made] == sorted(dial.PROMISES)
    for one, next_ in itertools.pairwise(made):
        assert one.share >= next_.share
        assert one.wrong >= next_.wrong


def test_the_page_shows_the_setting_asked_for_with_its_table(desk):
    for n in range(30):
        desk.add(f"S{n}", f"很有把握的第{n}件", score=0.99, decided={desk.columns[0][1]: 0.99})
    client = desk.client("operator")
    answer = client.get("/dashboard?promise=85")
    chosen = answer.context["chosen"]
    assert chosen.promise == 0.85
    # Labels left out stand at 0.1 in the desk's documents, so nine in ten is as sure as it gets.
    assert (chosen.texts, chosen.automatic) == (70, 30)
    every = 0.99 * 0.99 * 0.9 ** (len(desk.columns) - 1)
    assert chosen.wrong == pytest.approx(30 * (1 - every))
    page = answer.content.decode()
    assert re.search(r'promise=85#dial" aria-current="true">85%', page)
    assert page.count('<tr class="chosen">') == 1
    assert 'aria-label="工作量与风险：' in page
    for odd in ("", "0", "9999", "<script>", "90.0"):
        assert client.get("/dashboard", {"promise": odd}).context["chosen"].promise == 0.9


def test_what_people_changed_is_found_again(desk, dial):
    one, two, three = (desk.case(f"D00{n}") for n in (1, 2, 3))
    who = desk.client("reviewer")
    desk.decide(who, one)
    desk.decide(who, two, "reject")
    desk.decide(who, three, "unsure")
    assert sorted(changed for _, changed in dial._read()) == [False, True]
    assert all(math.isclose(sure, 0.5 + n / 100) for (sure, _), n in zip(sorted(dial._read()), (0, 1), strict=True))

    Prediction.objects.filter(document=two.pk).update(text_hash="0" * 64)
    assert [changed for _, changed in dial._read()] == [False]


def test_of_a_text_that_was_replaced_the_reading_of_the_new_one_counts(desk, dial):
    who = desk.client("reviewer")
    desk.decide(who, desk.case("D001"))
    desk.add("D001", "原文换过了：窗口还是让我跑了九趟。")
    desk.decide(who, desk.case("D001"), "reject")
    assert [changed for _, changed in dial._read()] == [True]
