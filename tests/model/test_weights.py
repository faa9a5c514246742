import json

import numpy as np
import pytest
from scipy import sparse

from pipeline.corpus.gold import Gold, parse_gold, read_gold
from pipeline.model.experts import LEAST_SURE, fit_heads, log_ratios, text_weights
from pipeline.model.recipe import Settings
from pipeline.model.weights import Weights


def test_what_people_disagreed_on_counts_less():
    gold = [Gold(id="1", text="路灯坏了", labels={}, sure=sure) for sure in (1.0, 0.75, 0.5, 0.2)]
    assert text_weights(gold, Settings()).tolist() == pytest.approx([1, 0.5, LEAST_SURE, LEAST_SURE])


def test_a_text_counts_what_its_file_does(taxonomy, tmp_path):
    record = {"text": "路灯坏了", "labels": {}}
    for name in ("messages", "own"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"id": name, **record}), encoding="utf-8")
    gold = read_gold(sorted(tmp_path.iterdir()), taxonomy)
    assert text_weights(gold, Settings(weights={"messages": 0.1})).tolist() == [0.1, 1.0]


@pytest.mark.parametrize("learner", ["svm", "ridge"])
def test_balance_lets_a_rare_label_speak_up(learner):
    rng = np.random.default_rng(0)
    truth = rng.random((400, 1)) < 0.05
    x = sparse.csr_matrix(np.hstack([truth + rng.normal(0, 1, (400, 1)), rng.normal(0, 1, (400, 3))]))
    found = []
    for balance in (0.0, 0.5, 1.0):
        coef, bias = fit_heads(x, truth, 0.5, learner=learner, balance=balance)
        found.append(float((x @ coef + bias > 0).mean()))
    assert found[0] < found[1] < found[2]
    plain = fit_heads(x, truth, 0.5, learner=learner)
    np.testing.assert_array_equal(plain[0], fit_heads(x, truth, 0.5, weight=np.ones(400), learner=learner)[0])


def test_a_column_tells_as_much_as_its_counts_differ_between_label_and_others():
    x = sparse.csr_matrix([[5.0, 1, 0], [2, 0, 0], [0, 1, 3], [0, 1, 9]])
    sign = np.array([[1, 1], [1, -1], [-1, 0], [-1, -1]], np.int8)
    found = log_ratios(x, sign)
    # Counted by hand: rows with the column plus one, as shares; a row of sign 0 is not there.
    own, others = np.array([3, 2, 1]) / 6, np.array([1, 3, 3]) / 7
    np.testing.assert_allclose(found[:, 0], abs(np.log(own / others)))
    own, others = np.array([2, 2, 1]) / 5, np.array([2, 2, 2]) / 6
    np.testing.assert_allclose(found[:, 1], abs(np.log(own / others)))


def test_a_text_without_weight_is_as_good_as_absent():
    rng = np.random.default_rng(1)
    x, truth = sparse.csr_matrix(rng.normal(size=(60, 4))), rng.random((60, 1)) < 0.5
    weight = np.where(np.arange(60) < 40, 1.0, 1e-6)
    kept = fit_heads(x, truth, 0.5, weight=weight, learner="ridge")
    alone = fit_heads(x[:40], truth[:40], 0.5, learner="ridge")
    np.testing.assert_allclose(kept[0], alone[0], atol=1e-2)


def test_gold_says_how_sure_people_were(taxonomy):
    record = {"id": "1", "text": "路灯坏了", "labels": {}}
    labels = {s.id: [] if s.kind == "multi" else [s.label_ids[0]] for s in taxonomy.schemes}
    for given, sure in ((None, 1.0), (0, 0.0), (0.66, 0.66)):
        gold, wrong = parse_gold({**record, "labels": labels, "sure": given}, taxonomy)
        assert (wrong, gold.sure) == ([], sure)
    for given in (True, 1.5, "0.5"):
        assert parse_gold({**record, "labels": labels, "sure": given}, taxonomy) == (None, ["sure 应为 0 到 1 的数"])


def test_each_row_is_rounded_to_half_a_grain_of_its_own():
    rng = np.random.default_rng(3)
    size = 2.0 ** rng.integers(-40, 40, 50)[:, None]
    coef, gate = rng.normal(0, 3, (2, 50, 4)) * size, rng.normal(0, 30, (50, 1)) * size
    coef[:, 7] = 0
    coef[1, 8], coef[1, 9], coef[1, 10] = 127, 127.001, 1e-30
    found = Weights.rounded(coef, np.zeros((2, 4)), coef[::-1] / 2, np.zeros((2, 4)), gate, np.zeros(1))
    for given, real, kept, exponent in (
        (coef, found.real_coef, found.coef, found.exponent),
        (coef[::-1] / 2, found.real_sentence_coef, found.sentence_coef, found.sentence_exponent),
        (gate, found.real_gate, found.gate, found.gate_exponent),
    ):
        assert (abs(real - given) <= 2.0 ** exponent[..., None] / 2).all()
        largest = abs(kept.astype(int)).max(-1)
        assert set(largest[abs(given).max(-1) > 1e-20] // 64) == {1}, "the finest that holds the largest"
    assert (found.exponent[1, [8, 9]].tolist(), found.coef[1, [8, 9]].max(1).tolist()) == ([0, 1], [127, 64])
    assert not found.coef[1, [7, 10]].any(), "nothing, and next to nothing"


def test_what_was_rounded_is_rounded_to_itself():
    rng = np.random.default_rng(5)
    coef, gate = rng.normal(0, 3, (2, 50, 4)), rng.normal(size=(50, 2))
    once = Weights.rounded(coef, np.zeros((2, 4)), coef / 3, np.zeros((2, 4)), gate, np.zeros(2))
    again = Weights.rounded(once.real_coef, once.bias, once.real_sentence_coef, once.bias, once.real_gate, np.zeros(2))
    for name, value in vars(once).items():
        np.testing.assert_array_equal(getattr(again, name), value)


def test_texts_are_read_by_the_coefficients_of_their_expert():
    rng = np.random.default_rng(4)
    coef, gate = rng.normal(0, 3, (2, 50, 4)), rng.normal(size=(50, 1))
    found = Weights.rounded(coef, rng.normal(size=(2, 4)), coef / 2, np.zeros((2, 4)), gate, np.ones(1))
    x = sparse.random(7, 50, 0.2, "csr", rng=rng)
    expert = np.arange(7) % 2
    expected = np.stack([x.toarray()[i] @ found.real_coef[i % 2] + found.bias[i % 2] for i in range(7)])
    np.testing.assert_allclose(found.read(x, expert), expected, atol=1e-12)
    expected = np.stack([x.toarray()[i] @ found.real_sentence_coef[i % 2] for i in range(7)])
    np.testing.assert_allclose(found.read(x, expert, sentences=True), expected, atol=1e-12)
    assert found.choose(x)[0].tolist() == (x @ found.real_gate[:, 0] + 1 > 0).astype(int).tolist()
    np.testing.assert_array_equal(found.rows(1, np.array([3, 3, 8])), found.real_coef[1, [3, 3, 8]])
