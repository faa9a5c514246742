from dataclasses import replace

import numpy as np
import pytest

from pipeline.analyst.held_out import text_matrix
from pipeline.corpus.gold import Gold
from pipeline.model.bundle import load_bundle
from pipeline.model.experts import share_texts
from pipeline.model.recipe import Expert, Settings
from pipeline.model.train import train

LETTERS = ("message_board", "hotline_ticket", "petition_letter")


def test_the_gate_sends_each_text_to_its_expert(scorer, gold, some_gold):
    known = {g.group for g in some_gold}
    unseen = [g for g in gold if g.group not in known][::40]
    expert = scorer.bundle.weights.choose(text_matrix(scorer, [g.text for g in unseen]))
    letter = np.array([g.register in LETTERS for g in unseen])
    # A letter must hardly ever be read as an office's paper; the other way does less harm.
    assert (expert[letter] == 0).mean() > 0.95
    assert (expert[~letter] == 1).mean() > 0.6


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


def test_a_corpus_without_registers_is_learned(some_gold, taxonomy, words, corpora, tmp_path):
    source = (corpora / "taxonomy.toml").read_bytes()
    plain = [replace(g, register="") for g in some_gold[::2]]
    path = train(taxonomy=taxonomy, taxonomy_source=source, gold=plain, words=words, out=tmp_path)
    assert load_bundle(path).weights.gate.shape[1] == 0
