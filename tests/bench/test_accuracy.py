import json
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.bench import accuracy
from pipeline.bench.accuracy import by_length, false_alarms, on_messages, span_f1
from pipeline.bench.public import second_reading
from pipeline.corpus.gold import Gold, label_matrix
from pipeline.model.slices import BANDS


def test_local_thresholds_are_measured_on_the_others(scorer, some_gold):
    found = on_messages(scorer, some_gold[:200], reviewed=(60,))
    assert [f.reviewed for f in found] == [0, 60]
    for f in found:
        assert set(f.macro_f1) == {"categories", "types"}
        assert 0 <= f.problem_f1 <= 1


def test_reviewing_some_does_not_change_which_labels_the_macro_average_is_of(taxonomy, monkeypatch):
    """A model that no review teaches anything: it finds the frequent label and never the rare one."""
    (scheme, often), (_, rarely) = taxonomy.columns[:2]
    messages = [
        Gold(str(i), str(i), {scheme: (often,) if i < 40 else (rarely,) if i < 46 else ()}, group=str(i))
        for i in range(60)
    ]
    called = label_matrix(messages, taxonomy)
    called[:, 1] = False
    called[59, 2] = True
    # Every text is its own number, so that it can be seen who learns and who is measured.
    numbers = np.arange(60)
    learned, measured = [], []

    def fit(seen, truth):
        learned.append(seen)
        return SimpleNamespace(apply=lambda rest: measured.append(rest) or rest, threshold=None)

    stand_in = SimpleNamespace(
        bundle=SimpleNamespace(taxonomy=taxonomy), look=lambda texts: numbers, probabilities=lambda texts: numbers,
        decide=lambda of, threshold=None: called[of],
    )  # fmt: skip
    monkeypatch.setattr(accuracy, "settle", lambda scorer: scorer)
    monkeypatch.setattr(accuracy, "fit_adaptation", fit)
    found = on_messages(stand_in, messages, reviewed=(10, 40))
    assert [f.macro_f1[scheme] for f in found] == [0.5, 0.5, 0.5]
    assert [f.rates for f in found] == [pytest.approx((40 / 41, 40 / 46, 1 / 14))] * 3
    assert found[0].macro_left[scheme] == 0.5
    assert found[2].macro_left[scheme] == 1.0
    for size in (10, 40):
        here = [(a, b) for a, b in zip(learned, measured, strict=True) if len(a) == size]
        assert len(here) >= 10
        assert all(sorted([*local, *rest]) == numbers.tolist() for local, rest in here)
        # Nobody is measured more often than another, or the few rare ones would be counted twice or never.
        assert len(set(np.bincount(np.concatenate([rest for _, rest in here])))) == 1


def test_texts_of_each_length_have_figures_of_their_own(scorer, some_gold, taxonomy):
    called = label_matrix(some_gold, taxonomy)
    short = np.array([len(g.text) for g in some_gold]) <= BANDS[0]
    called[short] = False
    rows = {name: (many, share, found) for name, many, share, found in by_length(some_gold, called, taxonomy)}
    assert sum(many for many, _, _ in rows.values()) == len(some_gold)
    (many, share, found), *others = rows.values()
    assert many == short.sum()
    assert share == pytest.approx(np.mean([g.positive for g in some_gold if len(g.text) <= BANDS[0]]))
    assert found.problem_f1 == 0
    assert {f.problem_f1 for _, _, f in others} == {1.0}


def test_who_labelled_the_messages_again_is_compared_text_by_text(taxonomy, tmp_path):
    (scheme, one), (_, another) = taxonomy.columns[:2]
    messages = [Gold(n, n, {scheme: (one,)}, group=n) for n in ("a", "b", "c")]
    path = tmp_path / "second.jsonl"
    path.write_text(
        "".join(
            json.dumps({"id": n, "labels": {scheme: labels}}) + "\n" for n, labels in (("c", [another]), ("a", []))
        ),
        encoding="utf-8",
    )
    again = second_reading(path, messages)
    assert [(g.id, g.text, g.labels[scheme]) for g in again] == [("a", "a", ()), ("c", "c", (another,))]


def test_false_alarms_count_the_innocent_of_the_registers(some_gold, taxonomy):
    called = np.zeros((len(some_gold), len(taxonomy.columns)), bool)
    at = next(i for i, g in enumerate(some_gold) if g.register == "message_board" and not g.positive)
    called[at, 0] = True
    innocent, share = false_alarms(some_gold, called, ("message_board",))
    assert share == pytest.approx(1 / innocent)
    assert false_alarms(some_gold, called, ("speech",))[1] == 0


def test_evidence_meets_what_people_marked(scorer, some_gold):
    f1, shown = span_f1(scorer, [g for g in some_gold if g.positive][:60])
    assert f1 > 0.3
    assert shown == 1
