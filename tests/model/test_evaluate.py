import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from pipeline.corpus.gold import label_matrix
from pipeline.documents import Document
from pipeline.errors import CorpusError
from pipeline.model.evaluate import evaluate, macro_f1, measure, paired_difference, plain_baseline
from pipeline.model.score import Scorer


def test_figures_equal_scikit_learns(taxonomy):
    rng = np.random.default_rng(2)
    truth = rng.random((300, len(taxonomy.columns))) < 0.2
    called = truth ^ (rng.random(truth.shape) < 0.1)
    figures = measure(truth, called, taxonomy, rounds=50)
    for j, (_, label) in enumerate(taxonomy.columns):
        row = figures["labels"][label]
        for name, of in (("precision", precision_score), ("recall", recall_score), ("f1", f1_score)):
            assert row[name][0] == pytest.approx(of(truth[:, j], called[:, j]), abs=1e-4)
            assert row[name][1] <= row[name][0] <= row[name][2]
    for scheme, block in taxonomy.blocks:
        macro = f1_score(truth[:, block], called[:, block], average="macro")
        assert figures["schemes"][scheme.id]["macro_f1"][0] == pytest.approx(macro, abs=1e-4)


def test_texts_of_one_situation_are_one_observation(taxonomy):
    rng = np.random.default_rng(3)
    truth = rng.random((60, len(taxonomy.columns))) < 0.3
    called = truth ^ (rng.random(truth.shape) < 0.2)
    situations = [str(i) for i in range(60)]
    once = measure(truth, called, taxonomy, groups=situations, rounds=200)
    copied = [np.repeat(m, 5, 0) for m in (truth, called)]
    five = measure(*copied, taxonomy, groups=np.repeat(situations, 5).tolist(), rounds=200)
    for scheme, found in once["schemes"].items():
        assert five["schemes"][scheme]["micro_f1"] == found["micro_f1"]
    assert five["problem"] == once["problem"]
    assert once == measure(truth, called, taxonomy, rounds=200)


def test_the_situations_are_those_of_the_texts(taxonomy, some_gold):
    """Of a model that finds every other label, on texts that come five times."""
    once = [dataclasses.replace(g, group=str(i)) for i, g in enumerate(some_gold[:80])]
    five = [dataclasses.replace(g, id=f"{g.id}-{n}") for n in range(5) for g in once]
    columns = np.arange(len(taxonomy.columns) + 1)
    of = {g.text: row for g, row in zip(once, label_matrix(once, taxonomy), strict=True)}
    scorer = SimpleNamespace(
        bundle=SimpleNamespace(taxonomy=taxonomy, id="m"),
        probabilities=lambda texts: np.array([[*of[t], of[t].any()] for t in texts]) * (columns % 2),
        decide=lambda probabilities: probabilities[:, :-1] > 0,
    )
    of_few, of_many = (evaluate(scorer, gold, rounds=100)["schemes"] for gold in (once, five))
    assert all(of_many[s]["micro_f1"] == of_few[s]["micro_f1"] for s in of_few)


def test_rare_labels_stay_out_of_the_macro_average(taxonomy):
    truth = np.zeros((50, len(taxonomy.columns)), bool)
    truth[:10, 0] = True
    truth[:4, 1] = True
    figures = measure(truth, truth, taxonomy, rounds=10)
    assert [v["labels_counted"] for v in figures["schemes"].values()] == [1, 0]
    assert figures["schemes"][taxonomy.schemes[1].id]["macro_f1"] is None


def test_without_a_text_that_has_no_label_there_is_no_rate_of_false_alarms(taxonomy):
    truth = np.zeros((20, len(taxonomy.columns)), bool)
    truth[:, 0] = True
    assert measure(truth, truth, taxonomy, rounds=10)["problem"]["false_alarm_rate"] is None
    truth[0] = False
    assert measure(truth, truth, taxonomy, rounds=10)["problem"]["false_alarm_rate"][0] == 0


def test_a_difference_has_the_interval_of_its_own_figure(taxonomy):
    first, second = taxonomy.schemes
    rng = np.random.default_rng(4)
    truth, other = np.zeros((2, 200, len(taxonomy.columns)), bool)
    # Many a sample draws fewer of them than count.
    truth[:6, 0] = True
    other[:, 0] = truth[:, 0] & (rng.random(200) < 0.5)
    groups = [str(i) for i in range(200)]
    found = paired_difference(truth, truth, other, groups, taxonomy)
    value, low, high = found[first.id]
    assert value == macro_f1(truth, truth, taxonomy)[first.id] - macro_f1(truth, other, taxonomy)[first.id]
    assert 0 <= low < value < high <= 1
    assert second.id not in found
    copied = paired_difference(*(np.repeat(m, 5, 0) for m in (truth, truth, other)), np.repeat(groups, 5), taxonomy)
    assert copied[first.id] == pytest.approx(found[first.id])


def test_false_alarms_are_the_problems_among_the_innocent(bundle, words, some_gold):
    eager = (*bundle.heads[:-1], dataclasses.replace(bundle.heads[-1], threshold=0.02))
    scorer = Scorer(dataclasses.replace(bundle, heads=eager), words)
    innocent = [Document(g.id, g.text) for g in some_gold if not g.positive]
    alarms = sum(p.is_problem for p in scorer.score(innocent)) / len(innocent)
    assert evaluate(scorer, some_gold, rounds=10)["problem"]["false_alarm_rate"][0] == pytest.approx(alarms, abs=1e-4)


def test_the_model_beats_the_plain_baseline_on_unseen_texts(scorer, some_gold, strangers, taxonomy):
    unseen = strangers[:300]
    ours = evaluate(scorer, unseen, rounds=20)
    plain = plain_baseline(some_gold, unseen, taxonomy, rounds=20, reference=False)
    assert ours["problem"]["f1"][0] > plain["problem"]["f1"][0]
    assert all(ours["schemes"][s]["micro_f1"][0] > plain["schemes"][s]["micro_f1"][0] for s in ours["schemes"])


def test_no_texts_are_refused(scorer):
    """An office's own corpus often has no test part."""
    with pytest.raises(CorpusError, match="ZF-EVALUATE-EMPTY"):
        evaluate(scorer, [])
