import numpy as np
import pytest

from pipeline.bench.curve import SHARES, _local, draw_curve, learning_curve
from pipeline.bench.public import labelled_messages, public_folder, unlabelled_messages
from pipeline.errors import ConfigError


@pytest.fixture(scope="module")
def points(some_gold, taxonomy):
    train, test, real = some_gold[::2], some_gold[1::4], some_gold[3::4]
    return learning_curve(train, test, real, taxonomy, first=lambda g: g.id < "n", local=20)


def test_each_share_holds_more_and_is_measured_three_ways(points):
    sizes = [p.texts for p in points[3::3]]
    assert len(points) == 3 * (len(SHARES) + 1)
    assert sizes == sorted(sizes)
    assert sizes[-1] == points[-1].texts > sizes[0]
    assert all(0 <= v <= 1 for p in points for v in p.macro_f1.values())


def test_a_rare_label_counts_in_what_is_left_of_the_messages_too(taxonomy):
    truth = np.zeros((60, len(taxonomy.columns)), bool)
    truth[:40, 0] = truth[40:46, 1] = True
    scores = truth * 0.9
    scores[:, 1] = 0
    assert _local(scores, truth, taxonomy, 40)[taxonomy.schemes[0].id] == 0.5


def test_the_curve_is_a_picture(points, taxonomy, tmp_path):
    path = tmp_path / "curve.svg"
    draw_curve(points, taxonomy, path)
    assert "<svg" in path.read_text(encoding="utf-8")


def test_public_data_is_read_where_it_lies(write_jsonl, tmp_path, taxonomy):
    write_jsonl("teddy2020c_public.jsonl.gz", [{"id": "1", "title": "路灯", "detail": "\t不亮 三天\n"}])
    write_jsonl("fuzhou12345_river.jsonl.gz", [{"id": "2", "title": "河", "text": "黑臭"}])
    write_jsonl("teddy2020c_unlabeled.jsonl.gz", [{"id": "3", "title": "问", "detail": " 何时通车"}])
    write_jsonl(
        "real_dev_labels.jsonl", [{"id": "td-1", "labels": {"types": ["falsification"]}}, {"id": "fz-2", "labels": {}}]
    )
    folder = public_folder(tmp_path, tmp_path)
    gold = labelled_messages(folder, taxonomy)
    assert [(g.text, g.labels["types"]) for g in gold] == [("路灯。不亮三天", ("falsification",)), ("河。黑臭", ())]
    assert unlabelled_messages(folder) == ["问。何时通车"]


def test_a_missing_folder_is_said(tmp_path):
    with pytest.raises(ConfigError, match="ZF-BENCH-DATA"):
        public_folder(tmp_path / "none", tmp_path)
