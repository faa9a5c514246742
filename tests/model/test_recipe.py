import pytest

from pipeline.errors import ConfigError
from pipeline.model.recipe import Settings, read_settings


def test_what_a_file_leaves_out_is_as_by_default(tmp_path):
    file = tmp_path / "training.toml"
    file.write_text("strange = 1\nfolds = 5\n", encoding="utf-8")
    assert read_settings(file) == Settings(strange=1.0, folds=5)


def test_all_mistakes_are_named_at_once(tmp_path):
    file = tmp_path / "training.toml"
    wrong = 'strange = "much"\nfolds = 2.5\ncolour = 3\n'
    twice = '[[experts]]\nregisters = ["notice"]\n[[experts]]\nregisters = ["notice", "speech"]\n'
    file.write_text(wrong + twice, encoding="utf-8")
    with pytest.raises(ConfigError) as e:
        read_settings(file)
    assert sorted(d.split(" ")[0] for d in e.value.details) == ["colour", "experts", "folds", "strange"]


@pytest.mark.parametrize("content", [b"lean = ", b"\xff\xfe"])
def test_what_is_no_toml_is_named(tmp_path, content):
    file = tmp_path / "training.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="TOML"):
        read_settings(file)
    with pytest.raises(ConfigError, match="读不到"):
        read_settings(tmp_path / "none.toml")


def test_the_settings_of_the_corpus_name_its_registers(root, gold):
    made = read_settings(root / "corpora" / "training.toml")
    known = {g.register for g in gold}
    assert {r for e in made.experts for r in e.registers} == known
