from pipeline.model.runs import code_hash, read_runs, record_run


def test_runs_are_added_and_a_torn_line_hides_none(models, trained, bundle, tmp_path):
    source = {"file": "a\u2028b.jsonl", "sha256": "0" * 64}
    record_run(models, trained.name, author="甲", sources=[source], held_back=0, seconds=1.23)
    with (models / "runs.jsonl").open("a", encoding="utf-8") as out:
        out.write('{"at": ')
    record_run(models, trained.name, author="乙", sources=[], held_back=3, seconds=2, figures={"schemes": {}})
    first, second = read_runs(models)
    assert (first["author"], second["author"]) == ("甲", "乙")
    assert first["corpus"] == bundle.manifest["corpus"]
    assert first["sources"] == [source]
    assert first["code"] == code_hash()
    assert read_runs(tmp_path) == []
