import json

import numpy as np
import pytest

from pipeline.batch.entry import Scribe, enter
from pipeline.documents import Document, Evidence, Prediction, Rejected
from pipeline.text.near import signatures

SAID = Prediction(
    "甲", True, 0.123456789, {"x": (("a", 0.9876543), ("b", 0.5000004)), "y": ()},
    {"x": {"a": 0.9876543, "b": 0.5000004}, "y": {"c%d": 1e-7, "d": 1.0}},
    (Evidence("a", 0, 2, "“引号”\n与\\", 0.33333333),), True, "m",
)  # fmt: skip


def test_an_entry_says_what_the_prediction_says(scorer, records):
    documents = [Document(r["id"], r["text"]) for r in records]
    said = [*scorer.score(documents), SAID]
    for part in (said[:-1], said[-1:]):
        documents = [Document(p.id, "跑了五趟") for p in part]
        for entry, p in zip(enter(documents, part), part, strict=True):
            assert entry.to_dict() == p.to_dict()
            assert entry.problem_score == p.problem_score
            assert entry.labels == p.labels
            values = [p.problem_score, *(round(v, 6) for of in p.scores.values() for v in of.values())]
            doubt = round(max(1 - 2 * abs(v - 0.5) for v in values) * 100)
            assert (entry.uncertainty, entry.again) == (doubt + 100 * p.review, True)


def test_an_entry_keeps_the_signature_of_its_text():
    texts = ["打了12345没人接", "反映了三个月", ""]
    made = enter([Document(t, t) for t in texts], [SAID._replace(id=t) for t in texts])
    assert [np.frombuffer(e.signature, np.uint32).tolist() for e in made] == signatures(texts).tolist()
    assert [(e.again, e.unanswered) for e in made] == [(False, True), (False, False), (False, False)]


def test_rejections_and_entries_keep_their_places():
    refused = Rejected("a:1", "ZF-REC-TIME", "打分超过单条时限，已放弃")
    documents = [Document(i, "甲") for i in ("甲", "", "乙")]
    once = enter(documents, [SAID, refused, SAID._replace(id="乙")])
    assert [getattr(a, "id", None) for a in once] == ["甲", "", "乙"]
    assert enter(documents, once) == once


@pytest.mark.parametrize("count", [0, 3])
def test_a_scribe_answers_with_entries(scorer, records, count):
    documents = [Document(r["id"], r["text"]) for r in records[:count]]
    made = Scribe(lambda: scorer).score(documents)
    assert made == enter(documents, scorer.score(documents))
    assert all(json.loads(e.scores).keys() == {s.id for s in scorer.bundle.taxonomy.schemes} for e in made)
