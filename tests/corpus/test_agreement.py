import json

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from pipeline.bench.needle import LONGEST, SHORTEST
from pipeline.corpus.agreement import agreement, kappa, mean_f1, mean_kappa, pair_records, read_pairs
from pipeline.corpus.check import SHARED
from pipeline.corpus.grams import Grams, squeeze
from pipeline.errors import CorpusError


def test_kappa_is_scikit_learns():
    rng = np.random.default_rng(0)
    a = rng.random(500) < 0.3
    b = a ^ (rng.random(500) < 0.1)
    assert kappa(a, b) == pytest.approx(cohen_kappa_score(a, b))
    assert np.isnan(kappa(a & False, b & False))


def test_pairs_are_read_and_measured(tmp_path, taxonomy):
    one = {"categories": ["fabrication"], "types": []}
    none = {"categories": [], "types": []}
    lines = [{"id": "1", "first": one, "second": one}, {"id": "2", "first": one, "second": none}]
    lines += [{"id": str(n), "first": none, "second": none} for n in range(3, 9)]
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in lines), encoding="utf-8")
    found = agreement(*read_pairs(path, taxonomy), taxonomy)
    fabrication = next(a for a in found if a.label == "fabrication")
    assert (fabrication.first, fabrication.second, fabrication.both) == (2, 1, 1)
    assert fabrication.f1 == pytest.approx(2 / 3)
    assert mean_kappa(found, "categories") == pytest.approx(fabrication.kappa)
    assert mean_f1(found, "categories") == pytest.approx(2 / 3)
    # Of a scheme that nobody used there is nothing to say, and no warning either.
    assert np.isnan([mean_kappa(found, "types"), mean_f1(found, "types")]).all()
    assert {a.said for a in found if a.scheme == "types"} == {"–"}


def test_an_unknown_label_is_named(tmp_path, taxonomy):
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"id": "1", "first": {"types": ["nonsense"]}, "second": {}}\n', encoding="utf-8")
    with pytest.raises(CorpusError) as raised:
        read_pairs(path, taxonomy)
    assert any("nonsense" in d for d in raised.value.details)


def test_any_line_end_in_a_text_a_blank_line_and_a_mark_at_the_start_are_read_and_bad_lines_named(tmp_path, taxonomy):
    none = {"categories": [], "types": []}
    good = json.dumps({"id": "甲\u2028乙\u2029丙\x85", "first": none, "second": none}, ensure_ascii=False)
    path = tmp_path / "pairs.jsonl"
    path.write_text(f"\ufeff{good}\r\n\r\n{good}\r\n", encoding="utf-8", newline="")
    assert len(read_pairs(path, taxonomy)[0]) == 2
    path.write_text(f'{good}\n[]\n{{"id": "3", "first"', encoding="utf-8")
    with pytest.raises(CorpusError) as raised:
        read_pairs(path, taxonomy)
    assert [d.split(" ")[0] for d in raised.value.details] == ["pairs.jsonl:2", "pairs.jsonl:3"]
    path.write_text("\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="ZF-SECOND-EMPTY"):
        read_pairs(path, taxonomy)
    path.write_bytes("第二人".encode("gb18030"))
    with pytest.raises(CorpusError, match="ZF-SECOND-READ"):
        read_pairs(path, taxonomy)


def test_the_corpus_was_labelled_twice(corpora, taxonomy):
    """What the data card promises: 600 texts, agreement over the bar before adjudication."""
    first, second = read_pairs(corpora / "second.jsonl", taxonomy)
    found = agreement(first, second, taxonomy)
    assert len(first) >= 590
    assert mean_kappa(found, "types") >= 0.8
    assert mean_kappa(found, "categories") >= 0.7


def test_another_person_labelled_the_whole_test_part(corpora, taxonomy, gold):
    path = corpora / "second-test.jsonl"
    first, second = read_pairs(path, taxonomy)
    test = {g.id: g for g in gold if g.part == "test"}
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert {r["id"] for r in records} == set(test)
    assert all({s: tuple(v) for s, v in r["first"].items()} == test[r["id"]].labels for r in records)
    found = agreement(first, second, taxonomy)
    assert min(mean_f1(found, s.id) for s in taxonomy.schemes) >= 0.8


def test_two_people_read_single_sentences_of_the_test_part(corpora, taxonomy, gold):
    path = corpora / "second-sentences.jsonl"
    test = {g.id: g for g in gold if g.part == "test"}
    records = pair_records(path, taxonomy)
    assert all(SHORTEST <= len(test[r["id"]].text[r["start"] : r["end"]]) <= LONGEST for r in records)
    assert len({(r["id"], r["start"]) for r in records}) == len(records)
    assert sum(test[r["id"]].positive for r in records) > len(records) / 2
    found = agreement(*read_pairs(path, taxonomy), taxonomy)
    assert min(mean_kappa(found, s.id) for s in taxonomy.schemes) >= 0.8


def test_two_people_labelled_retold_bulletins_that_nothing_learns_from(corpora, taxonomy, gold):
    path = corpora / "retold.jsonl"
    retold = Grams([squeeze(r["text"]) for r in pair_records(path, taxonomy)], SHARED)
    assert len(retold.texts) >= 200
    # The few are sorted, not the millions they are looked for among.
    own, which = np.unique(retold.hashes, return_inverse=True)
    theirs = Grams([squeeze(g.text) for g in gold], SHARED).hashes
    at = np.minimum(np.searchsorted(own, theirs), len(own) - 1)
    known = np.zeros(len(own))
    known[at[own[at] == theirs]] = 1
    share = np.bincount(retold.text, known[which]) / np.bincount(retold.text)
    assert share.max() < 1 / 3  # cases, penalties and names of offices may be the same; copies are not


def test_two_people_read_alike_what_was_written_against_the_model(corpora, taxonomy, gold):
    path = corpora / "adversarial.jsonl"
    records = pair_records(path, taxonomy)
    for r in records:
        said = {x for of in r["first"].values() for x in of}
        assert {e["label"] for e in r.get("evidence", ())} == said, r["id"]
        assert all(0 <= e["start"] < e["end"] <= len(r["text"]) for e in r.get("evidence", ())), r["id"]
    assert len({r["id"] for r in records}) == len(records)
    assert not {r["text"] for r in records} & {g.text for g in gold}
    positive = np.mean([any(r["first"].values()) for r in records])
    assert 0.45 < positive < 0.55
    found = agreement(*read_pairs(path, taxonomy), taxonomy)
    assert min(mean_kappa(found, s.id) for s in taxonomy.schemes) >= 0.9
