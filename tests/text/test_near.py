import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.near import NEAR, grams, jaccard, pairs, signatures

LETTER = "窗口人员反复让我补交材料，前后跑了五趟，打12345热线也没有人接听，请有关部门尽快核实处理。"
NEARLY = LETTER.replace("五趟", "六趟")
OTHER = "村里修路的钱一直没有公示，账目也不让看，问到镇里说不归他们管，群众意见很大。"


def test_one_changed_word_is_near_and_another_matter_is_not():
    assert jaccard(grams(LETTER), grams(NEARLY)) >= NEAR
    assert jaccard(grams(LETTER), grams(OTHER)) < 0.1


def test_spaces_punctuation_and_widths_do_not_count():
    assert grams("办 事，难！ＡＢ１") == grams("办事难ab1")


@given(st.text(max_size=60))
def test_a_text_is_near_itself_whatever_it_holds(text):
    assert jaccard(grams(text), grams(text)) == 1.0
    assert (signatures([text]) == signatures([text])).all()


@given(st.text(max_size=40), st.text(max_size=40))
def test_nearness_has_no_direction(one, other):
    assert jaccard(grams(one), grams(other)) == jaccard(grams(other), grams(one)) <= 1.0


def test_near_texts_are_proposed_and_strangers_are_not():
    matrix = signatures([LETTER, OTHER, NEARLY])
    assert pairs(matrix, np.array([False, False, True])).tolist() == [[2, 0]]
    assert pairs(matrix, np.array([False, True, False])).tolist() == []


def test_pairs_of_a_mass_mailing_do_not_grow_with_its_square():
    matrix = signatures([LETTER] * 300)
    assert len(pairs(matrix, np.ones(300, bool))) < 600


@pytest.mark.parametrize("n", [0, 1])
def test_few_texts_make_no_pairs(n):
    assert len(pairs(signatures([LETTER] * n), np.ones(n, bool))) == 0
