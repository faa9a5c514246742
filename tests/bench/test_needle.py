from types import SimpleNamespace

from pipeline.bench.needle import SENTENCES, Found, Needle, Read, find_needles, hide_needles, read_alone
from pipeline.text.sentences import split_sentences


def test_a_case_is_thirty_sentences_with_one_of_another_text_in_the_middle(some_gold):
    needles = hide_needles(some_gold, cases=3)
    assert len(needles) == 3
    innocent = {g.text for g in some_gold if not g.positive}
    for n in needles:
        assert n.text.replace(n.sentence, "", 1) == n.control
        assert n.labels
        [sentence] = [g for g in some_gold if g.id == n.id]
        assert sentence.text[n.start :].startswith(n.sentence)
        assert n.labels <= {label for of in sentence.labels.values() for label in of}
        assert any(text[:8] == n.control[:8] for text in innocent)
        assert len(split_sentences([n.text]).row) >= SENTENCES - 5
    assert len({n.control for n in needles}) == 3


def test_a_needle_is_found_by_evidence_of_its_label_in_its_sentence():
    needles = [Needle(f"好。{n}坏。好。", f"好。好。{n}", f"{n}坏。", frozenset({"x"}), str(n), 0) for n in range(4)]

    def said(label, start, end):
        return SimpleNamespace(evidence=[SimpleNamespace(label=label, start=start, end=end)], decided={"s": (label,)})

    # In it and reaching over its edge; of another label; beside it on both sides.
    answers = {needles[0].text: said("x", 4, 7), needles[1].text: said("y", 2, 5), needles[2].text: said("x", 0, 2),
               needles[3].text: said("x", 5, 7), needles[3].control: said("y", 0, 1)}  # fmt: skip
    nothing = SimpleNamespace(evidence=[], decided={"s": ()})
    scorer = SimpleNamespace(score=lambda documents, evidence=True: [answers.get(d.text, nothing) for d in documents])
    assert find_needles(scorer, needles) == Found(4, 1, 1)


def test_what_people_saw_in_a_sentence_alone_is_counted_apart_for_cases_and_others(some_gold):
    seen, missed, unread = hide_needles(some_gold, cases=3)
    innocent = next(g for g in some_gold if not g.positive)
    none = {"categories": [], "types": []}
    right = {**none, "types": sorted(seen.labels)}
    records = [
        {"id": seen.id, "start": seen.start, "first": right, "second": none},
        {"id": missed.id, "start": missed.start, "first": none, "second": {**none, "types": ["x"]}},
        {"id": unread.id, "start": unread.start + 1, "first": right, "second": right},
        {"id": innocent.id, "start": 0, "first": none, "second": right},
    ]
    assert read_alone([seen, missed, unread], records, some_gold) == Read(2, (1, 0), 1, (0, 1))
