import dataclasses
import itertools
import json
import threading

import numpy as np
import pytest
from filelock import FileLock
from scipy.special import expit, logit

from pipeline.corpus.gold import label_matrix
from pipeline.errors import BundleError, UnfinishedError
from pipeline.model.accustom import accustom
from pipeline.model.bundle import NEVER, load_bundle
from pipeline.model.compare import compare
from pipeline.model.evaluate import micro_f1
from pipeline.model.history import first_broken, open_history, read_history
from pipeline.model.promote import first, foreseen, objections, promote, rollback, told
from pipeline.model.registry import champion_id, set_champion
from pipeline.model.score import Scorer


@pytest.fixture
def live(models, trained):
    first(models, trained.name, author="甲", reason="起点")
    return trained.name


@pytest.fixture
def compared(scorer, words, unseen):
    def make(path, against=scorer):
        return compare(against, Scorer(load_bundle(path), words), unseen, speed=False)

    return make


def test_a_label_that_falls_is_refused_and_force_needs_a_reason(models, live, variant, raised, compared, taxonomy):
    label = taxonomy.columns[5][1]
    worse = variant(models, raised(label, lambda t: NEVER))
    found = compared(worse)
    with pytest.raises(BundleError, match="ZF-PROMOTE-REFUSED") as refused:
        promote(models, worse.name, author="乙", found=found)
    assert any(taxonomy.label(label).name in d for d in refused.value.details)
    assert champion_id(models) == live
    with pytest.raises(BundleError, match="ZF-PROMOTE-REASON"):
        promote(models, worse.name, author="乙", found=found, force=True)
    entry = promote(models, worse.name, author="乙", reason="演练", found=found, force=True)
    assert champion_id(models) == worse.name
    assert entry.forced
    assert entry.objections == tuple(refused.value.details)


def test_what_only_looks_worse_by_chance_is_let_through(
    models, live, variant, raised, compared, taxonomy, scorer, unseen
):
    truth = label_matrix(unseen, taxonomy)
    probabilities = scorer.probabilities([g.text for g in unseen])
    old = np.array([h.threshold for h in scorer.bundle.heads])

    def f1(column, threshold):
        moved = np.where(np.arange(len(old)) == column, threshold, old)
        return micro_f1(truth[:, column], scorer.decide(probabilities, moved)[:, column])

    # A threshold moved this little turns a handful of decisions.
    moves = itertools.product((0.02, -0.02, 0.05, -0.05), range(len(taxonomy.columns)))
    column, threshold = next((c, t) for by, c in moves if f1(c, t := float(expit(logit(old[c]) + by))) < f1(c, old[c]))
    label = taxonomy.columns[column][1]
    path = variant(models, raised(label, lambda _: threshold))
    found = compared(path)
    assert next(r for r in found.rows if r.name == label).contrast.difference < 0
    assert objections(found) == []
    promote(models, path.name, author="乙", found=found)
    assert champion_id(models) == path.name


def test_a_broken_or_dropped_promise_is_refused(models, live, variant, compared, words):
    loose = variant(models, lambda name, h: dataclasses.replace(h, threshold=0.02, ask=0.02), adapted={"promise": 0.99})
    against = objections(compared(loose))
    assert any("违背许诺" in sentence for sentence in against)
    promising = Scorer(load_bundle(variant(models, lambda name, h: h, adapted={"promise": 0.5})), words)
    silent = variant(models, lambda name, h: h, adapted={"promise": 0.0})
    assert any("没有许诺" in sentence for sentence in objections(compared(silent, promising)))


def test_the_corpus_says_nothing_of_how_strange_an_office_is_but_of_all_else(
    models, live, scorer, unseen, variant, raised, words, taxonomy, tmp_path
):
    path, _ = accustom(scorer, ["渡口舢板捞起鲟鳇，晒盐翁煨芋。" * (1 + i) for i in range(60)], models)
    home = Scorer(load_bundle(path), words)

    def on(source, a, b):
        return compare(a, b, unseen, speed=False, source=source)

    assert objections(on("gold", scorer, home))
    found = on("corpus", scorer, home)
    assert (found.flips, objections(found)) == ((), [])
    assert "只差本单位来文的说法" in told(found)
    assert promote(models, path.name, author="乙", found=found).summary["source"] == "corpus"
    # To one that is not at home the office would lose something, and a label that falls is seen whoever is at home.
    (lost,) = objections(on("corpus", home, scorer))
    assert f"adapt --unlabelled 去年的来文.xlsx --model {scorer.bundle.id}" in lost
    label = taxonomy.columns[5][1]
    worse = Scorer(load_bundle(variant(tmp_path, raised(label, lambda t: NEVER), accustomed={})), words)
    assert any(taxonomy.label(label).name in said for said in objections(on("corpus", home, worse)))


def test_what_was_learned_from_reviews_is_not_judged_by_the_corpus(scorer, unseen, variant, raised, words, tmp_path):
    label = scorer.bundle.taxonomy.columns[5][1]
    made = variant(tmp_path, raised(label, lambda t: NEVER), adapted={"promise": 0.0})
    adapted = Scorer(load_bundle(made), words)
    (why,) = objections(compare(scorer, adapted, unseen, speed=False, source="corpus"))
    assert "--gold 复核.jsonl" in why
    (why,) = objections(compare(adapted, scorer, unseen, speed=False, source="corpus"))
    assert f"adapt --reviewed 复核.jsonl --model {scorer.bundle.id}，" in why
    # Whatever command prints it: `rescore` is to make live only what it scored.
    assert [w for w in ("promote", "--champion") if w in why] == []


def test_what_no_training_can_change_is_said_before_it(variant, tmp_path):
    def like(**about):
        return load_bundle(variant(tmp_path, lambda name, h: h, **about))

    (why,) = foreseen(like(adapted={"promise": 0.0}), "accustomed", 0.0)
    assert "--model 新编号，" in why
    (why, less) = foreseen(like(adapted={"promise": 0.9}), "abroad", 0.0)
    assert "adapt --reviewed 复核.jsonl --model 新编号 --promise precision=0.9，" in why
    assert "没有许诺" in less
    (why,) = foreseen(like(accustomed={}), "abroad", 0.0)
    assert "adapt --unlabelled" in why
    assert foreseen(like(accustomed={}), "accustomed", 0.0) == foreseen(like(abroad=1), "abroad", 0.0) == []


def test_nothing_goes_live_uncompared(models, live, variant):
    other = variant(models, lambda name, h: h, adapted={"promise": 0.0})
    with pytest.raises(BundleError, match="ZF-PROMOTE-REFUSED"):
        promote(models, other.name, author="乙")
    with pytest.raises(BundleError, match="ZF-PROMOTE-SAME"):
        promote(models, live, author="乙")
    with pytest.raises(BundleError, match="ZF-MODEL-MISSING"):
        promote(models, "none", author="乙", force=True, reason="x")


def test_a_champion_that_changed_during_the_comparison_is_noticed(models, live, variant, compared):
    b = variant(models, lambda name, h: h, adapted={"promise": 0.0})
    c = variant(models, lambda name, h: h, adapted={"promise": 0.1})
    found = compared(b)
    promote(models, c.name, author="丙", reason="快", force=True)
    with pytest.raises(UnfinishedError, match="ZF-PROMOTE-CHANGED"):
        promote(models, b.name, author="乙", found=found)


def test_rolling_back_twice_goes_two_steps_and_every_step_stays_written(models, live, variant, compared):
    b, c = (variant(models, lambda name, h: h, adapted={"promise": p}) for p in (0.0, 0.1))
    promote(models, b.name, author="乙", reason="一", found=compared(b))
    promote(models, c.name, author="乙", reason="二", force=True)
    assert rollback(models, author="丙", reason="不好").model == b.name
    assert rollback(models, author="丙", reason="还是不好").model == live == champion_id(models)
    with pytest.raises(BundleError, match="ZF-ROLLBACK-NONE"):
        rollback(models, author="丙", reason="再退")
    written = read_history(models)
    assert [(e.number, e.action, e.model, e.before) for e in written] == [
        (1, "first", live, None),
        (2, "promote", b.name, live),
        (3, "promote", c.name, b.name),
        (4, "rollback", b.name, c.name),
        (5, "rollback", live, b.name),
    ]
    assert written[1].author == "乙"
    full = json.loads((models / "history" / f"{written[1].figures}.json").read_text(encoding="utf-8"))
    assert full["b"]["model"] == b.name
    assert first_broken(models) is None
    # A promotion after a rollback starts from where that led.
    promote(models, c.name, author="乙", reason="三", force=True)
    assert rollback(models, author="丙", reason="不好").model == live


def test_a_changed_line_shows_and_a_torn_one_does_not_hide_the_next(models, live, variant):
    b = variant(models, lambda name, h: h, adapted={"promise": 0.0})
    path = models / "history.jsonl"
    with path.open("ab") as out:
        out.write(b'{"number": 2, "at"')
    promote(models, b.name, author="乙", reason="之后", force=True)
    assert [e.model for e in read_history(models)] == [live, b.name]
    assert first_broken(models) is None
    path.write_text(path.read_text(encoding="utf-8").replace("起点", "别的"), encoding="utf-8")
    assert first_broken(models) == 3


def test_a_champion_edited_by_hand_is_written_down_before_anything_else(models, live, variant):
    b, c = (variant(models, lambda name, h: h, adapted={"promise": p}) for p in (0.0, 0.1))
    set_champion(models, b.name)
    promote(models, c.name, author="乙", reason="x", force=True)
    assert [(e.action, e.model) for e in read_history(models)][1:] == [("found", b.name), ("promote", c.name)]
    assert rollback(models, author="丙", reason="y").model == b.name


def test_two_at_once_wait_for_each_other(models, live):
    with (
        FileLock(models / ".history.lock"),
        pytest.raises(UnfinishedError, match="ZF-HISTORY-BUSY"),
        open_history(models, wait=0.01),
    ):
        pass


def test_a_reader_always_finds_a_whole_name(models, live, variant):
    b = variant(models, lambda name, h: h, adapted={"promise": 0.0}).name
    seen, done = set(), threading.Event()

    def read():
        while not done.is_set():
            seen.add(champion_id(models))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(8):
        promote(models, b, author="乙", reason="x", force=True)
        rollback(models, author="乙", reason="y")
    done.set()
    reader.join()
    assert seen <= {live, b}
