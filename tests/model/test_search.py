import numpy as np
import pytest

from pipeline.corpus.gold import Gold
from pipeline.errors import CorpusError
from pipeline.model import search as module
from pipeline.model.features import Features
from pipeline.model.recipe import Settings
from pipeline.model.search import candidates, neighbours, search, trusted_f1
from pipeline.taxonomy import parse_taxonomy
from pipeline.text.segment import RjiebaSegmenter

TAXONOMY = parse_taxonomy(
    """
id = "toy"
version = "1"
title = "试"
[[schemes]]
id = "main"
name = "类"
kind = "exclusive"
[[schemes.labels]]
id = "road"
name = "路"
[[schemes.labels]]
id = "water"
name = "水"
""".encode()
)
BASE = Settings(jobs=1)


@pytest.fixture(scope="module")
def toy():
    """Texts whose first sentence says what they are about, and whose body is the same talk for all."""
    rng = np.random.default_rng(0)
    titles = {"road": ["路坏了", "修路", "路面有坑"], "water": ["停水了", "水管漏", "水质差"]}
    found = []
    for i in range(120):
        label = ("road", "water")[i % 2]
        body = "。".join(rng.choice([*titles["road"], *titles["water"]], 6).tolist())
        text = f"{rng.choice(titles[label])}。{body}。"
        found.append(Gold(id=str(i), text=text, labels={"main": (label,)}, group=f"g{i // 3}"))
    return found


def test_candidates_stand_in_a_fixed_order_and_begin_with_what_was_given():
    assert candidates(BASE)[0] == BASE
    assert candidates(BASE) == candidates(BASE)
    assert candidates(BASE, 5) == candidates(BASE)[:5]
    assert len(set(map(repr, candidates(BASE)))) == module.FIRST


def test_neighbours_turn_one_setting_each():
    for axis in neighbours(BASE):
        for other in axis:
            turned = [n for n in module.TURNED if getattr(other, n) != getattr(BASE, n)]
            assert turned
            assert set(turned) <= {"word_n", "char_shortest", "char_longest"} or len(turned) == 1


def test_the_same_budget_gives_the_same_settings(toy, monkeypatch):
    monkeypatch.setattr(module, "FIRST", 6)
    monkeypatch.setattr(module, "candidates", lambda base: candidates(base, 6))
    told = []
    best, trials = search(toy, TAXONOMY, {}, None, BASE, minutes=0.0015, progress=told.append)
    again = search(toy, TAXONOMY, {}, None, Settings(jobs=2), minutes=0.0015)[1]
    assert [t.to_dict() for t in trials] == [t.to_dict() for t in again]
    assert best == trials[0].settings
    sizes = [t.texts for t in trials]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) > 1
    # What was given is tried to the end, so that what is chosen is no worse on the same texts.
    last = [t for t in trials if t.texts == sizes[0]]
    assert BASE in [t.settings for t in last]
    assert trials[0].score == max(t.score for t in last)
    assert len(told) == module.RUNGS + 1


def test_groups_stay_whole_and_smaller_samples_are_in_larger(toy):
    small, large = ({g.id for g in module._some(toy, n, BASE)} for n in (700, 3000))
    assert small < large
    for g in toy:
        assert {h.id in small for h in toy if h.group == g.group} == {g.id in small}


def test_features_of_a_candidate_are_those_a_training_would_have(toy):
    sample = module._sample(toy, TAXONOMY, {}, None, BASE)
    inside = sample.fold != 0
    segmenter = RjiebaSegmenter({})
    texts = [g.text for g, keep in zip(toy, inside, strict=True) if keep]
    for settings in (Settings(), Settings(word_n=0, char_shortest=2, char_longest=3), Settings(word_n=1, min_texts=5)):
        features, kept = module._kept(sample, settings, inside)
        mine = features.weigh(sample.counts[inside][:, kept])
        given = Features(
            word_n=settings.word_n, char_n=(settings.char_shortest, settings.char_longest), min_texts=settings.min_texts
        ).fit(texts, segmenter)
        theirs = given.transform(texts, segmenter)
        assert mine.shape == theirs.shape
        np.testing.assert_allclose((mine @ mine.T).toarray(), (theirs @ theirs.T).toarray(), atol=1e-9)


def test_a_title_that_says_it_all_is_counted_again(toy):
    """Bodies are noise here: with the same c, counting the title again is better."""
    sample = module._sample(toy, TAXONOMY, {}, None, BASE)
    plain, leading = (module._try(sample, Settings(c=0.125, lead=lead), TAXONOMY) for lead in (0.0, 4.0))
    assert leading.score > plain.score


def test_a_handful_of_texts_is_no_ground_for_a_search(toy):
    with pytest.raises(CorpusError, match="不够做"):
        search(toy[:9], TAXONOMY, {}, None, BASE, minutes=0.01)


def test_of_a_rare_label_settings_are_hardly_chosen():
    truth = np.zeros((4000, 2), bool)
    truth[:1000, 0] = truth[:3, 1] = True
    called = truth.copy()
    called[:3, 1] = False
    assert 0.95 < trusted_f1(truth, called) < 1
    called = truth.copy()
    called[:1000, 0] = False
    assert trusted_f1(truth, called) < 0.05
    assert trusted_f1(truth[:, :0], truth[:, :0]) == trusted_f1(truth & False, truth) == 0
