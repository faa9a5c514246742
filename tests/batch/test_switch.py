"""A model that is replaced while a night runs."""

import shutil

import pytest

from pipeline.batch.nightly import nightly
from pipeline.batch.sources import ColumnMap, Limits
from pipeline.model.bundle import load_bundle, save_changed
from pipeline.model.promote import first, promote
from pipeline.model.registry import champion_id, find_model
from pipeline.model.score import Scorer


@pytest.fixture
def two(trained, bundle, tmp_path):
    folder = tmp_path / "models"
    shutil.copytree(trained, folder / trained.name)
    other = save_changed(bundle, folder, copied=True)
    first(folder, trained.name, author="甲")
    return folder, other.name


def test_a_night_keeps_the_model_it_began_with(two, words, write_jsonl, some_gold, tmp_path):
    folder, other = two
    source = write_jsonl("in.jsonl", [{"id": g.id, "text": g.text} for g in some_gold[:40]])
    began = champion_id(folder)

    def switch(number, files, name, records):
        if champion_id(folder) == began:
            promote(folder, other, author="乙", reason="半夜", force=True)

    def night(progress=lambda *of: None):
        return nightly(
            source=str(source), scorer=Scorer(find_model(folder), words), store=f"sqlite:///{tmp_path / 's.sqlite3'}",
            state=tmp_path / "state", columns=ColumnMap(), limits=Limits(), chunk=10, progress=progress,
        )  # fmt: skip

    report = night(switch)
    assert champion_id(folder) == other
    assert (report.model, report.scored) == (began, 40)
    after = night()
    assert (after.model, after.rescored) == (other, 40)
    assert load_bundle(folder / other).id == after.model
