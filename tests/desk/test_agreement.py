import pytest


def test_nothing_to_compare_is_said(desk):
    assert "second_percent" in desk.client("analyst").get("/agreement").content.decode()


def test_pairs_are_compared_label_by_label(desk):
    desk.reopen(second_percent=100)
    desk.add_user("second", "reviewer")
    one, two = desk.client("reviewer"), desk.client("second")
    first, other = desk.columns[0][1], desk.columns[1][1]
    for key, a, b in (
        ("D001", [first], [first]),
        ("D002", [first], [other]),
        ("D003", [], []),
        ("D004", [other], [other]),
    ):
        for who, labels in ((one, a), (two, b)):
            desk.decide(who, desk.case(key), "save" if labels else "reject", labels=labels)
    desk.decide(one, desk.case("D005"))
    desk.decide(one, desk.case("D006"), labels=[first])
    desk.decide(two, desk.case("D006"), "unsure")
    p = desk.client("analyst").get("/agreement").context["p"]
    assert (p.texts, p.same) == (4, 3)
    by_label = {a.label: a for _, a in p.rows}
    assert set(by_label) == {first, other}
    assert (by_label[first].first, by_label[first].second, by_label[first].both) == (2, 1, 1)
    # Observed agreement 3/4, by chance 1/2·1/4 + 1/2·3/4 = 1/2.
    assert by_label[first].kappa == pytest.approx(0.5)
    two.post("/undo")
    two.post("/undo")
    assert desk.client("analyst").get("/agreement").context["p"].texts == 3
    two.post("/undo")
    two.post("/undo")
    # One text, one label, both say yes: by chance they would agree as well, so there is no kappa.
    assert '<td class="n">1</td><td class="n">–</td>' in desk.client("analyst").get("/agreement").content.decode()
