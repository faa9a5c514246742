import dataclasses

import pytest

from pipeline.analyst.diagnosis import BINS, EACH, diagnose
from pipeline.corpus.gold import label_matrix
from pipeline.errors import CorpusError


@pytest.fixture(scope="module")
def seen(strangers):
    return strangers[::60]


@pytest.fixture(scope="module")
def found(scorer, seen):
    return diagnose(scorer, seen, rounds=30)


def test_parts_cover_every_text_once(found, seen):
    for kind in ("register", "length"):
        mine = [p for p in found.parts if p.kind == kind]
        assert sum(p.texts for p in mine) == len(seen)
        assert sum(p.innocent for p in mine) == sum(not g.positive for g in seen)
        for p in mine:
            assert p.f1 is None or p.f1[1] <= p.f1[0] <= p.f1[2]


def test_curves_meet_the_figures_where_the_threshold_stands(scorer, seen, taxonomy):
    grid = [dataclasses.replace(h, threshold=0.35, ask=0.35) for h in scorer.bundle.heads]
    # Problem-or-not out of the way: a curve looks at one label alone.
    grid[-1] = dataclasses.replace(grid[-1], threshold=0.0, ask=0.0)
    moved = diagnose(scorer.reading_as(dataclasses.replace(scorer.bundle, heads=tuple(grid))), seen, rounds=5)
    for _, label in taxonomy.columns:
        (point,) = [p for p in moved.points if p.label == label and p.threshold == 0.35]
        assert point.f1 == pytest.approx(moved.figures["labels"][label]["f1"][0], abs=1e-4)
        assert moved.thresholds[label] == 0.35


def test_every_score_is_in_one_bin(found, seen, taxonomy):
    for scheme in taxonomy.schemes:
        mine = [b for b in found.bins if b.scheme == scheme.id]
        assert len(mine) <= BINS
        assert sum(b.scores for b in mine) == len(seen) * len(scheme.labels)
        positives = sum(len(g.labels[scheme.id]) for g in seen)
        assert sum(b.scores * b.rate for b in mine) == pytest.approx(positives)
    assert sum(b.scores for b in found.bins if not b.scheme) == len(seen)


def test_swaps_are_missed_here_and_wrongly_given_there(found, scorer, seen, taxonomy):
    called = scorer.decide(scorer.probabilities([g.text for g in seen]))
    truth = label_matrix(seen, taxonomy)
    at = {label: j for j, (_, label) in enumerate(taxonomy.columns)}
    assert found.swaps
    for s in found.swaps:
        a, b = at[s.truth], at[s.called]
        both = truth[:, a] & ~called[:, a] & called[:, b] & ~truth[:, b]
        assert both.sum() == s.texts > 0


def test_mistakes_are_the_farthest_first_and_quote_the_text(found, seen):
    by_id = {g.id: g for g in seen}
    assert found.mistakes
    far = [abs(m.far) for m in found.mistakes]
    assert far == sorted(far, reverse=True)
    for m in found.mistakes:
        assert m.truth == any(m.label in given for given in by_id[m.id].labels.values())
        assert m.quote
        if "*" not in m.quote:
            assert m.quote in by_id[m.id].text
    sides = [(m.label, m.truth) for m in found.mistakes]
    assert max(sides.count(s) for s in sides) <= EACH


def test_personal_data_is_not_quoted(scorer, seen):
    g = next(g for g in seen if g.positive)
    told = dataclasses.replace(g, text="请联系我13812345678谢谢", labels=g.labels)
    quotes = "".join(m.quote for m in diagnose(scorer, [told, seen[0]], rounds=2).mistakes)
    assert "请联系我" in quotes
    assert "13812345678" not in quotes


def test_without_texts_there_is_nothing_to_measure(scorer):
    with pytest.raises(CorpusError, match="没有可供测量的文本"):
        diagnose(scorer, [])
