import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.near import NEAR, pairs, shares, signatures

LETTER = "窗口人员反复让我补交材料，前后跑了五趟，打12345热线也没有人接听，请有关部门尽快核实处理。"
NEARLY = LETTER.replace("五趟", "六趟")
OTHER = "村里修路的钱一直没有公示，账目也不让看，问到镇里说不归他们管，群众意见很大。"


def share(one, other):
    return shares([one, other], np.array([[0, 1]]))[0]


def pieces(text):
    plain = "".join(c for c in text if c.isalnum())
    return {plain[i : i + 3] for i in range(max(1, len(plain) - 2))}


def test_one_changed_word_is_near_and_another_matter_is_not():
    assert share(LETTER, NEARLY) >= NEAR
    assert share(LETTER, OTHER) < 0.1


def test_spaces_punctuation_and_widths_do_not_count():
    assert share("办 事，难！ＡＢ１", "办事难ab1") == 1


@given(st.text(max_size=60))
def test_a_text_is_near_itself_whatever_it_holds(text):
    assert share(text, text) == 1.0
    assert (signatures([text]) == signatures([text])).all()


@given(st.lists(st.text("甲乙丙，a1 ", max_size=12), min_size=1, max_size=6), st.data())
def test_a_share_is_what_two_sets_of_pieces_have_in_common(texts, data):
    row = st.integers(0, len(texts) - 1)
    asked = data.draw(st.lists(st.tuples(row, row), max_size=9))
    found = shares(texts, np.array(asked, np.int64).reshape(-1, 2))
    of = [pieces(t) for t in texts]
    assert found.tolist() == [len(of[i] & of[j]) / len(of[i] | of[j]) for i, j in asked]


def test_too_many_texts_are_refused():
    with pytest.raises(ValueError, match="4096"):
        shares(["甲"] * 4097, np.zeros((1, 2), np.int64))


@given(st.lists(st.tuples(*[st.integers(0, 2)] * 4), max_size=40), st.data())
def test_rows_that_agree_in_a_band_hang_together_with_the_first_of_them(bands, data):
    """Against one bucket after the other, in pure Python."""
    matrix = np.repeat(np.array(bands, np.uint32).reshape(-1, 4), 16, axis=1).reshape(-1, 16, 4)[:, :16].reshape(-1, 64)
    fresh = np.array(data.draw(st.lists(st.booleans(), min_size=len(bands), max_size=len(bands))), bool)
    wanted = set()
    for band in range(16):
        buckets = {}
        for row in range(len(bands)):
            before = buckets.setdefault(tuple(matrix[row, 4 * band : 4 * band + 4]), [])
            wanted |= {(row, before[0]), (row, before[-1])} if before else set()
            before.append(row)
    wanted = {(a, b) for a, b in wanted if fresh[a] or fresh[b]}
    assert {tuple(p) for p in pairs(matrix, fresh).tolist()} == wanted


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
