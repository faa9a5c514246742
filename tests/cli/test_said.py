"""What a verb says of what comes next."""

from io import StringIO
from types import SimpleNamespace

import pytest
from rich.console import Console

from pipeline.cli import promote, sample
from pipeline.errors import ConfigError


def test_no_sample_is_drawn_where_the_live_model_has_scored_nothing_yet(monkeypatch):
    monkeypatch.setattr(sample, "load_settings", lambda *a, **k: SimpleNamespace(store_url="sqlite:///x"))
    monkeypatch.setattr(sample, "open_scorer", lambda *a: SimpleNamespace(bundle=SimpleNamespace(id="m-2")))
    monkeypatch.setattr("pipeline.batch.stored.stored_documents", lambda *a: [SimpleNamespace(decided=None)])
    with pytest.raises(ConfigError) as e:
        sample.draw_command(desk=True)
    assert e.value.code == "ZF-SAMPLE-NONE"
    assert "zuofeng rescore --model m-2" in e.value.hint


@pytest.mark.parametrize(("live", "told"), [("m-1", True), ("m-2", False), (None, False)])
def test_who_changes_the_live_model_is_told_how_stored_scores_follow(monkeypatch, tmp_path, live, told):
    monkeypatch.setattr("pipeline.model.registry.champion_id", lambda _: live)
    monkeypatch.setattr("pipeline.model.promote.promote", lambda *a, **k: None)
    monkeypatch.setattr("pipeline.model.promote.told", lambda _: "比较的数字")
    for name in ("compare_with_live", "open_scorer", "note"):
        monkeypatch.setattr(promote, name, lambda *a, **k: "比较")
    settings, out = SimpleNamespace(model_copy=lambda update: None), StringIO()
    promote.make_live(settings, tmp_path, "m-2", author="我", reason="", screen=Console(file=out, width=40))
    assert ("zuofeng rescore --model m-2" in out.getvalue()) is told
