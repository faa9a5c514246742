import re

from pipeline.desk.configure import open_desk
from pipeline.desk.tables import User
from pipeline.settings import load_settings


def test_figures_add_up_with_the_queue(desk):
    client = desk.client("senior")
    desk.decide(client, desk.case("D001"), seconds="8")
    desk.decide(client, desk.case("D002"), "reject", seconds="12")
    f = client.get("/dashboard").context["f"]
    states = {value: n for value, _, n in f.states}
    assert sum(states.values()) == 40
    assert (states["done"], states["open"], states["auto"]) == (2, 35, 3)
    assert dict(f.places)["单位"] == sorted(dict(f.places)["单位"], key=lambda r: (-r[1], r[0]))
    assert sum(n for _, n in dict(f.places)["地区"]) == 37
    assert (f.seconds, f.work[0]["n"], f.work[0]["reject"]) == (10, 2, 1)
    assert dict(f.night)["读入"] == 40


def test_what_was_taken_back_is_no_work_of_the_week(desk):
    one, two = desk.client("senior"), desk.client("reviewer")
    desk.decide(one, desk.case("D001"), "reject", seconds="90")
    one.post("/undo")
    desk.decide(one, desk.case("D001"), seconds="8")
    desk.decide(two, desk.case("D002"), seconds="90")
    two.post("/undo")
    f = one.get("/dashboard").context["f"]
    assert [(w["by__username"], w["n"], w["confirm"], w["reject"]) for w in f.work] == [("senior", 1, 1, 0)]
    assert f.seconds == 8


def test_every_picture_has_its_table(desk):
    page = desk.client("operator").get("/dashboard").content.decode()
    assert page.count("<svg") == page.count('role="region"') >= 5
    first = re.search(r'<td>(区\w+)</td><td class="n">(\d+)</td>', page)
    assert first


def test_a_trend_appears_with_the_second_night(desk):
    client = desk.client("analyst")
    assert client.get("/dashboard").context["trend"] == ""
    desk.add("N1", "跑了五趟", run=desk.night(2))
    page = client.get("/dashboard")
    assert "09-02" in page.context["trend"]


def test_a_night_has_the_day_on_which_it_began_here(desk):
    # Two in the morning in China.
    desk.add("N1", "跑了五趟", run=desk.night(2, hour=18))
    days = [day for day, _, _ in desk.client("analyst").get("/dashboard").context["f"].trend]
    assert list(dict.fromkeys(days)) == ["09-01", "09-03"]


def test_an_empty_desk_says_what_to_do(tmp_path, desk):
    home = tmp_path / "empty"
    (home / "corpora").mkdir(parents=True)
    (home / "corpora" / "taxonomy.toml").write_bytes(desk.settings.taxonomy_file.read_bytes())
    open_desk(load_settings(home))
    User.objects.create_user(username="senior", password="x", role="senior", must_change_password=False)
    client = desk.client("senior")
    assert "zuofeng nightly" in client.get("/dashboard").content.decode()
    assert "夜间任务" in client.get("/queue").content.decode()
