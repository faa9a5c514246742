import dataclasses

import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit

from pipeline.documents import Document
from pipeline.errors import CorpusError
from pipeline.model.adapt import _look, adapt, expect, fit_adaptation, settle
from pipeline.model.bundle import NEVER, load_bundle
from pipeline.model.evaluate import micro_f1
from pipeline.model.score import Look, Scorer


def test_the_folded_bundle_scores_like_the_correction(scorer, reviewed, adapted, words):
    seen, truth = _look(settle(scorer), reviewed)
    found = fit_adaptation(seen, truth)
    home = Scorer(load_bundle(adapted[0]), words)
    short = [i for i, g in enumerate(reviewed) if len(g.text) < 500]
    expected = found.apply(seen[np.array(short)])
    # Weights are kept in 8 bits.
    np.testing.assert_allclose(home.probabilities([reviewed[i].text for i in short]), expected, atol=1e-2)


def test_what_is_expected_of_long_texts_is_what_the_folded_bundle_says(scorer, reviewed, words, tmp_path):
    assert any(h.long_sentence for h in scorer.bundle.heads)
    # Where nothing is allowed for strange wording, no long letter is read as one story.
    usual = dataclasses.replace(scorer.bundle.wording, allowed=(0.0,) * len(scorer.bundle.wording.allowed))
    scorer = Scorer(dataclasses.replace(scorer.bundle, wording=usual), words)
    # Of thirty sentences some are long altogether, of 24 in part.
    page = [g for g in reviewed if len(g.text) < 90][:40]
    texts = [
        dataclasses.replace(g, text=g.text.rstrip("。") + "。\n" + "今天照常办公。" * (22 + 10 * (i % 2)))
        for i, g in enumerate(page)
    ]
    known = [*texts, *reviewed[:160]]
    seen, truth = _look(settle(scorer), known)
    long, part = seen.long[: len(texts)] == 1, (seen.long[: len(texts)] > 0) & (seen.long[: len(texts)] < 1)
    assert long.sum() > 10
    assert part.sum() > 10
    path, expected = adapt(scorer, known, tmp_path)
    home = Scorer(load_bundle(path), words)
    given = [g.text for g in texts]
    likely = home.probabilities(given)
    np.testing.assert_allclose(likely, fit_adaptation(seen, truth).apply(seen)[: len(texts)], atol=4e-3)
    # The correction is of whole texts: where only the strongest sentence counts, it decides nothing.
    before = scorer.decide(scorer.probabilities(given))
    assert (home.decide(likely) == before)[long].all()
    assert (expected.after[: len(texts)] == before)[long].all()


def test_an_office_where_everything_is_rarer_is_learned():
    rng = np.random.default_rng(0)
    margins = rng.normal(size=(3000, 4))
    log_odds = 2 * margins
    truth = rng.random(margins.shape) < expit(log_odds - 2)
    seen = Look(log_odds, margins, sparse.csr_matrix((3000, 1)), np.zeros(3000, int), np.zeros(3000), np.zeros(4))
    corrected = fit_adaptation(seen, truth).apply(seen)
    np.testing.assert_allclose(corrected.mean(0), truth.mean(0), atol=0.02)
    assert abs(corrected - truth).mean() < abs(expit(log_odds) - truth).mean()


def test_a_word_of_the_office_is_learned():
    rng = np.random.default_rng(0)
    said = sparse.csr_matrix((rng.random((400, 30)) < 0.2).astype(float))
    log_odds = rng.normal(size=(400, 2))
    truth = np.asarray(said[:, [3, 7]].todense(), bool)
    seen = Look(log_odds, log_odds, said, np.zeros(400, int), np.zeros(400), np.zeros(2))
    found = fit_adaptation(seen[np.arange(300)], truth[:300])
    assert found.coef.argmax(0).tolist() == [3, 7]
    right = (found.apply(seen) > 0.5) == truth
    assert right[300:].mean() > ((expit(log_odds) > 0.5) == truth)[300:].mean() + 0.2


def test_the_fewer_texts_a_label_has_the_less_of_their_words_it_learns(monkeypatch):
    rng = np.random.default_rng(0)
    share = np.array([0.3, 0.01, 0.1])
    said = sparse.csr_matrix((rng.random((600, 3)) < share).astype(float))
    truth = np.asarray(said.todense(), bool)
    log_odds = np.tile(np.log(share / (1 - share)), (600, 1))
    seen = Look(log_odds, log_odds, said, np.zeros(600, int), np.zeros(600), np.zeros(3))
    held = fit_adaptation(seen, truth)
    monkeypatch.setattr("pipeline.model.adapt.FEW", 0.0)
    free = fit_adaptation(seen, truth)
    often, rarely, sometimes = np.diag(held.coef) / np.diag(free.coef)
    assert 0.9 < often < 1
    assert rarely < sometimes < often
    assert rarely < 0.6


def test_a_label_with_few_texts_is_called_as_often_as_before(monkeypatch):
    rng = np.random.default_rng(0)
    log_odds = rng.normal(size=(900, 3)) - 1
    truth = rng.random(log_odds.shape) < [0.4, 0.02, 0.5] * expit(2 * log_odds)
    assert truth[:, 1].sum() < 10
    edge = np.full(3, 1.5)
    seen = Look(log_odds, log_odds, sparse.csr_matrix((900, 1)), np.zeros(900, int), np.zeros(900), edge)

    def called(few):
        monkeypatch.setattr("pipeline.model.adapt.FEW", few)
        found = fit_adaptation(seen, truth)
        return (found.apply(seen) >= found.threshold).sum(0)

    before, held, some, free = (log_odds >= edge).sum(0), called(1e9), called(10), called(1e-9)
    assert held[1] == before[1] < free[1]
    assert held[1] <= some[1] < free[1]
    # What is common is called as is best now.
    assert before[0] == held[0] < free[0] / 2 < some[0]


def test_what_is_expected_comes_from_texts_it_did_not_see(scorer, reviewed, adapted):
    _, expected = adapted
    assert expected.truth.sum() == sum(len(labels) for g in reviewed for labels in g.labels.values())
    assert micro_f1(expected.truth, expected.after) > micro_f1(expected.truth, expected.before) - 0.05
    promised = expect(scorer, reviewed, promise=0.9)
    assert promised.after.sum() < expected.after.sum()
    assert not (promised.after & ~expected.after).any()


def test_too_few_reviewed_texts_are_refused(scorer, reviewed, tmp_path):
    with pytest.raises(CorpusError, match="ZF-ADAPT-FEW"):
        adapt(scorer, reviewed[:20], tmp_path)
    few = [dataclasses.replace(g, group=str(i % 4)) for i, g in enumerate(reviewed)]
    with pytest.raises(CorpusError, match="ZF-ADAPT-GROUPS"):
        adapt(scorer, few, tmp_path)


def test_a_model_is_not_adapted_again_to_what_it_knows(scorer, reviewed, half, words, tmp_path):
    home, expected = half
    # What it was adapted to it decides better than it did without: no fold of those holds anything out.
    known = home.decide(home.probabilities([g.text for g in reviewed[:150]]))
    assert micro_f1(expected.truth, known) > micro_f1(expected.truth, expected.after) + 0.05
    copies = [dataclasses.replace(g, id=f"again-{g.id}", text=f" {g.text}\n") for g in reviewed[140:]]
    with pytest.raises(CorpusError, match="ZF-ADAPT-SEEN") as refused:
        adapt(home, copies, tmp_path)
    assert f"{len(copies)} 条里有 10 条" in refused.value.message
    assert scorer.bundle.id in refused.value.hint
    # New ones teach it more, and it forgets none of the old.
    twice = Scorer(load_bundle(adapt(home, reviewed[150:], tmp_path)[0]), words)
    with pytest.raises(CorpusError, match="ZF-ADAPT-SEEN"):
        adapt(twice, reviewed, tmp_path)


def test_what_a_promise_leaves_open_asks_for_a_person(scorer, reviewed, words, tmp_path):
    bundle = load_bundle(adapt(scorer, reviewed, tmp_path, promise=0.99)[0])
    closed = [h for h in bundle.heads[:-1] if h.threshold == NEVER]
    assert closed
    home = Scorer(bundle, words)
    predictions = home.score([Document(g.id, g.text) for g in reviewed])
    kept = {label for (_, label), h in zip(home.columns, bundle.heads, strict=False) if h.threshold == NEVER}
    for p in predictions:
        assert kept.isdisjoint(p.labels)
    loose = Scorer(
        dataclasses.replace(bundle, heads=tuple(dataclasses.replace(h, threshold=h.ask) for h in bundle.heads)), words
    )
    undecided = (loose.decide(home.probabilities([g.text for g in reviewed])).any(1)) & [
        not any(p.decided.values()) for p in predictions
    ]
    assert undecided.any()
    assert all(p.review for p, open_ in zip(predictions, undecided, strict=True) if open_)
