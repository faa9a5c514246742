"""The pieces of a training as scikit-learn's estimators, to be taken apart and put together otherwise in a notebook.

``make_pipeline(TextFeatures(), LinearHeads())`` learns what `train` learns from whole texts, before calibration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data

from pipeline.model.experts import fit_heads
from pipeline.model.features import Features
from pipeline.model.lead import add_lead, first_sentences
from pipeline.model.recipe import Learner
from pipeline.ndarrays import Floats
from pipeline.text.clean import clean
from pipeline.text.concepts import Lexicon
from pipeline.text.segment import RjiebaSegmenter
from pipeline.text.sentences import split_sentences

__all__ = ["LinearHeads", "TextFeatures"]


class TextFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Texts as given → words ∪ characters ∪ concepts of a lexicon, TF-IDF, each block of unit length.

    Parameters are those of `Settings`; ``words`` is the domain dictionary. ``features_`` is what was learned.
    """

    def __init__(
        self,
        word_n: int = 2,
        char_shortest: int = 1,
        char_longest: int = 2,
        min_texts: int = 2,
        lead: float = 0.0,
        words: Mapping[str, int] | None = None,
        lexicon: Lexicon | None = None,
    ) -> None:
        self.word_n = word_n
        self.char_shortest = char_shortest
        self.char_longest = char_longest
        self.min_texts = min_texts
        self.lead = lead
        self.words = words
        self.lexicon = lexicon

    def fit(self, X: Iterable[str], y: object = None) -> Self:
        """Learn the n-grams of the texts ``X``; ``y`` is not looked at."""
        texts = [clean(text).text for text in X]
        self.features_ = Features(
            word_n=self.word_n,
            char_n=(self.char_shortest, self.char_longest),
            min_texts=self.min_texts,
            lexicon=self.lexicon,
            lead=self.lead,
        ).fit(texts, self._segmenter())
        return self

    def transform(self, X: Iterable[str]) -> sparse.csr_matrix:
        """Return the matrix of the texts ``X``, (texts, columns)."""
        check_is_fitted(self)
        texts = [clean(text).text for text in X]
        sentences = split_sentences(texts)
        found = self.features_.occurrences(texts, self._segmenter(), sentences)
        x = self.features_.matrix(found, len(texts))
        if not self.lead:
            return x
        single = self.features_.matrix(found.by_sentence(sentences, len(texts)), len(sentences.row))
        return add_lead(x, single, first_sentences(sentences.row, len(texts)), self.lead)

    def _segmenter(self) -> RjiebaSegmenter:
        return RjiebaSegmenter(dict(self.words or {}))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


class LinearHeads(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """One linear head per label of an indicator matrix, or per class; of classes the highest margin wins.

    ``coef_`` is (columns, heads), ``intercept_`` (heads,); of two classes there is one head, that of the second.
    """

    def __init__(self, c: float = 0.5, learner: Learner = "svm", balance: float = 0.0, ratio: float = 0.0) -> None:
        self.c = c
        self.learner = learner
        self.balance = balance
        self.ratio = ratio

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the heads; each row counts its ``sample_weight``."""
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64, multi_output=True)
        check_classification_targets(y)
        self.multilabel_ = y.ndim == 2 and y.shape[1] > 1
        if self.multilabel_:
            self.classes_, truth = np.arange(y.shape[1]), np.asarray(y, bool)
        else:
            self.classes_, codes = np.unique(column_or_1d(y, warn=True), return_inverse=True)
            if len(self.classes_) < 2:
                raise ValueError("there must be more than one class to tell apart")
            truth = codes[:, None] == np.arange(len(self.classes_))
            truth = truth[:, 1:] if len(self.classes_) == 2 else truth
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64)
        self.coef_, self.intercept_ = fit_heads(
            sparse.csr_matrix(X),
            truth,
            self.c,
            weight=weight,
            learner=self.learner,
            balance=self.balance,
            ratio=self.ratio,
        )
        return self

    def decision_function(self, X: Any) -> Floats:
        """Return margins, (rows, heads); of two classes (rows,)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)
        margins = np.asarray(X @ self.coef_ + self.intercept_)
        return margins if self.multilabel_ or len(self.classes_) > 2 else margins[:, 0]

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the class of each row, or the labels whose margin is above zero, (rows, labels)."""
        margins = self.decision_function(X)
        if self.multilabel_:
            return (margins > 0).astype(int)
        best = margins.argmax(1) if margins.ndim == 2 else (margins > 0).astype(int)
        return np.asarray(self.classes_[best])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_label = True
        return tags
