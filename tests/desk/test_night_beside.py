"""A night writes while people review: nothing is lost, nothing overwritten; on both databases."""

import json
import shutil
import threading

import pytest
from django.db import connections
from django.db.models import F

from pipeline.batch.nightly import nightly
from pipeline.batch.sources import ColumnMap, Limits
from pipeline.bench.desk.drive import Crew, Made, drive
from pipeline.bench.desk.fill import fill
from pipeline.bench.desk.measure import sessions_of
from pipeline.bench.desk.night import lost, overwritten, write_inbox
from pipeline.desk.cases import refresh_if_new
from pipeline.desk.configure import open_desk
from pipeline.desk.tables import Case, CaseLabel
from pipeline.settings import load_settings


@pytest.fixture
def filled(store, tmp_path, some_gold, taxonomy, corpora):
    """The settings of a desk whose store holds six hundred documents, sixty of them decided."""
    (tmp_path / "home" / "corpora").mkdir(parents=True)
    shutil.copy(corpora / "taxonomy.toml", tmp_path / "home" / "corpora")
    settings = load_settings(tmp_path / "home", store=store, desk={"second_percent": 0})
    open_desk(settings)

    fill([g.text for g in some_gold], taxonomy.columns, documents=600, reviews=60)
    return settings


def test_a_night_and_three_people_do_not_get_in_each_others_way(filled, serving, scorer, some_gold, tmp_path):
    source, crew, end = tmp_path / "in.jsonl", Crew(), threading.Event()
    write_inbox(source, [g.text for g in some_gold], 300)
    with serving(filled) as address:
        from django.db import connections

        # The server's threads are gone before anybody could close what they keep.
        connections.settings["default"]["CONN_MAX_AGE"] = 0
        people = threading.Thread(
            target=drive,
            args=(address, sessions_of(3)),
            kwargs={"words": ["办理"], "filters": ["order=newest"], "seconds": 600, "think": 0.1, "until": end}
            | {"crew": crew},
        )
        people.start()
        try:
            assert crew.at_work.wait(60)
            report = nightly(
                source=str(source), scorer=scorer, store=filled.store_url, state=tmp_path / "state",
                columns=ColumnMap(), limits=Limits(), chunk=20,
            )  # fmt: skip
        finally:
            end.set()
            people.join()
    records = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    assert (report.state, report.scored, report.aside) == ("done", len(records), [])
    assert crew.errors == []
    assert lost(crew.made) == []
    assert overwritten() == []


def test_what_a_killed_night_left_is_taken_in_once_nobody_is_at_work(filled, scorer, some_gold, tmp_path):
    def night(after="", killed_at=99):
        """What looks brought while it went on: the cases that were taken in then, after each chunk."""
        looks = []

        def progress(number, files, name, read):
            looks.append(refresh_if_new())
            if read >= killed_at:
                raise KeyboardInterrupt

        lines = [json.dumps({"id": f"K{n}", "text": g.text + after}) for n, g in enumerate(some_gold[:60])]
        (tmp_path / "k.jsonl").write_text("\n".join(lines), encoding="utf-8")
        try:
            nightly(
                source=str(tmp_path / "k.jsonl"), scorer=scorer, store=filled.store_url, state=tmp_path / "state",
                columns=ColumnMap(), limits=Limits(), chunk=20, progress=progress,
            )  # fmt: skip
        except KeyboardInterrupt:
            connections.close_all()  # as the end of its process does
        return looks

    def behind():
        return Case.objects.exclude(text_hash=F("document__text_hash")).count()

    night()
    refresh_if_new()
    for killed_at in (20, 40):
        assert set(night("至今没有人来。", killed_at)) == {0}
        assert (behind(), refresh_if_new(), behind()) == (20, 20, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.desk.cases.take_in", lambda: 1 / 0)
        assert refresh_if_new() == 0


def test_what_is_lost_or_overwritten_is_found(filled, taxonomy):
    assert lost([Made("load01", 1, ("no_such_label",))]) == ["load01 1 ('no_such_label',)"]
    decided = Case.objects.filter(state="done").first()
    Case.objects.filter(pk=decided.pk).update(state="open")
    assert [line.split()[0] for line in overwritten()] == [str(decided.pk)]
    Case.objects.filter(pk=decided.pk).update(state="done")
    CaseLabel.objects.filter(case=decided).delete()
    assert [line.split()[0] for line in overwritten()] == [str(decided.pk)]
