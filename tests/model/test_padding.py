import numpy as np

from pipeline.corpus.gold import label_matrix
from pipeline.model.folds import group_folds
from pipeline.model.padding import pad
from pipeline.model.pool import maximum_over, strongest_sentence


def test_padding_adds_texts_without_labels_of_the_same_fold_and_register(some_gold, taxonomy):
    fold = group_folds([g.group for g in some_gold], label_matrix(some_gold, taxonomy), 3, 0)
    about, members = pad(some_gold, fold, 0)
    assert len(about) > len(some_gold) / 4
    for row, source in enumerate(about):
        together = members[row].indices
        others = [i for i in together if i != source]
        assert source in together
        assert others
        assert not any(some_gold[i].positive for i in others)
        assert {(fold[i], some_gold[i].register) for i in together} == {(fold[source], some_gold[source].register)}


def test_the_same_seed_pads_alike(some_gold):
    fold = np.arange(len(some_gold)) % 3
    assert (pad(some_gold, fold, 7)[1] != pad(some_gold, fold, 7)[1]).nnz == 0
    assert (pad(some_gold, fold, 7)[1].shape != pad(some_gold, fold, 8)[1].shape) or (
        pad(some_gold, fold, 7)[1] != pad(some_gold, fold, 8)[1]
    ).nnz


def test_texts_of_a_file_that_are_long_enough_stay_as_they_are(some_gold):
    fold = np.zeros(len(some_gold), np.int64)
    about, _ = pad(some_gold, fold, 0, {"messages-retold"})
    files = {some_gold[i].file for i in about.tolist()}
    assert "messages-retold" in {some_gold[i].file for i in pad(some_gold, fold, 0)[0].tolist()}
    assert files
    assert "messages-retold" not in files


def test_the_strongest_sentence_speaks_for_its_text():
    margins = np.array([[1.0, -1.0], [0.0, 3.0], [2.0, 2.0]])
    found = strongest_sentence(margins, np.array([0, 0, 2]), np.array([[-9.0, -8.0], [-7.0, -6.0], [-5.0, -4.0]]))
    np.testing.assert_array_equal(found, [[1, 3], [-7, -6], [2, 2]])


def test_a_padded_text_is_as_strong_as_its_strongest_part(some_gold):
    _, members = pad(some_gold[:60], np.zeros(60, np.int64), 0)
    values = np.random.default_rng(0).normal(size=(60, 2))
    expected = [values[members[row].indices].max(0) for row in range(members.shape[0])]
    np.testing.assert_array_equal(maximum_over(values, members), expected)
