import pytest

from pipeline.analyst.rules import find_hits, parse_rules
from pipeline.analyst.trial import standing, try_concepts, try_rules
from pipeline.documents import Document
from pipeline.errors import ConfigError
from pipeline.text.concepts import Concept, Lexicon


def rules(text, taxonomy):
    return parse_rules(text.encode(), "规则.toml", taxonomy)


@pytest.fixture
def label(taxonomy):
    return taxonomy.label(taxonomy.columns[5][1])


@pytest.fixture
def some(taxonomy, label):
    return rules(
        f'[[rule]]\nlabel = "{label.name}"\nphrases = ["石沉大海", "杳无音信"]\nunless = ["已经解决"]\n', taxonomy
    )


def test_a_rule_speaks_at_its_words_and_not_beside_its_objections(some):
    texts = ["我反映了路灯，石沉大海。", "信访件石沉大海，后来已经解决。", "没有的事", "杳无音信！又杳无音信。"]
    found = find_hits(some, texts)
    assert [(h.row, texts[h.row][h.start : h.end]) for h in found] == [(0, "石沉大海"), (3, "杳无音信")]


@pytest.mark.parametrize(
    "words", ["打了三次，没人接", "要等多久？", "無人問津", "打 12345 没用", "等了又等……没下文", "石沉大海　"]
)
def test_a_rule_finds_what_it_was_copied_from(words, label, taxonomy):
    speaks = rules(f'[[rule]]\nlabel = "{label.id}"\nphrases = ["{words}"]\n', taxonomy)
    objects = rules(f'[[rule]]\nlabel = "{label.id}"\nphrases = ["路灯"]\nunless = ["{words}"]\n', taxonomy)
    text = f"反映路灯，{words}。"
    assert [text[h.start : h.end] for h in find_hits(speaks, [text])] == [words.strip()]
    assert find_hits(objects, [text]) == []


def test_the_texts_that_would_change_are_those_the_model_does_not_decide(some, scorer, label, draw):
    documents = [Document(g.id, g.text) for g in draw(250)]
    documents += [Document("x1", "路灯坏了报过一次，石沉大海"), Document("x2", "今天天气很好")]
    trial = try_rules(some, scorer, documents)
    decided = {p.id for p in scorer.score(documents) if label.id in p.labels}
    said = {documents[h.row].id for h in find_hits(some, [d.text for d in documents])}
    assert {c.document.id for c in trial.changes} == said - decided
    assert trial.changed == len(said - decided)
    assert trial.documents == len(documents)
    assert all(c.quote in c.document.text for c in trial.changes)


def test_a_rule_is_measured_on_labelled_texts(some, gold, label):
    (found,) = standing(some, gold)
    said = [g for g in gold if "石沉大海" in g.text and "已经解决" not in g.text]
    assert found.hits >= len(said) > 0
    assert 0 < found.right <= found.hits


def test_every_mistake_of_a_rule_file_comes_at_once(taxonomy):
    with pytest.raises(ConfigError, match="ZF-RULES-INVALID") as e:
        rules('x = 1\n[[rule]]\nlabel = "没有"\nphrases = []\nwords = 1\n[[rule]]\nphrases = [1]\n', taxonomy)
    assert len(e.value.details) >= 6
    with pytest.raises(ConfigError, match="ZF-RULES-INVALID") as e:
        rules(f'[[rule]]\nlabel = ["{taxonomy.columns[0][1]}"]\nphrases = ["石沉大海"]\n', taxonomy)
    assert list(e.value.details) == ["第 1 条规则 -> label 应为文字，一条规则一个标签"]
    with pytest.raises(ConfigError, match="ZF-RULES-SYNTAX"):
        rules("[[rule", taxonomy)


def test_the_same_lexicon_changes_nothing_and_an_empty_one_says_what_is_gone(scorer, lexicon, draw):
    documents = [Document(g.id, g.text) for g in draw(250)]
    same = try_concepts(lexicon, scorer, documents)
    assert (same.changed, same.notes) == (0, ())
    few = Lexicon([*lexicon.concepts[:3], Concept("brand_new", "新概念", ("闻所未闻",))])
    trial = try_concepts(few, scorer, documents)
    assert trial.changed > 0
    assert len(trial.notes) == len(lexicon.concepts) - 3 + 1
    assert "新概念" in trial.notes[-1]
    # Not each: a label may also come or go with problem-or-not.
    assert sum((c.after > c.before) == c.added for c in trial.changes) > 0.8 * trial.changed
    assert all(c.quote in c.document.text for c in trial.changes)
