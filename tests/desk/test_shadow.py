"""What a challenger says shows nowhere at the desk, and the report counts what people made of the flips."""

import datetime as dt
import json

import pytest
from desk.stores import url_of
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.desk.models import Prediction, Run
from pipeline.desk.shadow_report import report
from pipeline.desk.shadows import close_night, start
from pipeline.desk.tables import Case, ShadowDraw, ShadowScore
from pipeline.desk.urls import PAGES

CHALLENGER = "challenger-9"


def with_label(decided, scheme, label):
    return {**decided, scheme: [*decided[scheme], {"id": label, "score": 0.5}]}


@pytest.fixture
def trial(desk):
    """A finished night of a trial on the desk's documents: (flips, others) by number."""
    shadow = start(CHALLENGER, nights=3, sample=8, by="甲", actor="甲")
    run = Run.objects.get()
    (scheme, label), odd = desk.columns[4], {"D001", "D005", "D009", "D013", "D038", "D039"}
    ShadowScore.objects.bulk_create(
        ShadowScore(
            shadow=shadow, document=p.document, beside=p.model, text_hash=p.text_hash, run=run, is_problem=True,
            problem_score=0.123456, review=True, scores={},
            decided=with_label(p.decided, scheme, label) if p.document.key in odd else p.decided,
        )
        for p in Prediction.objects.select_related("document")
    )  # fmt: skip
    Run.objects.update(state="done", finished=dt.datetime(2026, 9, 1, 3, tzinfo=dt.UTC))
    close_night(run, [shadow])
    return shadow, label


def test_drawn_documents_look_like_any_other_spot_check(desk, trial):
    flips = set(ShadowDraw.objects.filter(flip=True).values_list("document__key", flat=True))
    others = set(ShadowDraw.objects.filter(flip=False).values_list("document__key", flat=True))
    assert flips == {"D001", "D005", "D009", "D013", "D038", "D039"}
    # D039 was not in the queue, and is now, beside one of the two others that were not.
    assert len(others) == 6
    assert len(others & {"D037", "D040"}) == 1
    assert set(Case.objects.filter(pk__in=ShadowDraw.objects.values("document")).values_list("state", flat=True)) == {
        "open"
    }
    for key in flips | others:
        assert desk.case(key).reasons[-1] == ["抽查", 40]


@pytest.mark.parametrize("role", ["reviewer", "senior", "analyst", "auditor", "operator", "admin"])
def test_no_page_and_no_export_tells_of_the_challenger(desk, trial, role):
    client = desk.client(role)
    number = desk.case("D039").pk
    seen = []
    for page in PAGES:
        if "GET" in page.methods and "static" not in page.route:
            answer = client.get(url_of(page, number))
            if answer.status_code == 200:
                seen.append((page.name, b"".join(answer) if answer.streaming else answer.content))
    for form in ("csv", "xlsx"):
        answer = client.post("/export", {"filters": "state=all", "format": form})
        seen.append(("export", answer.content))
    assert len(seen) > 2
    for name, content in seen:
        for told in (CHALLENGER, "0.1234"):
            if name == "audit" and told == CHALLENGER:
                continue  # the auditor sees that a trial was begun, not what it says
            assert told.encode() not in content, (name, told)


def test_a_flip_shows_the_live_model_only(desk, trial):
    _, label = trial
    client = desk.client("reviewer")
    page = client.get(f"/documents/{desk.case('D001').pk}")
    rows = {r.id: r for _, rows in page.context["s"].schemes for r in rows}
    assert not rows[label].by_model
    assert not rows[label].chosen
    assert ("抽查", 40) in page.context["reasons"]


def test_the_report_counts_who_was_right(desk, trial, taxonomy):
    shadow, label = trial
    client = desk.client("reviewer")
    labels = [i for _, i in desk.columns]
    empty = report(shadow, labels)
    assert (empty.texts, empty.flips, empty.drawn, empty.read, empty.wins) == (40, 6, 6, 0, (0, 0))
    for key in ("D001", "D005", "D009"):
        model = [d["id"] for v in desk.case(key).prediction.decided.values() for d in v]
        desk.decide(client, desk.case(key), labels=[*model, label])
    desk.decide(client, desk.case("D013"))
    desk.decide(client, desk.case("D038"), "unsure")
    desk.decide(client, desk.case("D002"))
    found = report(shadow, labels)
    assert (found.read, found.wins) == (4, (1, 3))
    assert found.better.value == pytest.approx(0.75)
    # Two-sided: 3 or more, or 1 or less, of four tosses of a coin.
    assert found.p == pytest.approx(10 / 16)
    row = next(r for r in found.rows if r.label == label)
    assert (row.live_only, row.challenger_only, row.live_right, row.challenger_right) == (0, 6, 1, 3)
    assert found.asked == (pytest.approx(1 / 40), 1.0)
    assert {f.key: label in f.people for f in found.listed} == {"D001": True, "D005": True, "D009": True, "D013": False}
    assert (found.state, found.nights, found.missing) == ("on", (1, 3), 0)


def test_the_commands_print_it(desk, trial):
    home = str(desk.settings.home)
    done = CliRunner().invoke(app, ["shadow", "report", "--home", home])
    assert done.exit_code == 0, done.output
    assert "陪跑中，1 / 3 夜" in done.output
    done = CliRunner().invoke(app, ["shadow", "report", "--home", home, "--format", "json"])
    (plain,) = json.loads(done.output)
    assert (plain["flips"], plain["p"], plain["better"]["value"]) == (6, None, None)
    done = CliRunner().invoke(app, ["shadow", "stop", CHALLENGER, "--home", home])
    assert "跑了 1 夜" in done.output
    assert "已停" in CliRunner().invoke(app, ["shadow", "report", "--home", home]).output
