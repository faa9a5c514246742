from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from pipeline.documents import Document
from pipeline.model import reading
from pipeline.model.lead import NONE, add_lead
from pipeline.model.rows import Rows, as_csr

SHAPE = 4, 6
PLACES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=20)
FOUR = partial(st.lists, min_size=4, max_size=4)


def both(places):
    row, column = np.array(places, np.int64).reshape(-1, 2).T
    csr = sparse.csr_matrix((np.ones(len(row)), (row, column)), SHAPE)
    return Rows.counted(row, column, SHAPE), csr


def same(mine, theirs):
    theirs = theirs.sorted_indices()
    assert mine.shape == theirs.shape
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name), name)


@given(PLACES, PLACES, FOUR(st.integers(-1, 3)), FOUR(st.booleans()))
def test_rows_are_what_scipys_matrices_are(places, others, lead, marked):
    mine, theirs = both(places)
    same(mine, theirs)
    same(mine[np.array(marked)], theirs[np.array(marked)])
    same(mine[np.array(lead)], theirs[np.array(lead)])
    dense = np.arange(12.0).reshape(6, 2) / 7
    np.testing.assert_array_equal(mine @ dense, theirs @ dense)
    assert (as_csr(mine) != theirs).nnz == 0
    assert as_csr(theirs) is theirs
    lead = np.where(np.array(lead) < 0, NONE, np.array(lead))
    for weight in (0, 0.3):
        of_mine, of_theirs = both(others)
        same(add_lead(mine, of_mine, lead, weight), add_lead(theirs, of_theirs, lead, weight))


def test_few_texts_are_read_as_many_are(scorer, unseen, monkeypatch):
    texts = ["", "没人管", *(g.text for g in unseen[:20]), unseen[0].text * 40]
    documents = [Document(str(i), text) for i, text in enumerate(texts)]
    found = []
    for few in (0, 10**9):
        monkeypatch.setattr(reading, "FEW", few)
        read = scorer._plain.read(texts)
        assert isinstance(read.x, Rows) == bool(few)
        found.append((read, scorer.score(documents), scorer.look(texts)))
    (many, said, seen), (few, again, looked) = found
    for name in ("whole", "strongest", "strange"):
        np.testing.assert_allclose(getattr(few, name), getattr(many, name), rtol=0, atol=1e-12)
    assert few.expert.tolist() == many.expert.tolist()
    assert [p.to_dict() for p in said] == [p.to_dict() for p in again]
    assert abs(looked.x - seen.x).max() < 1e-12


def test_no_texts_have_no_rows(scorer):
    assert scorer._plain.read(()).x.shape == (0, scorer.bundle.features.columns)
    with pytest.raises(IndexError):
        both([])[0][np.array([4])]
