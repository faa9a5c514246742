"""What people usually write for such sets, in scikit-learn's own words: n-grams, TF-IDF, a linear machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pipeline.corpus.gold import Gold, label_matrix
from pipeline.ndarrays import Bools
from pipeline.taxonomy import Taxonomy
from pipeline.text.segment import RjiebaSegmenter

__all__ = ["PEERS", "peer_decisions", "words_and_chars"]

HASHES = 2**18


def _chars() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True)


def words_and_chars() -> Any:
    """Return TF-IDF of words and of one to three characters, not fitted."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import FeatureUnion

    segmenter = RjiebaSegmenter({})
    words = TfidfVectorizer(analyzer=lambda text: segmenter.cut([text])[0], min_df=2, sublinear_tf=True)
    return FeatureUnion([("words", words), ("chars", _chars())])


def _hashed_chars() -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
    from sklearn.pipeline import make_pipeline

    counts = HashingVectorizer(analyzer="char", ngram_range=(1, 2), n_features=HASHES, alternate_sign=False, norm=None)
    return make_pipeline(counts, TfidfTransformer(sublinear_tf=True, use_idf=False))


PEERS: dict[str, Callable[[], Any]] = {
    "chars": _chars,
    "words and chars": words_and_chars,
    "hashed chars": _hashed_chars,
}


def peer_decisions(name: str, train: Sequence[Gold], test: Sequence[Gold], taxonomy: Taxonomy) -> Bools:
    """Return what the peer decides, (texts, columns): of an exclusive scheme the best label, else all above zero."""
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.svm import LinearSVC

    vectoriser = PEERS[name]()
    x, unseen = vectoriser.fit_transform([g.text for g in train]), [g.text for g in test]
    truth = label_matrix(train, taxonomy)
    learnable = truth.any(0) & ~truth.all(0)
    model = OneVsRestClassifier(LinearSVC(random_state=0)).fit(x, truth[:, learnable].astype(int))
    margins = np.full((len(test), truth.shape[1]), -np.inf)
    margins[:, learnable] = model.decision_function(vectoriser.transform(unseen)).reshape(len(test), -1)
    margins[:, truth.all(0)] = np.inf
    called = np.zeros(margins.shape, bool)
    for scheme, block in taxonomy.blocks:
        best = margins[:, block].argmax(1)[:, None] == np.arange(len(scheme.labels))
        called[:, block] = best if scheme.kind == "exclusive" else margins[:, block] > 0
    return called
