import dataclasses
import shutil

import numpy as np
import pytest

from pipeline.errors import BundleError, CorpusError
from pipeline.model.adapt import expect
from pipeline.model.bundle import load_bundle
from pipeline.model.compare import compare
from pipeline.model.evaluate import problem_f1
from pipeline.model.local import compare_at_home
from pipeline.model.promote import first, objections, promote
from pipeline.model.registry import champion_id


@pytest.fixture(scope="module")
def made(adapted):
    """An adapted model, and decisions to expect of it that are the live model's own."""
    path, expected = adapted
    return path, dataclasses.replace(expected, after=expected.before)


@pytest.fixture
def gate(models, trained, made, scorer, reviewed):
    """Try to make the adapted model live with these decisions; return what was said against it."""
    path, expected = made
    shutil.copytree(path, models / path.name)
    first(models, trained.name, author="甲")
    adapted = scorer.reading_as(load_bundle(path))

    def put(after):
        said = dataclasses.replace(expected, after=after)
        found = compare_at_home(scorer, adapted, reviewed, None, expected=said, speed=False)
        promote(models, path.name, author="乙", found=found, action="adapt")
        return found

    return put


def test_an_adaptation_that_loses_a_label_is_refused(gate, made, taxonomy, models, trained):
    _, expected = made
    worst = int((expected.truth & expected.before).sum(0).argmax())
    after = expected.before.copy()
    after[:, worst] = False
    with pytest.raises(BundleError, match="ZF-PROMOTE-REFUSED") as refused:
        gate(after)
    name = taxonomy.label(taxonomy.columns[worst][1]).name
    assert any(f"“{name}”的 F1 显著下降" in d for d in refused.value.details)
    assert champion_id(models) == trained.name


def test_one_that_only_looks_worse_by_chance_is_let_through(gate, made, models):
    path, expected = made
    hits = expected.truth & expected.before
    label = int(hits.sum(0).argmax())
    after = expected.before.copy()
    after[hits[:, label].nonzero()[0][0], label] = False
    found = gate(after)
    assert next(r for r in found.rows if r.name == found.taxonomy.columns[label][1]).contrast.difference < 0
    assert objections(found) == []
    assert champion_id(models) == path.name


def row(found):
    return next(r.contrast for r in found.rows if r.kind == "problem")


def test_what_a_model_was_adapted_to_is_no_test_of_it(scorer, reviewed, half):
    origin = {scorer.bundle.id: scorer}.__getitem__
    home, expected = half
    # It knows the answers; what cross-validation says of the same texts is what to expect of others.
    known = compare(scorer, home, reviewed[:150], speed=False)
    honest = compare_at_home(scorer, home, reviewed[:150], origin, speed=False)
    labels = [sum(r.contrast.b for r in found.rows if r.kind == "label") for found in (known, honest)]
    assert labels[0] > labels[1] + 0.5
    assert row(honest).b == pytest.approx(problem_f1(expected.truth, expected.after))
    assert (known.source, honest.source) == ("gold", "reviews")
    # Of more texts those it does not know are enough.
    fresh = compare_at_home(scorer, home, reviewed, origin, speed=False)
    assert (fresh.source, fresh.texts) == ("gold", len(reviewed) - 150)
    with pytest.raises(CorpusError, match="ZF-ADAPT-SEEN") as refused:
        compare_at_home(scorer, home, reviewed[:120], origin, speed=False)
    assert "120 条里有 120 条" in refused.value.message

    def gone(name):
        raise BundleError("ZF-MODEL-MISSING", name)

    with pytest.raises(CorpusError, match="ZF-ADAPT-SEEN"):
        compare_at_home(scorer, home, reviewed[:150], gone, speed=False)


def test_the_live_model_is_not_measured_on_what_it_was_adapted_to(scorer, reviewed, half, adapted):
    origin = {scorer.bundle.id: scorer}.__getitem__
    live, (path, expected) = half[0], adapted
    new = scorer.reading_as(load_bundle(path))
    found = compare_at_home(live, new, reviewed, origin, expected=expected, speed=False)
    others = live.decide(live.probabilities([g.text for g in reviewed[150:]]))
    assert found.texts == len(reviewed) - 150
    assert row(found).a == pytest.approx(problem_f1(expected.truth[150:], others))
    # Where hardly any are new both are held out: one trained anew can be at home with the reviews of the old one.
    found = compare_at_home(live, new, reviewed[:160], origin, expected=expected.take(slice(160)), speed=False)
    assert (found.source, found.texts) == ("reviews", 160)
    # The old one is not said to have learned from what is new to it.
    old = expect(scorer, reviewed[:160], learned=np.arange(160) < 150)
    assert row(found).a == pytest.approx(problem_f1(expected.truth[:160], old.after))
    assert (old.likely != expect(scorer, reviewed[:160]).likely).all(1).mean() > 0.9


def test_near_copies_of_what_was_learned_are_no_news(scorer, reviewed, half):
    origin = {scorer.bundle.id: scorer}.__getitem__
    home = half[0]
    copies = [dataclasses.replace(g, id=f"{g.id}-2", text=f"您好。{g.text}") for g in reviewed[:60]]
    found = compare_at_home(scorer, home, [*reviewed[:150], *copies], origin, speed=False)
    assert (found.source, found.texts) == ("reviews", 210)
    others = [dataclasses.replace(g, group=g.id) for g in copies]
    found = compare_at_home(scorer, home, [*reviewed[:150], *others], origin, speed=False)
    assert (found.source, found.texts) == ("gold", 60)
