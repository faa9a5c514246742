"""Challengers beside a night: nothing lost, nothing doubled, nothing in the night's way."""

import json

import pytest

from pipeline.batch.worker import BrokenScoringError
from pipeline.documents import text_hash
from pipeline.errors import BundleError, ConfigError

CHALLENGER = "challenger-1"


class Crash(BaseException):
    """The process ends here."""


class Challenger:
    """Says what the live model says, except that every third text loses its labels or gains one."""

    def __init__(self, scorer):
        self.scorer = scorer
        self.calls = 0

    def score(self, documents):
        self.calls += 1
        return [self._twist(p) for p in self.scorer.score(documents, evidence=False)]

    def _twist(self, p):
        if int(text_hash(p.id), 16) % 3:
            return p._replace(model=CHALLENGER)
        scheme, label = self.scorer.columns[0]
        gained = {s: ((label, 0.9),) if s == scheme else () for s in p.decided}
        lost = dict.fromkeys(p.decided, ())
        return p._replace(model=CHALLENGER, decided=lost if any(p.decided.values()) else gained)


@pytest.fixture
def challenger(scorer):
    return Challenger(scorer)


@pytest.fixture
def night(night, challenger):
    return lambda source, **options: night(source, **{"beside": lambda model: challenger, **options})


@pytest.fixture
def trial():
    def begin(nights=5, sample=4, model=CHALLENGER):
        from pipeline.desk.shadows import start

        return start(model, nights=nights, sample=sample, by="甲", actor="甲")

    return begin


@pytest.fixture
def source(write_jsonl, some_gold):
    records = [{"id": g.id, "text": g.text} for g in some_gold[:40]]
    return lambda start=0, stop=40: write_jsonl(f"in{start}-{stop}.jsonl", records[start:stop])


def scores():
    from pipeline.desk.tables import ShadowScore

    rows = ShadowScore.objects.order_by("document__key", "id")
    return [
        (key, json.dumps([*rest], ensure_ascii=False, sort_keys=True))
        for key, *rest in rows.values_list("document__key", "beside", "text_hash", "decided", "scores", "review")
    ]


def predictions():
    from pipeline.desk.models import Prediction

    return list(Prediction.objects.order_by("document__key").values_list("document__key", "model", "decided", "scores"))


def test_every_text_of_the_night_is_scored_by_both(night, trial, source, challenger, scorer):
    from pipeline.desk.tables import ShadowNight, ShadowScore

    trial()
    report = night(source())
    live = predictions()
    assert [key for key, _ in scores()] == [key for key, *_ in live]
    assert {m for _, m, *_ in live} == {scorer.bundle.id}
    flips = sum(
        {d["id"] for v in row.decided.values() for d in v}
        != {d["id"] for k, _, decided, _ in live if k == row.document.key for v in decided.values() for d in v}
        for row in ShadowScore.objects.select_related("document")
    )
    done = ShadowNight.objects.get()
    assert (done.run_id, done.texts, done.flips) == (report.run, 40, flips)
    assert 0 < flips < 40


@pytest.mark.parametrize("at", [1, 3, 6])
def test_a_crash_between_the_rows_and_the_ledger_loses_and_doubles_nothing(
    night, trial, source, challenger, monkeypatch, at
):
    from pipeline.batch import ledger
    from pipeline.desk.tables import ShadowDraw, ShadowNight

    trial()
    real, calls = ledger.write_chunk_state, iter(range(1, 100))

    def crash(*args, **options):
        if next(calls) == at:
            raise Crash
        real(*args, **options)

    monkeypatch.setattr(ledger, "write_chunk_state", crash)
    with pytest.raises(Crash):
        night(source())
    assert len(scores()) == len(predictions()) == 7 * (at - 1)
    monkeypatch.setattr(ledger, "write_chunk_state", real)
    challenger.calls = 0
    report = night(source())
    assert report.starts == 2
    assert challenger.calls == 6 - (at - 1)
    assert [key for key, _ in scores()] == [key for key, *_ in predictions()]
    assert len(scores()) == 40
    assert ShadowNight.objects.get().texts == 40
    assert ShadowDraw.objects.filter(flip=True).count() == 4


def test_a_crash_after_the_draw_draws_nothing_more_and_counts_one_night(night, trial, source, monkeypatch):
    from pipeline.batch import ledger
    from pipeline.desk.shadows import running
    from pipeline.desk.tables import Case, ShadowDraw, ShadowNight

    trial(nights=1)

    def crash(*args, **options):
        raise Crash

    real = ledger.finish
    monkeypatch.setattr(ledger, "finish", crash)
    with pytest.raises(Crash):
        night(source())
    drawn = set(ShadowDraw.objects.values_list("document_id", "flip", "probability"))
    queue = list(Case.objects.order_by("pk").values_list("pk", "state", "priority", "reasons"))
    assert drawn
    assert running()
    monkeypatch.setattr(ledger, "finish", real)
    assert night(source()).starts == 2
    assert set(ShadowDraw.objects.values_list("document_id", "flip", "probability")) == drawn
    assert list(Case.objects.order_by("pk").values_list("pk", "state", "priority", "reasons")) == queue
    assert ShadowNight.objects.count() == 1
    assert not running()


def test_nothing_but_the_shadow_tables_differs_from_a_night_without(night, trial, source, store):
    night(source(), beside=None)
    before = predictions()
    assert scores() == []
    trial(sample=0)
    night(source())
    assert predictions() == before
    assert scores() == []


def test_nights_run_out_and_one_without_news_does_not_count(night, trial, source, challenger):
    from pipeline.desk.shadows import running
    from pipeline.desk.tables import ShadowNight

    trial(nights=2)
    night(source(0, 10))
    night(source(0, 10))
    assert ShadowNight.objects.count() == 1
    assert running()
    night(source(10, 20))
    assert not running()
    night(source(20, 30))
    assert len(scores()) == 20
    assert ShadowNight.objects.count() == 2


def test_a_challenger_that_breaks_or_is_gone_harms_nobody(night, trial, source, challenger, caplog):
    trial()

    def gone(model):
        raise BundleError("ZF-MODEL-MISSING", "没有")

    assert night(source(0, 10), beside=gone).exit_code == 0
    assert "没有参加" in caplog.text
    real = challenger.score

    def breaks(documents):
        if challenger.calls:
            raise BrokenScoringError("坏了")
        return real(documents)

    challenger.score = breaks
    assert night(source(10, 30)).new == 20
    assert len(predictions()) == 30
    assert len(scores()) == 7


def test_flips_and_as_many_others_wait_for_people_as_a_spot_check(night, trial, source):
    from pipeline.desk.tables import Case, ShadowDraw

    trial(sample=6)
    night(source())
    drawn = {d.document_id: d for d in ShadowDraw.objects.all()}
    flips = [d for d in drawn.values() if d.flip]
    assert len(flips) == 6
    assert 0 < len(drawn) - len(flips) <= 6
    assert {0 < d.probability <= 1 for d in drawn.values()} == {True}
    spot = {c.pk for c in Case.objects.all() if "抽查" in dict(c.reasons)}
    assert spot == set(drawn)
    for case in Case.objects.filter(pk__in=spot):
        assert case.state == "open"
        assert all("影子" not in what and CHALLENGER not in what for what, _ in case.reasons)
    others = Case.objects.exclude(pk__in=spot)
    assert others.filter(state="auto").exists()


def test_trials_begin_once_and_stand_in_the_trail(trial, night, source):
    from pipeline.desk.shadows import stop
    from pipeline.desk.tables import AuditEntry

    trial()
    with pytest.raises(ConfigError, match="ZF-SHADOW-ON"):
        trial()
    night(source(0, 10))
    stop(CHALLENGER, actor="乙")
    with pytest.raises(ConfigError, match="ZF-SHADOW-OFF"):
        stop(CHALLENGER, actor="乙")
    night(source(10, 20))
    assert len(scores()) == 10
    trial()
    night(source(20, 25))
    assert len(scores()) == 15
    said = [(e.action, e.actor, e.target) for e in AuditEntry.objects.order_by("number")]
    assert said == [
        ("shadow.start", "甲", CHALLENGER), ("shadow.stop", "乙", CHALLENGER), ("shadow.start", "甲", CHALLENGER),
    ]  # fmt: skip
