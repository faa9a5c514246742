import numpy as np
import pytest
from scipy import sparse
from sklearn.svm import LinearSVC

from pipeline.corpus.gold import label_matrix
from pipeline.model.descent import descend
from pipeline.model.features import Features
from pipeline.text.segment import RjiebaSegmenter

NEARER = 0.005


@pytest.fixture(scope="module")
def problem():
    dice = np.random.default_rng(3)
    x = sparse.random(300, 80, 0.2, format="csr", random_state=3)
    truth = x @ dice.normal(size=(80, 3)) + dice.normal(size=(300, 3)) > 0.5
    return x, truth, dice.uniform(0.2, 1.5, (300, 3))


@pytest.mark.parametrize("scale", [None, np.random.default_rng(4).uniform(0.5, 1.5, (80, 3))])
def test_each_head_is_the_machine_that_liblinear_finds_of_its_own_columns(problem, scale):
    x, truth, cost = problem
    coef, bias = descend(x, np.where(truth, 1, -1).astype(np.int8), cost, scale=scale, near=NEARER)
    for j in range(3):
        own = x if scale is None else x @ sparse.diags(scale[:, j])
        one = LinearSVC(C=1, tol=1e-6, max_iter=100_000).fit(own, truth[:, j], sample_weight=cost[:, j])
        margins = one.decision_function(own)
        np.testing.assert_allclose(x @ coef[:, j] + bias[j], margins, atol=0.05 * margins.std())


def test_a_row_that_says_nothing_to_a_head_is_not_there(problem):
    x, truth, cost = problem
    sign = np.where(truth, 1, -1).astype(np.int8)
    sign[200:, 1] = 0
    coef, bias = descend(x, sign, cost, near=NEARER)
    fewer, its_bias = descend(x[:200], sign[:200], cost[:200], near=NEARER)
    there, without = x @ coef[:, 1] + bias[1], x @ fewer[:, 1] + its_bias[1]
    np.testing.assert_allclose(there, without, atol=0.05 * without.std())


def test_a_head_of_few_rows_is_fitted_as_well_as_if_they_were_all(problem):
    x, truth, cost = problem
    sign = np.zeros((300, 1), np.int8)
    sign[:30] = np.where(truth[:30, :1], 1, -1)
    coef, bias = descend(x, sign, cost[:, :1])
    alone, its_bias = descend(x[:30], sign[:30], cost[:30, :1], near=NEARER)
    there, nearer = x[:30] @ coef + bias, x[:30] @ alone + its_bias
    assert np.sqrt(np.square(there - nearer).mean()) < 0.05 * nearer.std()


def test_the_same_rows_give_the_same_bits(problem):
    x, truth, cost = problem
    sign = np.where(truth, 1, -1).astype(np.int8)
    once, again = descend(x, sign, cost), descend(x, sign, cost)
    assert [a.tobytes() for a in once] == [a.tobytes() for a in again]


def test_a_head_without_rows_has_no_weights(problem):
    x, _, cost = problem
    coef, bias = descend(x, np.zeros((300, 2), np.int8), cost[:, :2])
    assert not coef.any()
    assert not bias.any()


def test_on_texts_it_stops_where_going_on_would_move_little(some_gold, taxonomy, words):
    texts, segmenter = [g.text for g in some_gold], RjiebaSegmenter(words)
    x = Features().fit(texts, segmenter).transform(texts, segmenter)
    sign = np.where(label_matrix(some_gold, taxonomy), 1, -1).astype(np.int8)
    cost = np.ones(sign.shape)
    margins, nearer = (x @ coef + bias for coef, bias in (descend(x, sign, cost), descend(x, sign, cost, near=NEARER)))
    assert np.sqrt(np.square(margins - nearer).mean()) < 0.05 * nearer.std()
