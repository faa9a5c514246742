"""A model with an encoder through the commands of a home."""

import json
import shutil

import pytest
from cli.conftest import as_record
from encoders import write_encoder

from pipeline.model.registry import champion_id


@pytest.fixture
def trained_with(zuofeng, home, encoder):
    """Train with the encoder of the home, live; return what was printed."""

    def train(*arguments):
        shutil.rmtree(home / "models")
        done = zuofeng("train", "--all-parts", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return train


@pytest.fixture
def configured(home, encoder):
    """The encoder in the home, in its settings."""
    shutil.copytree(encoder, home / "encoder")
    (home / "zuofeng.toml").write_text('encoder = "encoder"\n', encoding="utf-8")


def test_a_home_with_an_encoder_trains_scores_and_asks_why(
    zuofeng, home, trained_with, configured, write_jsonl, some_gold
):
    assert "用它打分也要编码器" not in trained_with()
    model = champion_id(home / "models")
    manifest = json.loads((home / "models" / model / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["encoder"]["dimensions"] == 8
    assert manifest["corpus"]["test"] == sum(g.part == "test" for g in some_gold) > 0
    (run,) = [json.loads(line) for line in (home / "models" / "runs.jsonl").read_text(encoding="utf-8").splitlines()]
    assert run["encoder"] == manifest["encoder"]

    records = [{"id": f"件{i}", "text": g.text} for i, g in enumerate(some_gold[:40])]
    done = zuofeng("nightly", "--source", write_jsonl("in.jsonl", records))
    assert done.returncode == 0, done.stderr
    again = zuofeng("why", "--sample", "40", "--format", "json")
    assert again.returncode == 0, again.stdout + again.stderr
    assert {json.loads(line)["outcome"] for line in again.stdout.splitlines()} == {"same"}

    done = zuofeng("classify", input="".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records))
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert {r["model"] for r in found} == {model}
    for r in found:
        decided = {d["id"] for scheme in ("categories", "types") for d in r[scheme]}
        assert decided == {e["label"] for e in r["evidence"]}
    done = zuofeng("doctor")
    assert "编码器与模型一致，8 维" in done.stdout


def test_a_challenger_with_an_encoder_is_compared_and_promoted(zuofeng, home, configured, encoder, write_jsonl, draw):
    live = champion_id(home / "models")
    done = zuofeng("train", "--all-parts")
    assert done.returncode == 0, done.stderr
    (other,) = {p.parent.name for p in (home / "models").glob("*/manifest.json")} - {live}
    learned = {g.id for g in draw(450)}
    gold = write_jsonl("gold.jsonl", [as_record(g) for g in draw(520) if g.id not in learned])
    done = zuofeng("compare", live, other, "--gold", gold, "--format", "json")
    assert done.returncode == 0, done.stderr
    done = zuofeng("promote", other, "--gold", gold, "--reason", "编码器", "--force")
    assert done.returncode == 0, done.stderr
    assert champion_id(home / "models") == other
    assert zuofeng("rollback", "--reason", "试过了").returncode == 0


def test_without_its_encoder_a_model_says_where_to_name_it(zuofeng, home, trained_with, encoder, write_jsonl, tmp_path):
    shutil.copytree(encoder, tmp_path / "mine")
    # As it is named on the command line: from the folder one stands in.
    printed = trained_with("--encoder", "mine")
    named = printed[printed.index("encoder = ") :].splitlines()[0]
    source = write_jsonl("in.jsonl", [{"id": "1", "text": "路灯坏了没人管。"}])
    for verb in (["classify", source], ["nightly", "--source", source]):
        done = zuofeng(*verb)
        assert done.returncode == 2
        assert "ZF-ENCODER-NONE" in done.stderr
        assert "zuofeng.toml" in done.stderr
    (home / "zuofeng.toml").write_text(named + "\n", encoding="utf-8")
    assert zuofeng("classify", source).returncode == 0
    other = write_encoder(tmp_path / "other", "路灯")
    done = zuofeng("classify", source, env={"ZUOFENG_ENCODER": str(other)})
    assert done.returncode == 2
    assert "ZF-ENCODER-OTHER" in done.stderr
    done = zuofeng("doctor", env={"ZUOFENG_ENCODER": str(other)})
    assert "ZF-ENCODER-OTHER" in done.stdout
