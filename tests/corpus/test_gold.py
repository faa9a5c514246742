import json

import pytest

from pipeline.corpus.gold import label_matrix, read_gold
from pipeline.errors import CorpusError


def record(taxonomy, **changes):
    scheme = taxonomy.schemes[0]
    base = {
        "id": "1",
        "text": "反映了三个月没人管",
        "labels": {scheme.id: [scheme.label_ids[0]]},
        "evidence": [{"start": 2, "end": 9, "label": scheme.label_ids[0]}],
    }
    return {**base, **changes}


def test_a_text_reads_back_with_its_labels_spans_and_its_own_group(write_jsonl, taxonomy):
    [g] = read_gold([write_jsonl("g.jsonl", [record(taxonomy)])], taxonomy)
    assert g.text[g.evidence[0].start : g.evidence[0].end] == "了三个月没人管"
    assert g.group == g.id
    assert label_matrix([g], taxonomy)[0].tolist() == [True] + [False] * (len(taxonomy.columns) - 1)


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_line_end_inside_a_text_ends_no_record(write_jsonl, taxonomy, end, newline):
    path = write_jsonl("g.jsonl", [record(taxonomy, text=f"反映了三个月没人管{end}请处理", id=n) for n in "12"])
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8", newline=newline)
    assert [g.text for g in read_gold([path], taxonomy)] == [f"反映了三个月没人管{end}请处理"] * 2


def test_every_bad_line_of_every_file_is_reported(tmp_path, taxonomy):
    good = record(taxonomy)
    lines = [
        "{",
        "[]",
        json.dumps({**good, "text": " "}),
        json.dumps({**good, "id": "2", "labels": {"none": []}}),
        json.dumps({**good, "id": "3", "evidence": [{"start": 5, "end": 99, "label": "x"}]}),
        json.dumps({**good, "id": "4", "part": "validation"}),
        json.dumps({**good, "id": "5", "labels": {}}),
        json.dumps({**good, "id": "6"}),
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "b.jsonl").write_text(json.dumps({**good, "id": "6"}), encoding="utf-8")
    with pytest.raises(CorpusError) as e:
        read_gold([tmp_path / "a.jsonl", tmp_path / "b.jsonl"], taxonomy)
    places = {d.split(" ")[0] for d in e.value.details}
    assert places == {*(f"a.jsonl:{n}" for n in range(1, 8)), "b.jsonl:1"}
    assert "corpus snapshot" in e.value.hint


@pytest.mark.parametrize(
    ("name", "content"), [("a.xlsx", b"PK\xa0"), ("a.csv", b"id,text\n1,x\n"), ("a.json", b"\n[\n{}]")]
)
def test_a_labelled_file_of_another_kind_is_sent_to_where_it_is_turned_into_lines(tmp_path, taxonomy, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorpusError, match="ZF-GOLD-READ") as e:
        read_gold([tmp_path / name], taxonomy)
    assert "corpus import" in e.value.hint


def test_no_text_at_all_and_no_file_are_errors(tmp_path, taxonomy):
    (tmp_path / "e.jsonl").write_text("\n", encoding="utf-8")
    for path in (tmp_path / "e.jsonl", tmp_path / "none.jsonl"):
        with pytest.raises(CorpusError):
            read_gold([path], taxonomy)
