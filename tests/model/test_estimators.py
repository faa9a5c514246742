import numpy as np
import pytest
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from pipeline.corpus.gold import label_matrix
from pipeline.model.estimators import LinearHeads, TextFeatures

COARSE = "liblinear stops at a tolerance of 0.05: enough for calibrated margins, too coarse for equal coefficients"


def expected(estimator):
    if isinstance(estimator, LinearHeads) and estimator.learner == "svm":
        return {f"check_sample_weight_equivalence_on_{kind}_data": COARSE for kind in ("dense", "sparse")}
    return {}


# The checks' few rows of plain numbers are no rows of unit length: liblinear need not converge on them.
@pytest.mark.filterwarnings("ignore:Liblinear failed to converge")
@parametrize_with_checks([LinearHeads(), LinearHeads(learner="ridge")], expected_failed_checks=expected)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def test_scikit_learns_own_checks_of_what_reads_texts():
    # It has few for estimators that read no numbers, and says so.
    with pytest.warns(SkipTestWarning, match="Can't test estimator TextFeatures"):
        checks = list(estimator_checks_generator(TextFeatures()))
    assert checks
    for estimator, check in checks:
        check(estimator)


def test_pieces_make_a_pipeline_that_learns_labels(some_gold, taxonomy):
    texts, truth = [g.text for g in some_gold], label_matrix(some_gold, taxonomy).astype(int)
    pipe = make_pipeline(TextFeatures(lead=0.5), LinearHeads(c=2.0)).fit(texts, truth)
    called = pipe.predict(texts)
    assert called.shape == truth.shape
    assert (called == truth).mean() > 0.97
    with pytest.raises(NotFittedError):
        TextFeatures().transform(texts)


def test_features_are_those_of_a_training(some_gold, bundle, words, lexicon):
    texts = [g.text for g in some_gold[:40]]
    given = TextFeatures(words=words, lexicon=lexicon).fit([g.text for g in some_gold])
    assert given.features_.tokens == bundle.features.tokens
    np.testing.assert_array_equal(given.features_.char_keys, bundle.features.char_keys)
    assert given.transform(texts).shape == (40, bundle.features.columns)
