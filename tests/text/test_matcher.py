import functools
import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.text import matcher
from pipeline.text.forms import parse_form
from pipeline.text.matcher import Matcher
from pipeline.text.plain import PlainMatcher, index_heads
from pipeline.text.sentences import split_sentences
from pipeline.text.sparse import lay_rows
from pipeline.text.table import build_table

CHARACTERS = "甲乙丙丁，。3十\n"


def parts(inner):
    branch = st.lists(inner, min_size=1, max_size=3).map("".join)
    group = st.lists(branch, min_size=1, max_size=3).map(lambda b: f"({'|'.join(b)})")
    return group | st.tuples(group, st.sampled_from(["?", "?", "{0,2}", "{1,2}", "{2,3}"])).map("".join)


GAPS = st.sampled_from(["~", "#", ".{0,2}", ".{1,3}", ".?", "#?", "(~)", "(.{0,2})?"])
LETTERS = st.sampled_from(["甲", "乙", "丙", "丁", "3", "，", "[甲丙]", "[乙3]", "甲?", "[乙丁]?", "甲{0,2}", r"\?"])
PARTS = st.recursive(LETTERS | GAPS, parts, max_leaves=6)


def valid(form):
    try:
        return all(h.strip("\0") for h in parse_form(form).heads())
    except ValueError:
        return False


#: Looked through beside the texts drawn: nine tenths of the time go into drawing, so few examples look at much.
DEALT = ["".join(np.random.default_rng(n).choice(list(CHARACTERS), n)) for n in range(1, 25)]

FORMS = st.lists(PARTS, min_size=1, max_size=5).map("".join).filter(valid)


def both(forms, texts, *owners):
    """What is found of all forms, by either matcher; they also agree on the first places of each of ``owners``."""
    mine, reference = Matcher(forms), PlainMatcher(forms, index_heads(forms))
    for owner in (*owners, None):
        plain = reference.find(texts, owner)
        np.testing.assert_array_equal(mine.find(texts, owner), plain)
    return plain


@settings(max_examples=200)
@given(st.lists(FORMS, min_size=1, max_size=4), st.lists(st.text(CHARACTERS + "?x😀", max_size=20), max_size=4))
def test_any_forms_are_found_in_any_texts_as_plain_patterns_find_them(forms, texts):
    both(forms, [*texts, *DEALT], np.arange(len(forms)) // 2)


@pytest.mark.parametrize(
    ("form", "text", "end"),
    [
        ("(甲|甲乙)丙?", "甲乙丙", 1),
        ("(甲乙|甲)丙?", "甲乙丙", 3),
        ("甲(|乙)丙?", "甲乙丙", 1),
        ("甲.{0,3}乙", "甲乙丙乙", 4),
        ("甲.{0,3}乙", "甲\n乙", None),
        ("甲~乙", "甲\n乙", 3),
        ("甲~乙", "甲丙，乙", None),
        ("甲#", "甲1234567", 7),
        ("甲(#|3)3", "甲333", 4),
        ("甲(丙乙){0,3}丙", "甲丙乙丙乙丙乙丙乙丙", 8),
        ("甲(丁(乙|3)3(乙|丙))?3", "甲3", 2),
        ("甲(乙|丙){0,2}丁", "甲丁", 2),
        ("甲(乙|丙[丁3])", "甲丙3", 3),
        (r"甲(乙|\))丙", "甲)丙", 3),
    ],
)
def test_a_form_ends_where_the_first_alternative_that_fits_ends(form, text, end):
    assert [e for _text, _form, start, e in both([form], [text]).tolist() if not start] == ([end] if end else [])


def test_in_real_texts_it_finds_what_plain_patterns_find(lexicon, some_gold):
    texts = [g.text for g in some_gold[::3]]
    found = both(lexicon.forms, split_sentences(texts).of(texts))
    assert len({*found[:, 1].tolist()}) > 500


@settings(max_examples=30)
@given(st.data())
def test_pieces_of_real_forms_among_noise_are_found_alike(lexicon, matchers, data):
    pieces = [p for f in lexicon.forms[::7] for p in parse_form(f).heads()] + [f[:12] for f in lexicon.forms[::11]]
    noise = st.text(max_size=4) | st.sampled_from(["\n", "，", "。", "3", "十几", "😀", "了", "的"])
    texts = data.draw(st.lists(st.lists(st.sampled_from(pieces) | noise, max_size=12).map("".join), max_size=4))
    compiled, plain = matchers
    np.testing.assert_array_equal(compiled.find(texts), plain.find(texts))


@pytest.fixture(scope="module")
def matchers(lexicon):
    return Matcher(lexicon.forms), PlainMatcher(lexicon.forms, lexicon.heads)


def test_a_dense_text_has_room():
    forms = [f"甲{'乙' * n}" for n in range(20)] + [f"甲({'乙' * n}|丙)" for n in range(1, 20)]
    found = both(forms, ["甲" + "乙" * 20] * 50)
    assert len(found) == 50 * len(forms)


def test_a_text_where_forms_end_everywhere_has_room():
    forms = ["甲" * n for n in range(1, 13)]
    found = both(forms, ["甲" * 9000])
    assert len(found) == sum(9001 - n for n in range(1, 13))


@settings(max_examples=50)
@given(
    st.lists(FORMS, min_size=1, max_size=4), st.lists(st.text(CHARACTERS, max_size=20), max_size=4), st.integers(1, 9)
)
def test_what_a_full_table_leaves_undecided_is_tried(forms, texts, most):
    texts = [*texts, *DEALT]
    plain = PlainMatcher(forms, index_heads(forms)).find(texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matcher, "build_table", functools.partial(build_table, most=most))
        np.testing.assert_array_equal(Matcher(forms).find(texts), plain)


def test_rows_of_a_sparse_table_do_not_meet():
    rng = np.random.default_rng(1)
    rows = [np.sort(rng.choice(300, n, replace=False)) for n in rng.integers(0, 60, 500)]
    end = np.cumsum([len(r) for r in rows])
    begin = end - [len(r) for r in rows]
    base, room = lay_rows(begin, end, np.concatenate(rows).astype(np.int32), 300)
    cells = np.concatenate([b + r for b, r in zip(base, rows, strict=True)])
    used = base[end > begin]
    assert len({*cells.tolist()}) == len(cells)
    assert len({*used.tolist()}) == len(used)
    assert used.min() > 0
    assert used.max() + 300 <= room
    assert not base[end == begin].any()


@pytest.mark.parametrize("form", ["(甲", "甲)", "甲|乙", "(甲|乙"])
def test_brackets_that_do_not_fit_are_an_error(form):
    with pytest.raises(ValueError, match="括号不合"):
        Matcher(["丁", form, "丁"])


def test_no_texts_and_no_forms():
    for forms, texts in itertools.product([[], ["甲乙"]], [[], [""], ["丁"]]):
        assert Matcher(forms).find(texts).shape == (0, 4)


def test_a_form_is_compiled_only_where_its_characters_are(monkeypatch):
    forms = ["甲(乙|丙丁)", "甲#丙?", "甲乙{2,3}", "甲丁"]
    plain = PlainMatcher(forms, index_heads(forms))
    compiled = []
    monkeypatch.setattr("pipeline.text.plain.re.compile", lambda p, of=re.compile: compiled.append(p) or of(p))
    assert plain.find(["甲丙，甲丙", "丁甲三"]).tolist() == [[1, 1, 1, 3]]
    assert compiled == [parse_form(forms[1]).regex()]
    # Whoever is asked for again and again is compiled in the end.
    assert len(plain.find(["甲丙"] * 20)) == 0
    assert len(compiled) == 2
