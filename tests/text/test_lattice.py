import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.features import fold
from pipeline.text import lattice
from pipeline.text.clean import clean
from pipeline.text.lattice import Lattice, fits
from pipeline.text.segment import PIECE, RjiebaSegmenter

TOKENS = ["路灯", "慢作为", "abc", "。", "的", "😀"]
#: What the engine treats in its own way: blocks, single letters in a row, words with letters.
ODD = st.sampled_from(
    [*"abz019+#&._%- ·。，😀é\u3400\U00020000", "c++", "t恤", "γ射线", "at&t", "慢作为", "中华人民共和国"]
)
TEXT = st.lists(st.one_of(ODD, st.characters(exclude_categories=["Cs"])), max_size=30).map("".join)


@pytest.fixture(scope="module")
def both(words):
    return Lattice(words, TOKENS), RjiebaSegmenter(words)


def cut(mine, texts):
    """The words of each text, and their numbers."""
    size = np.array([len(t) for t in texts], np.int64)
    end = np.cumsum(size)
    points = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32)
    first, stop, number = mine.cut(points, end - size, end)
    found = []
    for i, text in enumerate(texts):
        before = end[i] - size[i]
        edges = [0, *(stop[first[i] : first[i + 1]] - before).tolist()]
        found.append([text[a:b] for a, b in itertools.pairwise(edges)])
    return found, number


def test_the_installed_engine_and_dictionary_are_the_known_ones():
    assert fits()


def test_another_dictionary_does_not_fit(monkeypatch, tmp_path):
    (tmp_path / "dict.txt").write_text("路灯 3 n\n", encoding="utf-8")
    monkeypatch.setattr(lattice, "_dictionary_file", lambda: tmp_path / "dict.txt")
    assert not fits()


def test_words_are_the_engines_on_prose(both, draw):
    texts = [fold(clean(g.text).text) for g in draw(3000)]
    assert cut(both[0], texts)[0] == both[1].cut(texts)


@given(st.lists(TEXT, max_size=4))
def test_words_are_the_engines_on_anything(both, texts):
    texts = [fold(clean(t).text) for t in texts]
    assert cut(both[0], texts)[0] == [both[1].cut([t])[0] if t else [] for t in texts]


def test_models_of_the_same_tokens_share_a_trie_and_those_of_others_none(both, words):
    assert Lattice(dict(words), TOKENS)._trie is both[0]._trie is not Lattice(words, TOKENS[:2])._trie


def test_long_texts_are_cut_in_the_same_pieces(both):
    text = "路灯" * (PIECE // 2 - 1) + "中华人民共和国"
    assert cut(both[0], [text])[0] == both[1].cut([text])


def test_tokens_have_their_numbers(both):
    words, numbers = cut(both[0], ["慢作为的abc。路灯", "abcd"])
    known = {t: n for n, t in enumerate(TOKENS, 1)}
    assert numbers.tolist() == [known.get(w, 0) for ws in words for w in ws]
    assert "abcd" in words[1]
