import json
from dataclasses import replace

import numpy as np
import pytest

from pipeline.documents import Evidence
from pipeline.errors import BundleError, CorpusError
from pipeline.model.bundle import NEVER, load_bundle
from pipeline.model.compare import compare
from pipeline.model.score import Scorer
from pipeline.reports.comparison import comparison_chart, comparison_page, comparison_tables
from pipeline.taxonomy import parse_taxonomy


@pytest.fixture(scope="module")
def common(unseen):
    """The label most texts of the unseen ones have."""
    labels = [label for g in unseen for given in g.labels.values() for label in given]
    return max(set(labels), key=labels.count)


@pytest.fixture(scope="module")
def pair(scorer, variant, raised, common, words, tmp_path_factory):
    """The small model and one that never decides that label."""
    made = variant(tmp_path_factory.mktemp("b"), raised(common, lambda t: NEVER), adapted={"promise": 0.0})
    return scorer, Scorer(load_bundle(made), words)


@pytest.fixture(scope="module")
def found(pair, unseen):
    return compare(*pair, unseen, speed=False)


def test_a_label_never_decided_any_more_falls_and_only_it(found, common):
    assert [r.name for r in found.falls if r.kind == "label"] == [common]
    row = next(r for r in found.rows if r.name == common)
    assert row.contrast.b == 0 < row.contrast.a
    assert row.contrast.high < 0
    assert {f.label for f in found.flips} == {common}
    assert {f.decided_by for f in found.flips} == {"A"}


def test_flips_say_who_is_right_and_show_the_words(found, unseen, common):
    gold = {g.id: g for g in unseen}
    for f in found.flips:
        given = {label for labels in gold[f.id].labels.values() for label in labels}
        assert f.truth == (common in given)
        assert f.better != f.truth  # B decides nothing, so it is right where nothing is
        assert f.evidence
        assert all(gold[f.id].text[e.start : e.end] == e.quote for e in f.evidence)
    assert sum(not f.better for f in found.flips) > 0


def test_slices_hold_every_text_once(found, unseen):
    for kind in ("register", "length"):
        mine = [s for s in found.slices if s.kind == kind]
        assert sum(s.texts for s in mine) == len(unseen)
        assert sum(s.innocent for s in mine) == sum(not g.positive for g in unseen)


def test_a_model_equals_itself(scorer, unseen):
    found = compare(scorer, scorer, unseen)
    assert found.flips == ()
    assert found.falls == []
    assert all(r.contrast.p == 1 and r.contrast.difference == 0 for r in found.rows)
    assert min(found.a.speed, found.b.speed) > 0
    np.testing.assert_equal(found.a.calibration_error, found.b.calibration_error)


def test_the_report_is_one_page_that_runs_nothing_and_escapes_texts(found):
    html = comparison_page(found)
    assert "<script" not in html
    assert "http-equiv" not in html
    assert html.count("<svg") == 1
    assert "显著下降" in html
    short = comparison_tables(found, flips=3)[-1]
    assert len(short.rows) == 3
    json.dumps(found.to_dict())


def test_of_a_label_that_nothing_has_no_f1_is_shown(pair, unseen, common):
    none = [g for g in unseen if not any(common in labels for labels in g.labels.values())]
    found = compare(*pair, none, speed=False)
    name = found.taxonomy.label(common).name
    rows = next(t for t in comparison_tables(found, flips=0) if t.head[1] == "正例").rows
    assert next(row for row in rows if row[0] == name)[1:] == ("0", *["–"] * 5, "没有正例")
    assert name not in comparison_chart(found).svg


def test_personal_data_in_flipped_texts_are_starred_out(found):
    number = "13812345678"
    flip = found.flips[0]
    quoted = flip.evidence[0]
    inside = Evidence(quoted.label, quoted.start, quoted.end + len(number), quoted.quote + number, quoted.weight)
    cut = f"{'远' * 54}，{number}"
    flips = (
        # Beside the evidence and reaching out of what is shown, in it, and where there is no evidence.
        replace(flip, text=flip.text[: quoted.end] + "，" * 15 + number),
        replace(flip, text=flip.text[: quoted.end] + number, evidence=(inside,)),
        replace(flip, text=cut, evidence=()),
    )
    shown = [row[-1] for row in comparison_tables(replace(found, flips=flips), flips=3)[-1].rows]
    assert [("138" in words, "***" in words) for words in shown] == [(False, True)] * 3
    assert quoted.quote[:20] in shown[0]


def test_different_labels_or_no_texts_are_refused(scorer, unseen, bundle, words):
    raw = b'id = "x"\nversion = "1"\n[[schemes]]\nid = "s"\nname = "S"\n[[schemes.labels]]\nid = "a"\nname = "A"\n'
    other = Scorer(replace(bundle, taxonomy=parse_taxonomy(raw)), words)
    with pytest.raises(BundleError, match="ZF-COMPARE-TAXONOMY"):
        compare(scorer, other, unseen)
    with pytest.raises(CorpusError, match="ZF-COMPARE-EMPTY"):
        compare(scorer, scorer, [])


def test_what_only_stands_in_breaks_no_promise(bundle, scorer, unseen):
    """Where a scheme must not stay empty something is decided, but what no threshold reaches is left to people."""
    first, *others = bundle.taxonomy.schemes
    heads = tuple(replace(h, threshold=NEVER) if j < len(first.labels) else h for j, h in enumerate(bundle.heads))
    taxonomy = replace(bundle.taxonomy, schemes=(replace(first, kind="exclusive"), *others))
    about = {**bundle.manifest, "adapted": {"promise": 0.9}}
    promising = scorer.reading_as(replace(bundle, heads=heads, taxonomy=taxonomy, manifest=about))
    found = compare(promising, promising, unseen[::10], speed=False, rounds=20)
    assert [k.called for k in found.promise_b[: len(first.labels)]] == [0] * len(first.labels)
    assert sum(k.called for k in found.promise_b) > 0
