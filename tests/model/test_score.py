import dataclasses
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit

from pipeline.analyst.held_out import text_matrix
from pipeline.documents import Document
from pipeline.errors import CorpusError
from pipeline.model.bundle import NEVER, load_bundle
from pipeline.model.explain import _best_run, character_weights
from pipeline.model.score import Scorer, batches
from pipeline.model.train import Settings, train
from pipeline.taxonomy import parse_taxonomy
from pipeline.text.clean import clean

ODD = ["", "。", "😀", "\x00\ud800", "\u200f\u202e", "a" * 3000, "路" * 2000]


def test_predictions_keep_the_contract(scorer, some_gold):
    documents = [Document(g.id, g.text) for g in some_gold[:80]]
    predictions = scorer.score(documents)
    assert [p.id for p in predictions] == [d.id for d in documents]
    assert any(p.evidence for p in predictions)
    for d, p in zip(documents, predictions, strict=True):
        out = p.to_dict()
        decided = [x["id"] for s in scorer.bundle.taxonomy.schemes for x in out[s.id]]
        assert {e["label"] for e in out["evidence"]} == set(decided)
        assert all(d.text[e["start"] : e["end"]] == e["quote"] for e in out["evidence"])
        for s in scorer.bundle.taxonomy.schemes:
            assert list(out["scores"][s.id]) == list(s.label_ids)
            assert all(0 <= v <= 1 for v in out["scores"][s.id].values())
            values = [x["score"] for x in out[s.id]]
            assert values == sorted(values, reverse=True)
        assert out["is_problem"] == bool(decided)


def test_conduct_that_no_label_names_is_left_to_a_person(bundle, words, some_gold):
    never = tuple(dataclasses.replace(h, threshold=NEVER, ask=NEVER) for h in bundle.heads[:-1])
    nameless = Scorer(dataclasses.replace(bundle, heads=(*never, bundle.heads[-1])), words)
    predictions = nameless.score([Document(g.id, g.text) for g in some_gold])
    found = [p for p in predictions if p.problem_score >= bundle.heads[-1].threshold]
    assert found
    assert all(p.review for p in found)
    assert not all(p.review for p in predictions)
    assert not any(p.is_problem for p in predictions)


def test_odd_texts_are_scored_like_any_other(scorer):
    predictions = scorer.score([Document(str(n), t) for n, t in enumerate(ODD)])
    assert [p.id for p in predictions] == [str(n) for n in range(len(ODD))]
    assert scorer.score([]) == []


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(st.text(max_size=40), st.sampled_from(ODD)), min_size=1, max_size=5))
def test_a_score_does_not_depend_on_its_batch(scorer, texts):
    together = scorer.probabilities(texts)
    alone = np.vstack([scorer.probabilities([t]) for t in texts])
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("size", [1, 7, 128])
def test_a_stored_score_can_be_worked_out_again_in_any_batch(scorer, some_gold, size):
    documents = [Document(g.id, g.text) for g in some_gold[:200]]
    documents.append(Document("long", "。".join(g.text for g in some_gold[:12])))
    expected = {p.id: p for p in scorer.score(documents)}
    shuffled = random.Random(size).sample(documents, len(documents))
    again = [p for batch in batches(iter(shuffled), size) for p in scorer.score(batch)]
    assert {p.id: p for p in again} == expected


def test_five_megabytes_are_scored(scorer):
    text = "关于道路维修的请求，请尽快安排。\n" * 330_000
    assert len(text.encode()) > 5e6
    assert scorer.score([Document("long", text)])[0].id == "long"


def test_an_offence_in_the_middle_of_a_long_text_is_found_in_its_passage(scorer, taxonomy, some_gold):
    plain = next(g.text for g in some_gold if not g.positive and len(g.text) > 100)
    column = taxonomy.columns.index(("categories", "inaction_delay"))
    short = [g.text for g in some_gold if "inaction_delay" in g.labels["categories"] and len(g.text) < 150]
    hidden, alone, nothing = (
        scorer.probabilities(texts)[:, column]
        for texts in ([plain * 10 + t + plain * 10 for t in short], short, [plain * 20])
    )
    # So small a model knows few of them by a single sentence; what it does know it finds.
    assert (hidden > nothing).mean() > 0.5
    assert (hidden > 0.5 * alone).sum() > len(short) / 10


def test_characters_sum_to_the_log_odds(scorer, some_gold):
    texts = [clean(g.text).text for g in some_gold if g.positive and len(g.text) < 300][::9]
    # What strange wording adds belongs to no character.
    heads = tuple(dataclasses.replace(h, strange=0.0, backing=0.0) for h in scorer.bundle.heads)
    scorer = scorer.reading_as(dataclasses.replace(scorer.bundle, heads=heads))
    bundle = scorer.bundle
    w = bundle.weights
    constants = w.bias * [h.whole for h in bundle.heads] + w.sentence_bias * [h.sentence for h in bundle.heads]
    experts = w.choose(text_matrix(scorer, texts))[0].tolist()
    assert set(experts) == {0, 1}
    for text, expert in zip(texts, experts, strict=True):
        given = logit(scorer.probabilities([text])[0])
        constant = constants[expert] + [h.intercept for h in bundle.heads]
        summed = character_weights(text, bundle, scorer.segmenter, expert=expert).sum(0) + constant
        # Probabilities next to 1 do not tell log-odds apart.
        np.testing.assert_allclose(np.minimum(summed, 25), np.minimum(given, 25), rtol=1e-4, atol=1e-4)


SCHEME = """
id = "mine"
version = "1"
[[schemes]]
id = "topic"
name = "主题"
kind = "{kind}"
[[schemes.labels]]
id = "water"
name = "水"
[[schemes.labels]]
id = "road"
name = "路"
[[schemes.labels]]
id = "never"
name = "从未"
"""


@pytest.mark.parametrize(
    ("kind", "least", "most"), [("exclusive", 1, 1), ("multi-at-least-one", 1, 3), ("multi", 0, 3)]
)
def test_any_scheme_trains_and_keeps_its_kind(kind, least, most, some_gold, words, tmp_path):
    taxonomy = parse_taxonomy(SCHEME.format(kind=kind).encode())
    own = [
        dataclasses.replace(g, labels={"topic": ("water",) if "水" in g.text else ("road",)}, evidence=())
        for g in some_gold[:150]
    ]
    path = train(
        taxonomy=taxonomy, taxonomy_source=SCHEME.format(kind=kind).encode(), gold=own, words=words, out=tmp_path
    )
    mine = Scorer(load_bundle(path), words)
    for p in mine.score([Document("1", "停水三天"), Document("2", "路灯坏了"), Document("3", "")]):
        assert least <= len(p.decided["topic"]) <= most
        assert p.is_problem == bool(p.decided["topic"])
        assert p.scores["topic"]["never"] < 0.5
    assert mine.score([Document("1", "自来水停水了，水管漏水")])[0].scores["topic"]["water"] > 0.5


@pytest.mark.parametrize("kind", ["exclusive", "multi-at-least-one"])
def test_what_stands_in_below_a_promise_is_left_to_people(kind, scorer, some_gold):
    """Where a scheme must not stay empty a label is decided even when its threshold is out of reach."""
    bundle = scorer.bundle
    first, *others = bundle.taxonomy.schemes
    documents = [Document(g.id, g.text) for g in some_gold]

    def said(threshold, **about):
        heads = tuple(
            dataclasses.replace(h, threshold=threshold, ask=0.98) if j < len(first.labels) else h
            for j, h in enumerate(bundle.heads)
        )
        taxonomy = dataclasses.replace(bundle.taxonomy, schemes=(dataclasses.replace(first, kind=kind), *others))
        manifest = {**bundle.manifest, **about}
        made = dataclasses.replace(bundle, heads=heads, taxonomy=taxonomy, manifest=manifest)
        return scorer.reading_as(made).score(documents, evidence=False)

    never, promised, plain = said(NEVER), said(0.99, adapted={"promise": 0.9}), said(0.99)
    assert all(p.decided[first.id] for p in (*never, *promised, *plain))
    assert all(p.review for p in never)
    below = [p.decided[first.id][0][1] < 0.99 for p in promised]
    assert any(below)
    assert all(p.review for p, missed in zip(promised, below, strict=True) if missed)
    # Without a promise a low score alone is no reason.
    assert 2 * sum(p.review for p in plain) < len(documents)


def test_too_few_texts_are_refused(some_gold, taxonomy, words, tmp_path):
    with pytest.raises(CorpusError, match="ZF-TRAIN-FEW"):
        train(
            taxonomy=taxonomy, taxonomy_source=b"", gold=some_gold[:5], words=words, out=tmp_path, settings=Settings()
        )


def test_batches_hold_everything_once():
    documents = [Document(str(n), "") for n in range(7)]
    assert [len(b) for b in batches(iter(documents), 3)] == [3, 3, 1]
    assert [d for b in batches(iter(documents), 3) for d in b] == documents


@pytest.mark.parametrize(
    ("values", "opens", "run"),
    [
        ([1, 2, -5, 4], [True, False, False, False], (3, 3, 4)),
        ([1, 2, -1, 4], [True, False, False, False], (0, 3, 6)),
        ([1, 2, -1, 4], [True, False, False, True], (3, 3, 4)),
        ([-3, -1], [True, False], (1, 1, -1)),
    ],
)
def test_evidence_is_the_strongest_run_inside_a_sentence(values, opens, run):
    assert _best_run(values, opens) == run
