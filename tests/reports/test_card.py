import dataclasses

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.model.bundle import save_changed
from pipeline.model.evaluate import evaluate
from pipeline.model.history import read_history
from pipeline.model.promote import first
from pipeline.model.runs import read_runs, record_run
from pipeline.reports.card import LANGUAGES, model_card


@pytest.fixture
def recorded(home, trained, scorer, gold):
    """The home's model with a training on record, measured on some of the test part."""
    folder = home / "models"
    (folder / "champion").unlink()
    first(folder, trained.name, author="甲", reason="起点")
    test = [g for g in gold if g.part == "test"][::4]
    figures = evaluate(scorer, test, rounds=50)
    record_run(folder, trained.name, author="甲", sources=[], held_back=len(test), seconds=1, figures=figures)
    return folder, figures


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_card_says_what_is_on_record(recorded, bundle, taxonomy, language):
    folder, figures = recorded
    (run,) = read_runs(folder)
    card = model_card(bundle, run, read_history(folder), language)
    assert bundle.id in card
    assert f"{figures['texts']}" in card
    for label, found in figures["labels"].items():
        name = taxonomy.label(label).english if language == "en" else taxonomy.label(label).name
        (row,) = [line for line in card.splitlines() if line.startswith(f"| {name} |")]
        assert "{:.3f} [{:.3f}, {:.3f}]".format(*found["f1"]) in row
    known = {k: v for k, v in figures["labels"].items() if v["positives"] >= 20}
    worst = min(known, key=lambda k: known[k]["f1"][0])
    name = taxonomy.label(worst).english if language == "en" else taxonomy.label(worst).name
    assert f"{'Lowest F1: ' if language == 'en' else 'F1 最低的：'}{name}" in card
    # What gets no label is the scheme's own word, in the language it has it in.
    assert (taxonomy.negative in card) == (language == "zh")
    assert "起点" in card
    assert "Apache-2.0" in card
    assert card == model_card(bundle, run, read_history(folder), language)
    if language == "en":
        words = card.replace("起点", "").replace("甲", "")
        assert not [c for c in words if "一" <= c <= "鿿"]


def test_without_a_record_it_says_so_and_a_promise_is_named(bundle):
    assert "zuofeng evaluate" in model_card(bundle, None, [])
    adapted = {"from": "x-1", "documents": 321, "promise": 0.9}
    promising = dataclasses.replace(bundle, manifest={**bundle.manifest, "adapted": adapted})
    card = model_card(promising, None, [])
    for expected in ("x-1", "321", "0.90", "没有启用过"):
        assert expected in card
    # By the corpus nobody judges what was adapted to an office.
    assert f"`zuofeng evaluate --model {bundle.id}`" not in card
    assert f"promote {bundle.id} --gold" in card


def test_a_model_that_is_used_to_an_office_has_the_figures_of_the_one_it_was_made_from(recorded, bundle, home):
    folder, figures = recorded
    used = save_changed(bundle, folder, accustomed={"from": bundle.id, "documents": 77}).name
    done = CliRunner().invoke(app, ["models", "--card", used, "--home", str(home)])
    assert done.exit_code == 0, done.output
    assert f"在没有参与训练的 {figures['texts']} 条文本上" in done.output
    assert "77 条没有标注的来文" in done.output


def test_the_command_prints_it(home, trained):
    done = CliRunner().invoke(app, ["models", "--card", "live", "--home", str(home)])
    assert done.exit_code == 0, done.output
    assert done.output.startswith(f"# 模型卡：{trained.name}")
    wrong = CliRunner().invoke(app, ["models", "--card", "live", "--lang", "fr", "--home", str(home)])
    assert wrong.exit_code == 2
