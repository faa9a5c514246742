"""At home without a label: all of an office's texts are as strange as the middle one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logit

from pipeline.errors import CorpusError
from pipeline.model.accustom import FEWEST, accustom, on_corpus
from pipeline.model.adapt import adapt
from pipeline.model.bundle import load_bundle

STRANGE = "渡口舢板捞起鲟鳇，晒盐翁煨芋，箬笠斜挂桅杆。"


@pytest.fixture(scope="module")
def archive(unseen):
    """Some of a writer nobody knows, more of those who wrote the corpus."""
    return [STRANGE * (2 + i) for i in range(40)] + [g.text for g in unseen[:60]]


@pytest.fixture(scope="module")
def home(scorer, archive, tmp_path_factory):
    return scorer.reading_as(load_bundle(accustom(scorer, archive, tmp_path_factory.mktemp("home"))[0]))


@pytest.fixture(scope="module")
def at_home(home, unseen, tmp_path_factory):
    """The same after reviews."""
    return home.reading_as(load_bundle(adapt(home, unseen[:120], tmp_path_factory.mktemp("reviewed"))[0]))


def test_all_texts_are_as_strange_as_the_middle_one(scorer, archive, tmp_path):
    everyone = replace(scorer.bundle.wording, allowed=(1.0, 1.0))
    alone = np.sort(scorer.reading_as(replace(scorer.bundle, wording=everyone)).strangeness(archive))
    path, level = accustom(scorer, [*archive, *archive, " "], tmp_path)
    assert alone[0] < level < alone[-1]
    assert level == pytest.approx(np.median(alone), abs=0.01)
    home = scorer.reading_as(load_bundle(path))
    allowed = scorer.bundle.wording.allowed
    assert set(home.strangeness([*archive, "一句没有见过的话"]).round(6)) <= {round(level * a, 6) for a in allowed}
    assert home.bundle.manifest["accustomed"] == {
        "from": scorer.bundle.id, "documents": len(archive),
        "sha256": home.bundle.manifest["accustomed"]["sha256"],
    }  # fmt: skip


def test_the_order_of_texts_and_copies_change_nothing_and_it_loses_no_other_thing(scorer, archive, tmp_path):
    path, _ = accustom(scorer, archive, tmp_path / "a")
    again, _ = accustom(scorer, [*archive[::-1], archive[0]], tmp_path / "b")
    assert path.name == again.name
    home, base = load_bundle(path), scorer.bundle
    assert (home.heads, home.taxonomy) == (base.heads, base.taxonomy)
    assert home.manifest["settings"] == base.manifest["settings"]
    # Where the base took a text for just as strange, both say the same of it.
    same = replace(base, wording=replace(base.wording, level=home.wording.level))
    texts = archive[::9]
    np.testing.assert_array_equal(
        scorer.reading_as(home).probabilities(texts), scorer.reading_as(same).probabilities(texts)
    )


def test_the_stranger_an_archive_the_more_is_found_in_it(scorer, unseen, tmp_path):
    known = [g.text for g in unseen[:80]]
    homes = [accustom(scorer, texts, tmp_path) for texts in (known, [STRANGE * (2 + i) for i in range(FEWEST)])]
    assert homes[0][1] < homes[1][1]
    low, high = (logit(scorer.reading_as(load_bundle(path)).probabilities(known)) for path, _ in homes)
    assert (high >= low - 1e-6).all()
    assert (high - low).max() > 0.3


def test_too_few_texts_and_models_at_home_are_refused(scorer, archive, home, at_home, tmp_path):
    with pytest.raises(CorpusError, match="ZF-ADAPT-FEW"):
        accustom(scorer, archive[: FEWEST - 1] * 2, tmp_path)
    deaf = replace(scorer.bundle, heads=tuple(replace(h, strange=0.0) for h in scorer.bundle.heads))
    with pytest.raises(CorpusError, match="ZF-ADAPT-WORDING"):
        accustom(scorer.reading_as(deaf), archive, tmp_path)
    # Reviews may follow, and the model tells of both.
    reviewed = at_home.bundle
    assert reviewed.wording.level == 1
    assert reviewed.manifest["accustomed"] == home.bundle.manifest["accustomed"]
    assert reviewed.manifest["adapted"]["from"] == home.bundle.id
    with pytest.raises(CorpusError, match="ZF-ADAPT-WORDING"):
        accustom(at_home, archive, tmp_path)


def test_a_later_archive_sets_it_as_it_would_have_at_first(scorer, archive, home, unseen, tmp_path):
    later = [g.text for g in unseen[:80]]
    assert accustom(home, later, tmp_path) == accustom(scorer, later, tmp_path)
    assert accustom(home, archive, tmp_path)[0].name == home.bundle.id


def test_the_corpus_is_read_in_its_own_wording(scorer, home, at_home, unseen):
    texts = [g.text for g in unseen[:40]]
    assert (home.probabilities(texts) != scorer.probabilities(texts)).any()
    np.testing.assert_array_equal(on_corpus(home).probabilities(texts), scorer.probabilities(texts))
    assert on_corpus(at_home) is at_home
