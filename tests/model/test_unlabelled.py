from dataclasses import replace

import numpy as np
import pytest

from pipeline.corpus.gold import Gold, label_matrix
from pipeline.model.bundle import NEVER, load_bundle
from pipeline.model.recipe import Expert, read_settings
from pipeline.model.score import Scorer
from pipeline.model.train import train
from pipeline.model.unlabelled import HIGHEST, LOWEST, guess_labels


@pytest.fixture(scope="module")
def settings(corpora):
    return replace(read_settings(corpora / "training.toml"), jobs=1)


@pytest.fixture(scope="module")
def unseen(gold, some_gold):
    known = {g.group for g in some_gold}
    return [g for g in gold if g.group not in known][::25]


@pytest.fixture(scope="module")
def guessed(scorer, unseen, settings, some_gold):
    return guess_labels(scorer, [*(g.text for g in unseen), unseen[0].text, " "], settings, some_gold)


def test_only_texts_without_doubt_are_guessed(scorer, guessed, unseen):
    assert 0 < len(guessed) < len(unseen)
    assert len({g.text for g in guessed}) == len(guessed)
    scores = scorer.probabilities([g.text for g in guessed])[:, :-1]
    assert not ((scores > LOWEST) & (scores < HIGHEST)).any()
    for g, likely in zip(guessed, scores, strict=True):
        named = {label for labels in g.labels.values() for label in labels}
        assert named == {label for (_, label), p in zip(scorer.columns, likely, strict=True) if p >= HIGHEST}


@pytest.mark.parametrize(("kind", "allowed"), [("exclusive", {1}), ("multi-at-least-one", {1, 2, 3})])
def test_a_guess_has_as_many_labels_as_its_scheme_allows(scorer, unseen, settings, some_gold, kind, allowed):
    taxonomy = scorer.bundle.taxonomy
    schemes = (replace(taxonomy.schemes[0], kind=kind), *taxonomy.schemes[1:])
    other = scorer.reading_as(replace(scorer.bundle, taxonomy=replace(taxonomy, schemes=schemes)))
    texts = [g.text for g in unseen]
    free, bound = (guess_labels(s, texts, settings, some_gold) for s in (scorer, other))
    first = schemes[0].id
    assert bound == [g for g in free if len(g.labels[first]) in allowed]
    assert 0 < len(bound) < len(free)


def test_a_guess_has_the_register_of_its_expert(guessed, settings, gold):
    firsts = [e.registers[0] for e in settings.experts]
    assert {g.register for g in guessed} == set(firsts)
    paper = {g.text for g in gold if g.register in settings.experts[1].registers}
    mine = np.array([g.text in paper for g in guessed])
    read = np.array([g.register == firsts[1] for g in guessed])
    assert mine[read].mean() > mine[~read].mean() + 0.3


def test_no_guess_has_the_register_of_an_expert_without_texts(scorer, guessed, unseen, settings, some_gold):
    """The model's first expert is not the first of the settings where no text has that one's registers."""
    more = replace(settings, experts=(Expert(("phone_call",)), *settings.experts))
    assert guess_labels(scorer, [g.text for g in unseen], more, some_gold) == guessed


def test_a_promise_is_borne_out_by_people_alone(some_gold, taxonomy, words, corpora, settings, tmp_path):
    """Of one label there are hundreds of guesses that come true; of labels that people gave, too few for a promise."""
    scheme, label = taxonomy.columns[0]
    assert sum(label in g.labels[scheme] for g in some_gold) < 50
    own = {s.id: (label,) if s.id == scheme else () for s in taxonomy.schemes}
    guesses = [Gold(f"guess-{i}", f"窗口推诿不办，第{i}次去还是老样子。", own, f"guess-{i}") for i in range(300)]
    path = train(
        taxonomy=taxonomy, taxonomy_source=(corpora / "taxonomy.toml").read_bytes(), gold=some_gold, guessed=guesses,
        words=words, out=tmp_path, settings=replace(settings, promise=0.9),
    )  # fmt: skip
    assert load_bundle(path).heads[0].threshold == NEVER


def test_nothing_to_guess_is_no_mistake(scorer, settings, some_gold):
    assert guess_labels(scorer, ["", "  "], settings, some_gold) == []


def test_guesses_are_learned_from_and_told(scorer, some_gold, guessed, taxonomy, words, corpora, settings, tmp_path):
    source = (corpora / "taxonomy.toml").read_bytes()
    # As the small model was trained: with no part of its own to be tested on.
    gold = [replace(g, part="") for g in some_gold]
    common = {"taxonomy": taxonomy, "taxonomy_source": source, "gold": gold, "words": words, "settings": settings}
    bundle = load_bundle(train(**common, guessed=guessed, out=tmp_path))
    assert bundle.manifest["corpus"] == scorer.bundle.manifest["corpus"]
    assert bundle.manifest["guessed"]["texts"] == len(guessed)
    texts = [g.text for g in guessed]
    before, after = scorer.probabilities(texts), Scorer(bundle, words).probabilities(texts)
    truth = label_matrix(guessed, taxonomy)
    assert after[:, :-1][truth].mean() > before[:, :-1][truth].mean()
