import dataclasses
import shutil

import pytest

from pipeline.errors import BundleError, CorpusError, UnfinishedError
from pipeline.model.adapt import adapt
from pipeline.model.bundle import load_bundle
from pipeline.model.evaluate import problem_f1
from pipeline.model.local import compare_expected
from pipeline.model.promote import first, objections, promote
from pipeline.model.registry import champion_id
from pipeline.model.score import Scorer


@pytest.fixture(scope="module")
def reviewed(gold, some_gold):
    known = {g.group for g in some_gold}
    return [g for g in gold if g.group not in known][::30][:300]


@pytest.fixture(scope="module")
def made(scorer, reviewed, tmp_path_factory):
    """An adapted model, and decisions to expect of it that are the live model's own."""
    path, expected = adapt(scorer, reviewed, tmp_path_factory.mktemp("adapted"))
    return path, dataclasses.replace(expected, after=expected.before)


@pytest.fixture
def gate(models, trained, made, scorer, reviewed):
    """Try to make the adapted model live with these decisions; return what was said against it."""
    path, expected = made
    shutil.copytree(path, models / path.name)
    first(models, trained.name, author="甲")

    def put(after):
        found = compare_expected(scorer, load_bundle(path), reviewed, dataclasses.replace(expected, after=after))
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


def test_nothing_adapted_goes_live_uncompared_or_compared_with_another(gate, made, models, scorer, reviewed):
    path, expected = made
    with pytest.raises(BundleError, match="ZF-PROMOTE-REFUSED") as refused:
        promote(models, path.name, author="乙", action="adapt")
    assert refused.value.details == ("没有与在用模型比较过",)
    found = compare_expected(scorer, load_bundle(path), reviewed, expected)
    other = dataclasses.replace(found, a=dataclasses.replace(found.a, model="another"))
    with pytest.raises(UnfinishedError, match="ZF-PROMOTE-CHANGED"):
        promote(models, path.name, author="乙", found=other, action="adapt")


def test_the_live_model_is_not_measured_on_what_it_was_adapted_to(scorer, reviewed, words, tmp_path):
    live = Scorer(load_bundle(adapt(scorer, reviewed[:150], tmp_path)[0]), words)
    path, expected = adapt(scorer, reviewed, tmp_path)
    found = compare_expected(live, load_bundle(path), reviewed, expected)
    others = live.decide(live.probabilities([g.text for g in reviewed[150:]]))
    assert found.texts == len(reviewed) - 150
    rows = {r.name: r.contrast.a for r in found.rows if r.kind == "problem"}
    assert rows["problem"] == pytest.approx(problem_f1(expected.truth[150:], others))
    path, expected = adapt(scorer, reviewed[:190], tmp_path)
    with pytest.raises(CorpusError, match="ZF-ADAPT-SEEN"):
        compare_expected(live, load_bundle(path), reviewed[:190], expected)
