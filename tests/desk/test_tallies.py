import datetime as dt

import pytest
from desk.stores import questions
from django.db import Error
from django.utils import timezone

from pipeline.desk import keeper, middleware
from pipeline.desk.tables import Tally


@pytest.fixture
def tallies(desk):
    """The kept counts, of an open desk."""
    from pipeline.desk import tallies

    return tallies


@pytest.fixture
def large(desk, tallies, monkeypatch):
    """A desk that counts as a large one."""
    monkeypatch.setattr(tallies, "SMALL", 10)
    return desk


def states(page):
    return {value: n for value, _, n in page.context["f"].states}


def test_a_large_desk_shows_what_was_counted_and_when(large, tallies):
    client = large.client("senior")
    before = client.get("/dashboard")
    large.decide(client, large.case("D001"))
    after = client.get("/dashboard")
    assert states(after) == states(before)
    assert "数于" in after.content.decode()
    tallies.roll_up()
    assert states(client.get("/dashboard"))["done"] == 1


def test_a_small_desk_is_counted_as_it_is(desk):
    client = desk.client("senior")
    desk.decide(client, desk.case("D001"))
    page = client.get("/dashboard")
    assert states(page)["done"] == 1
    assert "数于" not in page.content.decode()


def test_counts_are_made_again_when_they_are_old_and_somebody_worked(large, tallies):
    Tally.objects.update(at=timezone.now())
    assert not tallies.roll_up_if_due()
    Tally.objects.update(at=timezone.now() - dt.timedelta(hours=1))
    large.decide(large.client("senior"), large.case("D001"))
    assert tallies.roll_up_if_due()
    Tally.objects.update(at=timezone.now() - dt.timedelta(hours=1))
    assert not tallies.roll_up_if_due()
    large.decide(large.client("senior"), large.case("D002"))
    assert tallies.roll_up_if_due()


def test_what_a_broken_night_left_is_taken_in_beside_the_requests(desk, monkeypatch):
    seen = []
    monkeypatch.setattr(keeper, "refresh_if_new", lambda: seen.append("queue"))

    def away():
        seen.append("counts")
        raise Error("gone")

    monkeypatch.setattr(keeper, "roll_up_if_due", away)
    thread = keeper.Keeper(every=0.01)
    thread.start()
    while len(seen) < 4:
        thread.join(0.01)
    thread.stop()
    thread.join()
    assert seen[:4] == ["queue", "counts"] * 2


PAGES = {
    "/queue": 14,
    "/queue?q=热线": 17,
    "/queue?unit=区教育局&label=inaction_delay": 14,
    "/dashboard": 9,
}


@pytest.mark.parametrize("url", PAGES)
def test_a_page_asks_a_bounded_number_of_questions(large, url, monkeypatch):
    # A slow machine may take longer over the first look than a session goes unwritten.
    monkeypatch.setattr(middleware, "MOVED", 10**9)
    client = large.client("senior")
    client.get(url)
    asked = questions(lambda: client.get(url))
    assert len(asked) <= PAGES[url], asked


def test_reviewing_asks_a_bounded_number_of_questions(large):
    client, case = large.client("reviewer"), large.case("D036")
    taken = questions(lambda: client.post("/queue/take"))
    shown = questions(lambda: client.get(f"/documents/{case.pk}"))
    decided = questions(lambda: large.decide(client, case))
    assert len(taken) <= 18, taken
    assert len(shown) <= 28, shown
    assert len(decided) <= 32, decided
