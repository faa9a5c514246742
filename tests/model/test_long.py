import dataclasses

import numpy as np
import pytest
from scipy.special import expit

from pipeline.corpus.gold import Gold
from pipeline.documents import Document
from pipeline.model.bundle import Head
from pipeline.model.long import FALSE_ALARMS, FEWEST, Haystacks, fit_long, hide_sentences
from pipeline.model.pool import LONG, SHORT, long_share
from pipeline.model.score import Scorer
from pipeline.model.train import keep_promise

HEADS = 3


@pytest.fixture
def stack():
    """Sixty texts of two registers and two folds, six sentences each; the first twenty have one that shows something.

    A sentence's margins are its number, so that it can be told again.
    """
    gold = [
        Gold(str(i), "", {"s": ("a",) if i < 20 else ()}, str(i), register="信" if i % 2 else "报") for i in range(60)
    ]
    text = np.repeat(np.arange(60), 6)
    shows = np.zeros((360, HEADS), bool)
    # Three of the text's sentences show it, so that there are enough to learn from.
    shows[: 20 * 6][np.arange(120) % 6 < 3] = [True, False, True]
    single = np.tile(np.arange(360.0)[:, None], (1, HEADS))
    return single, text, shows, gold, np.arange(60) // 2 % 2


def test_a_text_turns_long_by_degrees():
    row = np.array([0, 1, 1, 2])
    middle = (SHORT + LONG) // 2
    assert long_share(row, np.array([SHORT, 5, middle - 5, 400]), np.zeros(4)).tolist() == [0, 0.5, 0.5, 1]
    assert not len(long_share(row[:0], row[:0], np.zeros(0)))


def test_a_long_letter_by_somebody_else_is_one_story(bundle):
    """Its whole is read more than its sentences; by a model to which strange wording is nothing, as any other."""
    row, sentences, strange = np.arange(3), np.full(3, 400), np.array([0.0, 0.5, 1.0])
    usual, half, stranger = bundle.long_share(row, sentences, strange)
    assert usual == 1 > half > stranger > 0
    assert half == pytest.approx((usual + stranger) / 2)
    deaf = dataclasses.replace(bundle, heads=tuple(dataclasses.replace(h, strange=0.0) for h in bundle.heads))
    assert deaf.long_share(row, sentences, strange).tolist() == [1, 1, 1]


def test_sentences_are_hidden_among_texts_of_their_kind(stack):
    single, text, shows, gold, fold = stack
    found = hide_sentences(single, text, shows, gold, fold, 0)
    assert found.size.min() >= FEWEST
    assert 0.2 < found.truth[:, -1].mean() < 0.8
    strongest = found.strongest[:, 0].astype(int)
    # Behind the first twenty texts stand those without anything: the strongest sentence is always one of them.
    assert (text[strongest] >= 20).all()
    assert {(gold[t].register, int(fold[t])) for t in text[strongest]} == {("信", 0), ("信", 1), ("报", 0), ("报", 1)}
    hidden = hide_sentences(-single, text, shows, gold, fold, 0)
    with_one = hidden.truth[:, -1]
    best = (-hidden.strongest[:, 0]).astype(int)
    assert shows[best[with_one], -1].all()
    assert (hidden.truth[with_one] == shows[best[with_one]]).all()
    assert not shows[best[~with_one], -1].any()


def test_of_few_sentences_nothing_is_learned(stack):
    single, text, shows, gold, fold = stack
    assert hide_sentences(single, text, shows & (text < 3)[:, None], gold, fold, 0) is None
    all_positive = [dataclasses.replace(g, labels={"s": ("a",)}) for g in gold]
    assert hide_sentences(single, text, shows, all_positive, fold, 0) is None


def test_few_long_texts_without_conduct_pass_and_more_is_asked_of_more_sentences():
    rng = np.random.default_rng(0)
    size = np.exp(rng.uniform(3, 5, 6000))
    truth = np.zeros((6000, 2), bool)
    truth[:3000] = True
    noise = np.log(size) + rng.gumbel(size=6000)
    strongest = np.tile(np.where(truth[:, 0], np.maximum(noise, 5 + rng.normal(size=6000)), noise)[:, None], 2)
    label, problem = fit_long([Head(1, 0.5, 0, 0, 0.4, 0.4)] * 2, Haystacks(strongest, truth, size))
    value = strongest[:, 1] * problem.long_sentence + np.log(size) * problem.long_size + problem.long_intercept
    assert (value[~truth[:, 1]] >= 0).mean() == pytest.approx(FALSE_ALARMS, abs=0.01)
    assert problem.long_size < 0 < problem.long_sentence
    assert label.long_intercept > problem.long_intercept


def test_a_label_that_no_sentence_showed_is_not_read_into_a_long_text():
    rng = np.random.default_rng(0)
    truth = np.column_stack([np.zeros(400, bool), np.arange(400) < 200])
    head, _ = fit_long(
        [Head(1, 0.5, 0, 0, 0.4, 0.4)] * 2,
        Haystacks(rng.normal(size=(400, 2)) + truth[:, 1:], truth, np.full(400, 40.0)),
    )
    assert expit(head.long_sentence * 5 + head.long_size * 4 + head.long_intercept) < 0.01


@pytest.fixture(scope="module")
def haystack():
    """Sixty sentences of letters without conduct."""
    asks = ("末班车是几点？", "图书馆周末开门吗？", "公园里的桂花开得很好。", "我家住在河东。", "谢谢你们的答复。")
    return "".join(f"请问{n}路公交车，{ask}\n" for n in range(12) for ask in asks)


def test_a_long_text_is_decided_by_its_strongest_sentence(bundle, words, haystack):
    usual = dataclasses.replace(bundle.wording, allowed=(0.0,) * len(bundle.wording.allowed))
    bundle = dataclasses.replace(bundle, wording=usual)
    needle = "我打了十几次电话，他们互相推诿，对老百姓的事不管不问，至今没有人来处理。"
    text = f"{haystack[:700]}。{needle}{haystack[700:]}"
    deaf = dataclasses.replace(bundle, heads=tuple(dataclasses.replace(h, long_intercept=-50.0) for h in bundle.heads))
    keen = dataclasses.replace(bundle, heads=tuple(dataclasses.replace(h, long_intercept=9.0) for h in bundle.heads))
    assert any(h.long_sentence for h in bundle.heads)
    for little in (0, 10**9):
        silent, loud = (Scorer(b, words, little=little).score([Document("1", text)])[0] for b in (deaf, keen))
        assert not any(silent.decided.values())
        shown = [e for e in loud.evidence if e.label == "indifference_to_masses"]
        assert "indifference_to_masses" in loud.labels
        assert shown[0].quote in needle
    # What is not decided has words too, and they are those of its strongest sentence.
    assert Scorer(deaf, words).strongest_words(text, "indifference_to_masses") == (shown[0],)


def test_a_model_that_learned_nothing_of_long_texts_reads_them_as_others(bundle, words, haystack):
    plain = dataclasses.replace(
        bundle, heads=tuple(dataclasses.replace(h, long_sentence=0.0, long_intercept=-50.0) for h in bundle.heads)
    )
    assert Scorer(plain, words).probabilities([haystack])[0].max() > 1e-6


def test_a_promise_holds_for_long_texts_too():
    truth = np.zeros((900, 2), bool)
    truth[:300] = True
    # By the whole text all are plain; in the last three hundred one sentence sounds like conduct.
    margins = np.zeros((900, 2, 2))
    margins[..., 0] = np.where(truth, np.linspace(6, -9, 900)[:, None], -9.0)
    margins[600:, :, 1] = 3.0
    heads = [Head(1, 0, 0, 0, 0.3, 0.3, long_sentence=1.0)] * 2

    def threshold(sentences):
        return keep_promise(heads, margins, np.where(np.arange(900) < 600, 4, sentences), truth, 0.9)[0].threshold

    decided = expit(np.log(0.3 / 0.7) + 3)
    assert threshold(4) < decided < threshold(LONG)
