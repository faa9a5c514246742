import dataclasses

import numpy as np
import pytest

from pipeline.analyst.drift import Window, find_drift
from pipeline.analyst.windows import make_window
from pipeline.bench.quiet import draw_alarms, measure_alarms
from pipeline.documents import Document
from pipeline.reports.drifting import drift_page, drift_table

LABELS = ["a", "b", "c"]


def month(seed, size=400, rates=(0.2, 0.1, 0.05), east=None, word="", said=0.0):
    rng = np.random.default_rng(seed)
    district = rng.integers(0, 2, size)
    decided = rng.random((size, 3)) < np.array(rates)
    if east is not None:
        decided[:, 0] = np.where(district == 0, rng.random(size) < east, decided[:, 0])
    return Window(
        tuple(f"{seed}-{n}" for n in range(size)),
        tuple(("区县 东",) if d == 0 else ("区县 西",) for d in district.tolist()),
        decided,
        np.where(decided.any(1), rng.beta(6, 2, size), rng.beta(2, 6, size)),
        rng.beta(2, 30, size),
        tuple(frozenset([word] if v < said else []) | {f"短语{v:.1f}"} for v in rng.random(size).tolist()),
    )


def test_quiet_months_stay_quiet_about_as_often_as_promised():
    loud = sum(any(f.sure for f in find_drift(month(2 * n), month(2 * n + 1), LABELS)) for n in range(100))
    assert loud <= 12


def test_a_shift_in_one_district_is_found_there_with_its_texts():
    before, now = month(1), month(2, east=0.55)
    found = [f for f in find_drift(before, now, LABELS) if f.sure]
    here = next(f for f in found if f.kind == "rate" and f.group == "区县 东")
    assert here.name == "a"
    assert here.now > here.before
    rows = [now.ids.index(i) for i in here.documents]
    assert rows
    assert all(now.decided[r, 0] and now.groups[r] == ("区县 东",) for r in rows)
    assert not any(f.group == "区县 西" for f in found)


def test_a_new_phrase_is_found_with_the_texts_that_say_it():
    now = month(4, word="只跑零次", said=0.1)
    found = [f for f in find_drift(month(3), now, LABELS) if f.sure]
    assert [(f.kind, f.name) for f in found] == [("phrase", "只跑零次")]
    assert all("只跑零次" in now.phrases[now.ids.index(i)] for i in found[0].documents)


def test_words_nobody_knew_show():
    now = month(6)
    found = find_drift(month(5), dataclasses.replace(now, unknown=now.unknown + 0.06), LABELS)
    assert {f.kind for f in found if f.sure} == {"unknown"}


@pytest.fixture(scope="module")
def pool(scorer, draw):
    return make_window(scorer, [Document(g.id, g.text) for g in draw(1500)])


def test_a_window_counts_repeats_once_and_knows_its_vocabulary(scorer, some_gold):
    g = some_gold[0]
    window = make_window(
        scorer,
        [
            Document("1", g.text, meta={"district": "东", "channel": "热线"}),
            Document("2", g.text + " "),
            Document("3", "魑魅魍魉饕餮"),
        ],
    )
    assert window.ids == ("1", "3")
    assert window.groups[0] == ("区县 东", "渠道 热线")
    assert window.unknown[1] > window.unknown[0]


def test_planted_months_are_measured(pool, scorer):
    labels = [label for _, label in scorer.columns]
    quiet, loud = measure_alarms(pool, labels, size=250, months=12, shares=(0.0, 0.2))
    assert quiet.any <= 3
    assert loud.planted > quiet.planted
    assert quiet.interval(0)[0] == 0 < quiet.interval(0)[1]
    assert "<svg" in draw_alarms([quiet, loud])


def test_the_report_leads_from_a_figure_to_its_texts(pool, scorer, taxonomy):
    labels = [label for _, label in scorer.columns]
    rows = np.flatnonzero(pool.decided[:, 4])
    now = pool.take([*range(200), *np.resize(rows, 150).tolist()])
    found = find_drift(pool.take(range(200, 500)), now, labels)
    far = "远" * 95  # the number stands across the cut
    html = drift_page(found, taxonomy, "漂移", {i: f"<b>{i}</b>{far}13812345678" for i in now.ids})
    assert taxonomy.label(labels[4]).name in html
    assert "<b>" not in html
    assert far in html
    assert "138" not in html.replace(" ", "")
    assert drift_table(found[:2], taxonomy, "x").rows
