"""Stored scores are worked out again, and whatever is not the same is said to be so."""

import pytest

from pipeline.errors import BundleError, ConfigError


@pytest.fixture
def stored(night, write_jsonl, records):
    night(write_jsonl("a.jsonl", records))
    from pipeline.batch import replay

    return replay


def outcomes(replay, scorer, count=1000):
    return [r.outcome.name for r in replay.replay(replay.sample(count, 1), lambda name: scorer)]


def test_every_stored_score_is_the_same_to_the_last_digit(stored, scorer):
    assert outcomes(stored, scorer) == ["SAME"] * 40


def test_a_score_names_everything_it_came_from(stored, scorer, records):
    (found,) = stored.replay(stored.stored_of(records[3]["id"]), lambda name: scorer)
    manifest = scorer.bundle.manifest
    expected = {
        "model": scorer.bundle.id,
        "segmenter": manifest["segmenter"],
        "dictionary": manifest["dictionary"],
        "thresholds": manifest["files"]["calibration.json"],
        "kind": "nightly",
    }
    assert expected.items() <= found.origin.items()
    assert found.origin["taxonomy"].endswith(scorer.bundle.taxonomy.version)


@pytest.mark.parametrize("field", ["problem_score", "scores", "decided", "evidence", "review", "is_problem"])
def test_whatever_was_altered_in_the_store_shows(stored, scorer, records, field):
    from pipeline.desk.models import Prediction

    row = next(p for p in Prediction.objects.order_by("id") if p.evidence and p.is_problem)
    if field == "problem_score":
        row.problem_score += 1e-4
    elif field == "scores":
        scheme = next(iter(row.scores))
        row.scores[scheme][next(iter(row.scores[scheme]))] += 1e-5
    elif field == "decided":
        row.decided = {scheme: [] for scheme in row.decided}
    elif field == "evidence":
        row.evidence[0]["start"] += 1
    else:
        setattr(row, field, not getattr(row, field))
    row.save()
    found = outcomes(stored, scorer)
    assert (found.count("DIFFERENT"), found.count("SAME")) == (1, 39)


@pytest.mark.parametrize(("field", "by"), [("problem_score", 3e-16), ("problem_score", 1e-8), ("scores", 1e-6)])
def test_a_difference_below_any_meaning_is_named_as_such(stored, scorer, field, by):
    from pipeline.desk.models import Prediction

    row = Prediction.objects.first()
    if field == "scores":
        scheme = next(iter(row.scores))
        row.scores[scheme][next(iter(row.scores[scheme]))] += by
    else:
        row.problem_score += by
    row.save()
    assert sorted(set(outcomes(stored, scorer))) == ["DIGITS", "SAME"]


def test_what_cannot_be_worked_out_again_says_why(stored, scorer, other, night, write_jsonl, records):
    from pipeline.desk.models import Document

    Document.objects.filter(key=records[0]["id"]).update(text="", purged=True)
    Document.objects.filter(key=records[1]["id"]).update(text="有人改过库里的原文")
    changed = [{**r, "text": r["text"] + "至今没有人来。"} for r in records[2:4]]
    night(write_jsonl("b.jsonl", changed), scorer=other)

    def open_model(name):
        if name == other.bundle.id:
            raise BundleError("ZF-MODEL-MISSING", "读不到模型")
        return scorer

    found = list(stored.replay(stored.sample(1000, 1), open_model))
    reasons = sorted(r.reason for r in found if r.outcome is stored.Outcome.IMPOSSIBLE)
    assert len(found) == 42
    assert [r[:6] for r in reasons] == ["ZF-MOD"] * 2 + ["原文已按保留"] + ["库里的原文与"] + ["打分之后原文"] * 2
    assert sum(r.outcome is stored.Outcome.SAME for r in found) == 36


def test_another_model_under_the_same_name_is_not_the_same(stored, scorer, other):
    assert set(outcomes(stored, other)) == {"DIFFERENT"}


def test_the_same_seed_draws_the_same_sample(stored):
    drawn = [[p.id for p in stored.sample(10, seed)] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert [len(d) for d in drawn] == [10, 10, 10]


def test_a_document_without_scores_is_an_error(stored, records):
    with pytest.raises(ConfigError, match="ZF-WHY-NONE"):
        stored.stored_of("没有这个编号")
    with pytest.raises(ConfigError, match="ZF-WHY-NONE"):
        stored.stored_of(records[0]["id"], "another")
