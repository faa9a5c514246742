import numpy as np
import pytest

from pipeline.analyst.held_out import held_out_probabilities
from pipeline.analyst.label_errors import find_suspects, label_quality
from pipeline.bench.planted import draw_recovery, plant, recover
from pipeline.corpus.gold import label_matrix
from pipeline.errors import CorpusError


@pytest.fixture(scope="module")
def texts(draw):
    return draw(800)


@pytest.fixture(scope="module")
def held(scorer, texts):
    return held_out_probabilities(scorer, texts, jobs=1)


@pytest.fixture(scope="module")
def recovery(scorer, texts):
    return recover(scorer, texts, share=0.08, jobs=1)


def test_planted_errors_come_first(recovery):
    planted = len(recovery.rank)
    by_chance = planted / recovery.cells
    assert recovery.hits / recovery.flagged > 5 * by_chance
    assert recovery.found(3 * planted) > 0.4
    assert recovery.found(recovery.cells) == 1
    assert "<svg" in draw_recovery(recovery)


def test_planting_touches_the_share_of_texts_it_was_told_to(texts, taxonomy):
    truth = label_matrix(texts, taxonomy)
    turned = plant(truth, taxonomy, 0.1)
    assert turned.any(1).sum() == round(len(texts) * 0.1)
    assert turned.sum(1).max() == 2
    # A mistaken label stays in its scheme.
    for row in np.flatnonzero(turned.sum(1) == 2):
        assert any(turned[row, block].sum() == 2 for _, block in taxonomy.blocks)


def test_a_certain_contradiction_is_the_worst():
    rng = np.random.default_rng(0)
    truth = rng.random((300, 3)) < 0.3
    probabilities = np.where(truth, 0.9, 0.1) + rng.uniform(-0.05, 0.05, truth.shape)
    probabilities[7] = [0.02, 0.97, 0.5]
    truth[7] = [True, False, True]
    quality, wrong = label_quality(truth, probabilities)
    assert wrong[7, :2].all()
    assert set(np.argsort(quality.ravel())[:2]) == {21, 22}


def test_a_label_of_all_texts_or_none_has_no_errors_and_takes_none_from_the_others():
    rng = np.random.default_rng(0)
    truth, probabilities = np.zeros((50, 4), bool), rng.random((50, 4))
    truth[:20, 0], truth[::3, 1] = True, True
    quality, wrong = label_quality(truth[:, :2], probabilities[:, :2])
    truth[:, 2] = True
    more, and_wrong = label_quality(truth, probabilities)
    assert wrong.any()
    np.testing.assert_array_equal(and_wrong, np.hstack([wrong, np.zeros((50, 2), bool)]))
    np.testing.assert_array_equal(more, np.hstack([quality, probabilities[:, [2]], 1 - probabilities[:, [3]]]))


@pytest.mark.parametrize("row", [[False, False], [True, False], [True, True]])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_texts_labelled_alike_are_refused(row, count):
    with pytest.raises(CorpusError, match="ZF-AUDIT-SAME"):
        label_quality(np.array([row] * count, bool).reshape(-1, 2), np.full((count, 2), 0.7))


def test_suspects_show_words_of_the_text(scorer, texts, held):
    found = find_suspects(scorer, texts, held, most=30)
    assert found
    assert [s.quality for s in found] == sorted(s.quality for s in found)
    by_id = {g.id: g for g in texts}
    for s in found:
        given = {x for labels in by_id[s.id].labels.values() for x in labels}
        assert s.given == (s.label in given)
        assert s.evidence
        assert all(s.text[e.start : e.end] == e.quote for e in s.evidence)


def test_probabilities_come_from_heads_that_did_not_see_the_text(scorer, texts, held, taxonomy):
    truth = label_matrix(texts, taxonomy)
    # A label spoilt in one text alone does not teach its own score.
    assert held.shape == truth.shape
    assert 0.02 < abs(held - truth).mean() < 0.2
    with pytest.raises(CorpusError, match="ZF-HELD-FEW"):
        held_out_probabilities(scorer, texts[:10])
