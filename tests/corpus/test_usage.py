import numpy as np
import pytest

from pipeline.corpus.usage import concept_usage, form_texts
from pipeline.text.concepts import Concept, Lexicon

LEXICON = Lexicon([Concept("a", "甲", ("没人管", "不管")), Concept("b", "乙", ("谢谢",))])


def test_rates_are_counted_by_text_form_and_concept():
    texts = ["没人管。不管，没人管", "不管", "谢谢", "早"]
    found = form_texts(LEXICON, texts)
    np.testing.assert_array_equal(found, [[1, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]])
    positive = np.array([True, True, False, False])
    concepts, forms = concept_usage(LEXICON, found, positive, form_texts(LEXICON, ["谢谢"]))
    assert [(c.positive, c.negative, c.outside) for c in concepts] == [(1, 0, 0), (0, 0.5, 1)]
    assert forms[0].positive == 0.5
    assert concepts[0].lift > 1 > concepts[1].lift
    assert concepts[0].lift == pytest.approx(1001)
