from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from pipeline.analyst.held_out import text_matrix
from pipeline.corpus.gold import Gold
from pipeline.model import experts
from pipeline.model.bundle import load_bundle
from pipeline.model.experts import Examples, cross_fit, fit_heads, share_texts
from pipeline.model.recipe import Expert, Settings

LETTERS = ("message_board", "hotline_ticket", "petition_letter")


def test_the_gate_sends_each_text_to_its_expert(scorer, strangers):
    unseen = strangers[::40]
    expert, _ = scorer.bundle.weights.choose(text_matrix(scorer, [g.text for g in unseen]))
    letter = np.array([g.register in LETTERS for g in unseen])
    # A letter must hardly ever be read as an office's paper; the other way does less harm.
    assert (expert[letter] == 0).mean() > 0.95
    assert (expert[~letter] == 1).mean() > 0.6


def test_a_gate_knows_how_texts_are_told_that_count_fully(scorer, some_gold, strangers):
    letters = [g for g in strangers if g.register in LETTERS][::20]
    retold = np.array([g.file == "messages-retold" for g in letters])
    _, told = scorer.bundle.weights.choose(text_matrix(scorer, [g.text for g in letters]))
    assert (told[retold][:, None] > told[~retold]).mean() > 0.75
    # In deviations from the mean of those that count less, each read by those who had not seen it.
    assert abs(told[~retold].mean()) < 0.75
    assert 0.5 < told[~retold].std() < 2


def test_texts_of_no_named_register_are_the_first_experts():
    settings = Settings(experts=(Expert(LETTERS), Expert(("notice", "speech"), others=0.25)))
    gold = [Gold(id="1", text="路灯坏了", labels={}, register=r) for r in ("", "message_board", "notice", "else")] * 250
    own, reads = share_texts(gold, settings)
    assert own.tolist() == [0, 0, 1, 0] * 250
    np.testing.assert_array_equal(reads[0], own == 0)
    assert (reads[1][own == 1] == 1).all()
    assert 0.2 < reads[1][own == 0].mean() < 0.3


@pytest.mark.parametrize("register", ["message_board", "notice", ""])
def test_a_corpus_of_one_register_has_one_expert(register):
    settings = Settings(experts=(Expert(LETTERS), Expert(("notice",))))
    own, reads = share_texts([Gold(id="1", text="路灯坏了", labels={}, register=register)] * 9, settings)
    assert not own.any()
    np.testing.assert_array_equal(reads, [[1] * 9])


def test_a_corpus_without_registers_is_learned(some_gold, learn):
    plain = [replace(g, register="") for g in some_gold[::2]]
    assert load_bundle(learn(gold=plain, weights=())).weights.gate.shape[1] == 0
    assert load_bundle(learn(gold=plain)).weights.gate.shape[1] == 1


@pytest.fixture
def asked():
    """Rows of which one in ten counts nothing, one in four heads is unknown, and their weights."""
    dice = np.random.default_rng(3)
    x = sparse.random(600, 90, 0.2, "csr", rng=dice)
    truth = np.asarray(x @ dice.normal(size=(90, 4)) + dice.normal(size=(600, 4))) > 0
    known = dice.random((600, 4)) < 0.75
    weight = np.where(dice.random(600) < 0.1, 0.0, dice.uniform(0.3, 1, 600))
    return Examples(x, truth, dice.integers(0, 3, 600), np.arange(600), known), weight


def quiet(step):
    """Progress nobody looks at."""


def near(found, wanted):
    """Check that margins are as near as a fit that is stopped early leaves them."""
    assert np.sqrt(((found - wanted) ** 2).mean()) < 0.06 * wanted.std()


def test_folds_fitted_together_are_those_fitted_apart(asked):
    rows, weight = asked
    ((margins, coef, bias),) = cross_fit([asked], Settings(c=2.0), quiet)

    def apart(inside):
        return fit_heads(rows.x[inside], rows.truth[inside], 2.0, rows.known[inside], weight[inside])

    whole, shift = apart(np.full(600, True))
    near(rows.x @ coef + bias, rows.x @ whole + shift)
    for number in range(3):
        out = rows.fold == number
        part, shift = apart(~out)
        near(margins[out], rows.x[out] @ part + shift)
        # What the whole has learned of these rows by heart is far from what is said of them unseen.
        assert np.sqrt(((rows.x[out] @ (whole - part)) ** 2).mean()) > 0.2 * margins.std()


def test_labels_held_out_do_not_reach_what_is_said_of_their_rows(asked):
    rows, weight = asked
    settings = Settings(c=2.0)
    ((before, _, _),) = cross_fit([asked], settings, quiet)
    out = rows.fold == 1
    turned = replace(rows, truth=rows.truth ^ out[:, None])
    ((after, _, _),) = cross_fit([(turned, weight)], settings, quiet)
    # How many passes are made may differ; what a pass makes of the others does not.
    assert np.corrcoef(before[out].ravel(), after[out].ravel())[0, 1] > 0.999
    assert np.corrcoef(before[~out].ravel(), after[~out].ravel())[0, 1] < 0.9


@pytest.mark.parametrize("widest", [1, 9])
def test_many_labels_are_fitted_in_parts(asked, monkeypatch, widest):
    rows, _ = asked
    ((margins, coef, bias),) = cross_fit([asked], Settings(), quiet)
    monkeypatch.setattr(experts, "WIDEST", widest)
    ((in_parts, its_coef, its_bias),) = cross_fit([asked], Settings(), quiet)
    near(in_parts, margins)
    near(rows.x @ its_coef + its_bias, rows.x @ coef + bias)


def test_a_sentence_counts_fully_whatever_its_file_does(some_gold, learn):
    whole, single = [], []
    for light in (1.0, 0.1):
        found = load_bundle(learn(gold=some_gold[::2], weights={"messages": light})).weights
        for kept, coef in ((whole, found.real_coef[0]), (single, found.real_sentence_coef[0])):
            kept.append(coef / np.maximum(np.linalg.norm(coef, axis=0), 1e-9))
    alike = [np.median((a * b).sum(0)) for a, b in (whole, single)]
    assert alike[0] < 0.99 < 0.998 < alike[1]
