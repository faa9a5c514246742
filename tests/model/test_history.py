"""What the history says of models that went live, when the machine died between a line and its switch."""

import pytest

from pipeline.model.history import open_history
from pipeline.model.registry import champion_id


def write(folder, model):
    """Put ``model`` live as an editor would: the history does not care whether there is such a one."""
    (folder / "champion").write_text(model + "\n", encoding="utf-8")


@pytest.fixture
def switch(tmp_path, monkeypatch):
    """Make a model live; ``dies`` between its line and the switch."""

    def run(model, action="promote", *, dies=False):
        with open_history(tmp_path) as history, monkeypatch.context() as patch:
            patch.setattr("pipeline.model.history.set_champion", (lambda *_: None) if dies else write)
            history.make_live(model, action=action, author="甲", reason="换")

    return run


@pytest.fixture
def back(tmp_path, switch):
    """Go back, as `rollback` does; return where that led."""

    def run(**how):
        with open_history(tmp_path) as history:
            history.note_outside()
            target = history.origin()
        if target is not None:
            switch(target, "rollback", **how)
        return target

    return run


def test_a_model_that_never_went_live_is_not_gone_back_to(tmp_path, switch, back):
    switch("a", "first")
    switch("b", dies=True)
    assert (back(), champion_id(tmp_path)) == (None, "a")
    switch("c")
    assert (back(), back()) == ("a", None)


def test_going_back_that_was_cut_off_goes_back_as_far_when_asked_again(switch, back):
    for name in ("a", "c", "b", "c"):
        switch(name)
    back(dies=True)
    assert [back() for _ in range(4)] == ["b", "c", "a", None]


def test_what_was_undone_by_hand_is_not_gone_back_to(tmp_path, switch, back):
    for name in ("a", "b", "c"):
        switch(name)
    write(tmp_path, "b")
    assert back() == "a"
