import codecs
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.text.clean import clean
from pipeline.text.concepts import Concept, Hits, Lexicon, parse_lexicon
from pipeline.text.plain import PlainMatcher


def found(form, text):
    hits = Lexicon([Concept("x", "某", (form,))]).find([text])
    return list(zip(hits.start.tolist(), hits.end.tolist(), strict=True))


@pytest.mark.parametrize(
    ("form", "text", "span"),
    [
        ("没人管", "一直没人管", (2, 5)),
        ("没(有)?人(管|理)", "没有人理", (0, 4)),
        ("没[人谁]管", "没谁管", (0, 3)),
        ("打了#次", "打了十几次电话", (0, 5)),
        ("打了#次", "打了12次电话", (0, 5)),
        ("#(次|趟)", "跑了三趟", (2, 4)),
        ("答应~年底", "答应我们年底修好", (0, 6)),
        ("没.{0,2}管", "没有来管", (0, 4)),
        (r"\\*\\*局", "**局", (0, 3)),
    ],
)
def test_a_form_is_found_where_it_stands(form, text, span):
    form = form.replace("\\\\", "\\")
    assert found(form, text) == [span]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("答应~年底", "答应了，年底"),
        ("答应~年底", "答应了,年底"),
        ("打了#次", "打了好久"),
        ("没.{0,2}管", "没有人来管"),
    ],
)
def test_a_form_is_not_found_where_it_does_not_stand(form, text):
    assert found(form, text) == []


def test_each_concept_is_reported_once_per_sentence():
    lexicon = Lexicon([Concept("a", "甲", ("没人管", "不管")), Concept("b", "乙", ("不管",))])
    hits = lexicon.find(["不管就不管，没人管", "没人管"])
    assert list(zip(hits.sentence, hits.concept, strict=True)) == [(0, 0), (0, 1), (1, 0)]
    assert lexicon.find(["不管就不管"], every=True).form.tolist() == [1, 2, 1, 2]


def test_stored_and_rebuilt_it_finds_the_same(lexicon, some_gold):
    texts = [g.text for g in some_gold[:30]]
    again = Lexicon.from_dict(lexicon.to_dict())
    assert same(again.find(texts), lexicon.find(texts))
    assert again.sha256 == lexicon.sha256


def same(a, b):
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in Hits.__dataclass_fields__)


def test_much_text_is_searched_by_the_compiled_matcher_with_the_same_outcome(lexicon, some_gold, monkeypatch):
    texts = [g.text for g in some_gold[:20]]
    forms = [Concept(c.id, c.name, c.forms[:2]) for c in lexicon.concepts]
    few = Lexicon(forms)
    plain = PlainMatcher(few.forms, few.heads)
    expected = [plain.find(texts, few.owner), plain.find(texts)]
    # Nothing but these forms asks for the plain one, which stands for a short run.
    monkeypatch.setattr("pipeline.text.concepts.LITTLE", sum(map(len, texts)))
    first = [few.find(texts)]
    monkeypatch.setattr(PlainMatcher, "find", None)
    found = [first[0], few.find(texts, every=True)]
    # Another lexicon of the same forms, as a model compared with this one has, finds the matcher made.
    monkeypatch.setattr("pipeline.text.concepts.LITTLE", 10**9)
    again = Lexicon(forms)
    for some in (found, [again.find(texts), again.find(texts, every=True)]):
        for hits, (sentence, form, start, end) in zip(some, (e.T for e in expected), strict=True):
            assert same(hits, Hits(sentence, few.owner[form], form, start, end))


def test_a_form_is_found_in_cleaned_text_as_it_is_written():
    forms = '"原话(是|：)", "说好的，(算|作)数？", "没[，。]人", "等……(没|无)人", "打 12345 (没|无)用"'
    raw = f'[[concept]]\nid = "a"\nname = "甲"\nforms = [{forms}]'
    lexicon = parse_lexicon(raw.encode(), "concepts.toml")
    given = ("他的原话：没有", "说好的，作数？", "没，人", "说好的作数", "等……没人", "打 12345 无用")
    hits = lexicon.find([clean(t).text for t in given])
    assert list(zip(hits.sentence, hits.form, hits.start, hits.end, strict=True)) == [
        (0, 0, 2, 5), (1, 1, 0, 7), (2, 2, 0, 3), (4, 3, 0, 9), (5, 4, 0, 8),
    ]  # fmt: skip


def test_a_mark_that_editors_write_at_the_beginning_is_none_of_a_lexicon(lexicon, corpora):
    raw = (corpora / "concepts.toml").read_bytes()
    assert parse_lexicon(codecs.BOM_UTF8 + raw, "concepts.toml").sha256 == lexicon.sha256


FORMS = ("没(人|谁)?管", "打了#次", "答应~年底", "(一|再)拖再拖?", "(不|没).{1,3}理")


@given(st.text("没人谁管打了三12次答应年底，,一再拖不理", max_size=30))
def test_it_finds_what_plain_patterns_find(text):
    number, clause = "[0-9零一二三四五六七八九十百千万几两多半数好]{1,6}", "[^，。！？；,!?;]{0,6}"
    hits = {*Lexicon([Concept(f"c{n}", "某", (f,)) for n, f in enumerate(FORMS)]).find([text]).concept.tolist()}
    plain = {n for n, f in enumerate(FORMS) if re.search(f.replace("#", number).replace("~", clause), text)}
    assert hits == plain


def test_every_mistake_is_reported_at_once():
    raw = """
[[concept]]
id = "Bad Id"
name = ""
forms = ["没(人管", "~没人", "没人*", "好)", "好(了?){0,2}", "重", "重"]
[[concept]]
id = "ok"
name = "好"
forms = []
extra = 1
""".encode()
    with pytest.raises(ConfigError) as raised:
        parse_lexicon(raw, "concepts.toml")
    message = "\n".join(raised.value.details)
    for part in (
        "不能为空",
        "id 应为",
        "name 应为",
        "括号没有合上",
        "开头",
        "不认识",
        "多余",
        "出现两次",
        "forms 应为",
        "extra",
    ):
        assert part in message
