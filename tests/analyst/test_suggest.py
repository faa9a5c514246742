import numpy as np
import pytest
from scipy import sparse

from pipeline.analyst.pool import concept_margins, suggest
from pipeline.analyst.suggest import choose, interest
from pipeline.bench.saved import Point, draw_saved, replay, saved
from pipeline.corpus.identity import text_key
from pipeline.documents import Document


def apart(texts):
    return sparse.csr_matrix(np.eye(texts))


def test_the_least_sure_comes_first_and_the_labels_take_turns():
    p = np.array([[0.9, 0.01], [0.49, 0.02], [0.02, 0.3], [0.05, 0.5], [0.6, 0.9]])
    rated = interest(p)
    assert [(c.row, c.column, c.reason) for c in choose(rated, apart(5), 3)] == [
        (1, 0, "unsure"), (3, 1, "unsure"), (4, 0, "unsure"),
    ]  # fmt: skip


def test_every_reason_can_be_the_one():
    p = np.full((4, 1), 0.001)
    p[2] = 0.999
    concepts = np.array([[9.0], [0.0], [5.0], [0.0]])
    assert choose(interest(p, concepts=concepts), apart(4), 1)[0].reason == "rules"
    concepts[2] = -1  # decided against the lexicon
    assert choose(interest(p, concepts=concepts * [[0], [1], [1], [1]]), apart(4), 1)[0].row == 2
    assert choose(interest(p, thin=p > 0.5), apart(4), 1)[0].reason == "thin"
    assert choose(interest(p, known=np.array([1, 1, 1, 0.0])), apart(4), 1)[0].row == 3


def test_copies_wait_until_nothing_else_is_left():
    x = sparse.csr_matrix(np.array([[1.0, 0], [1, 0.1], [1, 0], [0, 1]]))
    rated = interest(np.full((4, 1), 0.5))
    assert [c.row for c in choose(rated, x, 2)] == [0, 3]
    assert sorted(c.row for c in choose(rated, x, 9)) == [0, 1, 2, 3]
    assert [c.row for c in choose(rated, x, 9, seen=[0, 3])] == [1, 2]


def test_suggestions_leave_out_what_was_reviewed_and_show_words(scorer, draw):
    documents = [Document(g.id, g.text) for g in draw(200)]
    done = {text_key(d.text) for d in documents[:80]}
    found = suggest(scorer, documents, 25, reviewed=done)
    assert len({s.document.id for s in found}) == 25
    assert {s.document.id for s in found}.isdisjoint(d.id for d in documents[:80])
    assert len({s.label for s in found}) == len(scorer.columns)
    for s in found:
        assert all(s.document.text[e.start : e.end] == e.quote for e in s.evidence)
        (said,) = scorer.score([s.document])
        assert s.decided == (s.label in said.labels)
    assert suggest(scorer, documents[:80], 5, reviewed=done) == []


def test_what_was_reviewed_with_stars_is_not_offered_again(scorer, some_gold):
    text = some_gold[0].text + "联系电话13812345678。"
    reviewed = {text_key(text.replace("13812345678", "*" * 11))}
    assert suggest(scorer, [Document("1", text)], 5, reviewed=reviewed) == []


def test_concepts_speak_only_where_they_are_found(scorer):
    features = scorer.bundle.features
    x = features.transform(["今天天气很好", "反复跑了八趟，窗口互相推诿"], scorer.segmenter)
    margins = concept_margins(scorer, x)
    assert not margins[0].any()
    assert margins[1].any()


def test_savings_are_read_off_the_curves():
    points = [Point("random", 0, n, f) for n, f in ((100, 0.1), (200, 0.2), (250, 0.19), (300, 0.3))]
    points += [Point("suggest", 0, n, f) for n, f in ((100, 0.1), (200, 0.3), (300, 0.28))]
    assert np.allclose(saved(points), [(0.2, 200, 150), (0.3, 300, 200)])
    assert "<svg" in draw_saved(points)


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
def test_a_short_replay_starts_both_ways_from_the_same_texts(scorer, draw):
    points = replay(scorer, draw(250, "pool"), draw(250, "test"), start=80, batch=40, rounds=1, seeds=(0,))
    assert [(p.way, p.labelled) for p in points] == [("suggest", 80), ("suggest", 120), ("random", 80), ("random", 120)]
    assert points[0].f1 == points[2].f1
    assert points[1].f1 != points[3].f1
