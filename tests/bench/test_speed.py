import numpy as np
import pytest

from pipeline.bench.contenders import CONTENDERS, Contender
from pipeline.bench.ours import classes_taxonomy
from pipeline.bench.public import speed_texts, tnews
from pipeline.bench.speed import OURS, Lesson, Row, machine, measure_speed
from pipeline.errors import UnfinishedError
from pipeline.taxonomy import parse_taxonomy

GOOD, BAD = "窗口的同志很热情，材料一次讲清。", "跑了四趟没人管，互相推诿。"


#: Learns with characters alone; a child imports it, so it is none of this file's.
LEARN = CONTENDERS[2].teach


def lesson():
    texts = [f"{BAD}{i}" if i % 2 else f"{GOOD}{i}" for i in range(24)]
    return Lesson("几句", texts, np.array([[bool(i % 2)] for i in range(24)]), [BAD, GOOD])


PEERS = [c for c in CONTENDERS if c.needs != ("spacy", "jieba") and not c.missing]


def test_peers_learn_and_floors_decide_nothing():
    for c in PEERS:
        given = lesson()
        called = c.teach(given.texts, given.truth)(given.asked)
        assert called is None if c.floor else called.shape == (2, 1)
        if "sklearn" in c.needs:
            assert called.tolist() == [[True], [False]]


def test_each_reads_in_turn_and_what_is_missing_is_named():
    some = [Contender("没有的", ("no_such_module",), LEARN), CONTENDERS[-1]]
    rows = measure_speed({"短": [GOOD], "长": [BAD] * 9}, lesson(), LEARN, rounds=2, contenders=some)
    assert [r.name for r in rows] == [OURS, "没有的", CONTENDERS[-1].name]
    assert rows[1].missing == ["no_such_module"]
    assert rows[1].seconds == {}
    for row in (rows[0], rows[2]):
        assert {name: len(runs) for name, runs in row.seconds.items()} == {"短": 2, "长": 2}
        assert row.memory["几句"] > 1 << 20
    assert rows[0].called.tolist() == [[True], [False]]
    assert rows[2].called is None


def test_the_memory_of_a_contender_is_its_own_and_not_that_of_who_measures():
    held = np.ones(512 << 20, np.uint8)
    rows = measure_speed({"短": [GOOD]}, lesson(), LEARN, rounds=1, contenders=CONTENDERS[-1:])
    assert all(row.memory["几句"] < held.nbytes for row in rows)


def test_a_ratio_is_the_median_over_runs_side_by_side():
    ours, other = Row("a", seconds={"x": [1.0, 2.0, 4.0]}), Row("b", seconds={"x": [3.0, 2.0, 8.0]})
    assert other.ratio("x", ours) == 2.0
    assert ours.ratio("x", ours) == 1.0
    assert ours.speed("x", 10) == 5.0


def test_classes_become_a_scheme_of_which_one_holds():
    taxonomy = parse_taxonomy(classes_taxonomy(["car", "game"]), "t.toml")
    assert taxonomy.columns == (("class", "car"), ("class", "game"))
    assert taxonomy.schemes[0].kind == "exclusive"


def test_the_machine_is_named():
    assert "核" in machine()


def test_texts_are_taken_evenly(write_jsonl, tmp_path):
    for name, fields in (
        ("teddy2020c_unlabeled", ("title", "detail")), ("fuzhou12345_river", ("title", "text")),
        ("tnews_dev", ("text",)), ("tnews_train", ("text", "label")),
    ):  # fmt: skip
        write_jsonl(f"{name}.jsonl.gz", [{f: f"{f}{i % 3}" for f in fields} for i in range(9)])
    found = speed_texts(tmp_path, 3)
    assert [len(t) for t in found.values()] == [3, 3, 3]
    assert found["留言 teddy"][0] == "title0。detail0"
    names, texts, truth = tnews(tmp_path)
    assert (names, len(texts), truth.sum(0).tolist()) == (["label0", "label1", "label2"], 9, [3, 3, 3])


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_messages_are_as_long_as_real_ones_and_can_be_read(tmp_path, suffix):
    from pipeline.batch.sources import open_source
    from pipeline.bench.messages import QUANTILES, sentences_of, write_messages

    sentences = sentences_of([GOOD, BAD, "问：为什么？"])
    assert sentences[:2] == [GOOD, BAD]
    write_messages(tmp_path / f"m{suffix}", 400, sentences)
    found = list(open_source(tmp_path / f"m{suffix}"))
    lengths = np.array([len(d.text) for d in found])
    assert len({d.id for d in found}) == 400
    assert lengths.min() >= QUANTILES[0][1]
    assert lengths.max() <= QUANTILES[-1][1]
    half = dict(QUANTILES)[0.5]
    assert 0.8 * half < np.median(lengths) < 1.25 * half
    assert found[0].meta["unit"] == "第0局"


def test_a_night_is_watched_from_outside(home, tmp_path):
    from pipeline.bench.messages import write_messages
    from pipeline.bench.night import watch_night

    write_messages(tmp_path / "m.csv", 30, [GOOD, BAD])
    state = tmp_path / "state"
    store = f"sqlite:///{state / 's.sqlite3'}"
    first, second = (watch_night(tmp_path / "m.csv", store, home=home, state=state) for _ in range(2))
    assert (first.report["new"], second.report["new"], second.report["unchanged"]) == (30, 0, 30)
    assert first.memory > 10 << 20
    assert {"读", "写库", "排队"} <= set(first.report["steps"])
    with pytest.raises(UnfinishedError, match=r"none\.csv"):
        watch_night(tmp_path / "none.csv", store, home=home, state=state)
