"""Other people's schemes, in small: made-up files shaped like the public ones."""

import gzip
import json

import numpy as np
import pytest

from pipeline.bench.peers import PEERS, peer_decisions
from pipeline.bench.schemes import measure_set
from pipeline.bench.sets import SETS, missing_sets, write_home
from pipeline.cli.common import run_command
from pipeline.corpus.gold import label_matrix, read_gold
from pipeline.errors import ConfigError
from pipeline.taxonomy import load_taxonomy

ABOUT = {"交通": ["公交车不来", "路口堵车", "红绿灯坏了"], "教育": ["学校收费", "老师辅导", "孩子上学难"]}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(1)

    def write(name, records):
        body = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records)
        (folder / name).write_bytes(gzip.compress(body.encode()))

    def some(label):
        return "，".join(rng.choice(ABOUT[label], 2).tolist())

    labels = [list(ABOUT)[i % 2] for i in range(80)]
    write(
        "teddy2020c_public.jsonl.gz",
        [{"id": f"m{i}", "label": a, "title": some(a), "detail": " 请 处理\n谢谢"} for i, a in enumerate(labels)],
    )
    sentences = [
        {"id": f"d{i}-{k}", "doc": f"d{i}", "text": text, "labels": given}
        for i, a in enumerate(labels)
        for k, (text, given) in enumerate([(some(a), [a]), ("经审理查明", [])])
    ]
    write("cail2019_loan.jsonl.gz", sentences)
    return folder


def test_documents_stay_on_one_side_and_labels_keep_their_names(data, tmp_path):
    write_home(SETS["loan"], data, tmp_path / "loan")
    taxonomy = load_taxonomy(tmp_path / "loan" / "corpora" / "taxonomy.toml")
    assert {label.name for label in taxonomy.schemes[0].labels} == set(ABOUT)
    gold = read_gold([tmp_path / "loan" / "corpora" / "gold" / "texts.jsonl"], taxonomy)
    assert len(gold) == 160
    parts = {}
    for g in gold:
        assert parts.setdefault(g.group, g.part) == g.part
    assert 0.5 < sum(p == "train" for p in parts.values()) / 80 < 0.9
    assert sum(not g.positive for g in gold) == 80


@pytest.mark.parametrize("name", PEERS)
def test_every_peer_learns_what_is_plain(name, data, tmp_path):
    for given in ("teddy", "loan"):
        write_home(SETS[given], data, tmp_path / given)
        taxonomy = load_taxonomy(tmp_path / given / "corpora" / "taxonomy.toml")
        gold = read_gold([tmp_path / given / "corpora" / "gold" / "texts.jsonl"], taxonomy)
        train, test = ([g for g in gold if g.part == part] for part in ("train", "test"))
        called = peer_decisions(name, train, test, taxonomy)
        assert (called == label_matrix(test, taxonomy)).mean() > 0.95
        if given == "teddy":
            assert (called.sum(1) == 1).all()


def test_a_set_is_trained_and_measured_by_the_commands(data, tmp_path):
    told = []

    def run(command):
        told.append(command[0])
        return run_command(command)

    found = measure_set(SETS["teddy"], data, tmp_path / "teddy", run, minutes=0.01)
    assert told == ["train"]
    assert found.train + found.test == 80
    assert found.own.macro > 0.9
    assert found.peer.micro[1] <= found.peer.micro[0] <= found.peer.micro[2]
    assert found.settings["c"] > 0


def test_what_is_missing_is_named(data):
    with pytest.raises(ConfigError) as e:
        missing_sets(data, ["teddy", "duee"])
    assert e.value.details == ("duee_event_train.jsonl.gz", "duee_event_test.jsonl.gz")


def test_the_command_prints_one_table(data, capsys):
    run_command(["bench", "public", "--public", str(data), "--set", "loan", "--search", "0"])
    printed = capsys.readouterr().out
    assert "words and chars" in printed
    assert "loan：词 2 元，字 1–2 元" in printed
