"""What others would build, and what cannot be undercut: each learns from texts with labels and labels texts.

All labels are yes or no, each by itself. Nothing is tuned: settings are those of the packages' own examples.
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.ndarrays import Bools

__all__ = ["CONTENDERS", "Contender", "Labeller"]

Cut = Callable[[str], list[str]]
#: Texts → decisions (texts, labels); a floor decides nothing.
Labeller = Callable[[Sequence[str]], Bools | None]
Teach = Callable[[Sequence[str], Bools], Labeller]

#: Cores of each contender.
ONE = 1
_EPOCHS = 5


@dataclass(frozen=True)
class Contender:
    """``name`` as in the table; ``needs`` are the modules it cannot do without; a ``floor`` learns nothing."""

    name: str
    needs: tuple[str, ...]
    teach: Teach
    floor: bool = False

    @property
    def missing(self) -> list[str]:
        """The modules that are not installed."""
        return [n for n in self.needs if importlib.util.find_spec(n) is None]


def _jieba() -> Cut:
    from pipeline.text.segment import JiebaSegmenter

    segmenter = JiebaSegmenter({})
    return lambda text: segmenter.cut([text])[0]


def _rjieba() -> Cut:
    import rjieba

    cut = rjieba.Jieba().cut
    return lambda text: list(cut(text, False))


def _linear(texts: Sequence[str], truth: Bools, *, make: Callable[[], Cut] | None, logistic: bool) -> Labeller:
    """Return TF-IDF over words, by what ``make`` makes, or one to three characters, and one linear model per label."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.svm import LinearSVC

    vectoriser = TfidfVectorizer(analyzer=make()) if make else TfidfVectorizer(analyzer="char", ngram_range=(1, 3))
    learnable = truth.any(0) & ~truth.all(0)
    model = OneVsRestClassifier(LogisticRegression(max_iter=1000) if logistic else LinearSVC())
    model.fit(vectoriser.fit_transform(texts), truth[:, learnable].astype(int))

    def label(some: Sequence[str]) -> Bools:
        called = np.tile(truth.all(0), (len(some), 1))
        called[:, learnable] = np.asarray(model.predict(vectoriser.transform(some)), bool).reshape(len(some), -1)
        return called

    return label


def _fasttext(texts: Sequence[str], truth: Bools, *, make: Callable[[], Cut]) -> Labeller:
    import fasttext

    cut = make()

    def line(text: str) -> str:
        return " ".join(cut(text.replace("\n", " ")))

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "train.txt"
        with file.open("w", encoding="utf-8") as out:
            for text, row in zip(texts, truth, strict=True):
                labels = [f"__label__{i}" for i in np.flatnonzero(row)] or ["__label__none"]
                out.write(f"{' '.join(labels)} {line(text)}\n")
        model = fasttext.train_supervised(str(file), loss="ova", wordNgrams=2, epoch=25, lr=0.5, thread=ONE, verbose=0)

    def label(some: Sequence[str]) -> Bools:
        called = np.zeros((len(some), truth.shape[1]), bool)
        found, _ = model.predict([line(t) for t in some], k=-1, threshold=0.5)
        for row, names in enumerate(found):
            called[row, [int(n[9:]) for n in names if n != "__label__none"]] = True
        return called

    return label


def _spacy(texts: Sequence[str], truth: Bools) -> Labeller:
    """Return spaCy's bag-of-words categoriser over jieba words, five rounds."""
    import random

    import jieba
    import spacy
    from spacy.training import Example

    with tempfile.TemporaryDirectory() as folder:
        jieba.dt.tmp_dir = folder  # not the shared one: whatever lies there is unmarshalled
        jieba.initialize()
    nlp = spacy.blank("zh", config={"nlp": {"tokenizer": {"segmenter": "jieba"}}})
    names = [str(i) for i in range(truth.shape[1])]
    bow = {"@architectures": "spacy.TextCatBOW.v3", "exclusive_classes": False, "ngram_size": 1}
    head = nlp.add_pipe("textcat_multilabel", config={"model": {**bow, "no_output_layer": False, "length": 262144}})
    examples = [
        Example.from_dict(nlp.make_doc(t), {"cats": dict(zip(names, row.astype(float).tolist(), strict=True))})
        for t, row in zip(texts, truth, strict=True)
    ]
    nlp.initialize(lambda: examples)
    dice = random.Random(0)  # noqa: S311
    for _ in range(_EPOCHS):
        dice.shuffle(examples)
        for at in range(0, len(examples), 64):
            nlp.update(examples[at : at + 64])
    assert head is not None  # noqa: S101

    def label(some: Sequence[str]) -> Bools:
        return np.array([[doc.cats[n] >= 0.5 for n in names] for doc in nlp.pipe(some)], bool)

    return label


def _floor(texts: Sequence[str], truth: Bools, *, make: Callable[[], Callable[[str], object]]) -> Labeller:
    """Return what does no more than what ``make`` makes, text by text."""
    read = make()

    def label(some: Sequence[str]) -> None:
        for text in some:
            read(text)

    return label


def _utf32() -> Callable[[str], bytes]:
    return lambda text: text.encode("utf-32-le", "surrogatepass")


#: In the order of the table.
CONTENDERS: tuple[Contender, ...] = (
    Contender("通常写法：jieba，TF-IDF，逻辑回归", ("sklearn", "jieba"), partial(_linear, make=_jieba, logistic=True)),
    Contender("同上，rjieba", ("sklearn", "rjieba"), partial(_linear, make=_rjieba, logistic=True)),
    Contender("一至三字，TF-IDF，LinearSVC", ("sklearn",), partial(_linear, make=None, logistic=False)),
    Contender("fastText，jieba 词", ("fasttext", "jieba"), partial(_fasttext, make=_jieba)),
    Contender("fastText，rjieba 词", ("fasttext", "rjieba"), partial(_fasttext, make=_rjieba)),
    Contender("spaCy textcat（词袋）", ("spacy", "jieba"), _spacy),
    Contender("下限：只切词（rjieba）", ("rjieba",), partial(_floor, make=_rjieba), floor=True),
    Contender("下限：只转 utf-32", (), partial(_floor, make=_utf32), floor=True),
)
