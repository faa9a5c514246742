import dataclasses
import io
import itertools
import json
import sys

import numpy as np
import pytest
from encoders import BERT, table_of, write_encoder
from scipy import sparse

from pipeline.analyst.held_out import text_matrix
from pipeline.analyst.pool import concept_margins, rate, suggest
from pipeline.corpus.gold import Gold
from pipeline.documents import Document
from pipeline.errors import BundleError, ConfigError
from pipeline.model import train as module
from pipeline.model.accustom import accustom
from pipeline.model.adapt import _look, adapt, fit_adaptation, settle
from pipeline.model.bundle import load_bundle
from pipeline.model.encoder import MOST, Encoder
from pipeline.model.experts import fit_heads
from pipeline.model.recipe import Settings
from pipeline.model.score import Scorer
from pipeline.model.search import search
from pipeline.model.train import train
from pipeline.taxonomy import parse_taxonomy
from pipeline.text.clean import clean

ABC = "甲乙丙丁"

SCHEME = """
id = "lamps"
version = "1.0.0"
[[schemes]]
id = "what"
name = "什么"
kind = "multi"
[[schemes.labels]]
id = "late"
name = "拖"
"""
#: Said in the corpus, and what means the same, which the corpus never says.
SLOW, FAST = "拖磨耗", "快速捷"
TWINS = dict(zip("赖延迟", SLOW, strict=True)) | dict(zip("敏疾迅", FAST, strict=True))


@pytest.fixture(scope="module")
def lamps(tmp_path_factory):
    return write_encoder(tmp_path_factory.mktemp("lamps"), "路灯的人办事在里很一再", TWINS, dimensions=16)


@pytest.fixture(scope="module")
def scheme():
    return SCHEME.encode()


@pytest.fixture(scope="module")
def lessons():
    """Texts about the same things that differ in one word alone."""
    rng = np.random.default_rng(5)
    texts = []
    for n, (slow, _) in enumerate(itertools.product((True, False), range(40))):
        word = (SLOW if slow else FAST)[n % 3]
        beside = "".join(rng.choice(list("路灯的人办事在里很一再"), 5))
        texts.append(Gold(f"{n}", f"{beside}{word}{word}。", {"what": ("late",) if slow else ()}, group=str(n)))
    return texts


@pytest.fixture(scope="module")
def teach(scheme, lessons):
    def make(out, encoder=None, gold=lessons, **settings):
        return train(
            taxonomy=parse_taxonomy(scheme), taxonomy_source=scheme, gold=gold, words={}, out=out,
            settings=Settings(**{"jobs": 1, **settings}), encoder=encoder,
        )  # fmt: skip

    return make


@pytest.fixture(scope="module")
def lamp_bundle(teach, lamps, tmp_path_factory):
    return load_bundle(teach(tmp_path_factory.mktemp("models"), lamps))


def mean_of(text, twins=(), dimensions=8):
    number, table = table_of(ABC, dict(twins), dimensions)
    found = table[[number.get(c, 0) for c in text]].mean(0)
    return found / (np.linalg.norm(found) or 1)


@pytest.mark.parametrize("sentence", [False, True])
@pytest.mark.parametrize("inputs", [BERT, BERT[:2], BERT[:1]])
@pytest.mark.parametrize("model", ["model.onnx", "onnx/model.onnx"])
def test_a_text_is_the_mean_of_its_tokens_at_unit_length(tmp_path, sentence, inputs, model):
    encoder = Encoder(write_encoder(tmp_path, ABC, sentence=sentence, inputs=inputs, model=model))
    texts = ["甲乙", "丙", "丁丁甲丙乙" * 3]
    found = encoder.encode(texts)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [mean_of(t) for t in texts], atol=1e-6)
    np.testing.assert_allclose(Encoder(tmp_path, 2.5).encode(texts), 2.5 * found, atol=1e-6)


def test_a_vector_does_not_depend_on_its_company(tmp_path):
    encoder = Encoder(write_encoder(tmp_path, ABC))
    texts = ["".join(p) * n for n, p in enumerate(itertools.permutations(ABC), 1)]
    together = encoder.encode(texts)
    np.testing.assert_array_equal(together, np.vstack([encoder.encode([t]) for t in texts]))
    np.testing.assert_array_equal(together, encoder.encode(texts[::-1], jobs=3)[::-1])


def test_of_a_long_text_the_beginning_is_read(tmp_path):
    short = Encoder(write_encoder(tmp_path / "short", ABC, longest=4))
    np.testing.assert_allclose(short.encode(["甲甲乙丙丁丁丁"])[0], mean_of("甲甲乙丙"), atol=1e-6)
    free = Encoder(write_encoder(tmp_path / "free", ABC))
    text = "甲" * (MOST - 1) + "乙" + "丙" * MOST
    np.testing.assert_allclose(free.encode([text])[0], mean_of(text[:MOST]), atol=1e-6)


def test_where_nothing_is_said_there_is_no_direction(tmp_path):
    encoder = Encoder(write_encoder(tmp_path, ABC))
    assert not encoder.encode(["", "戊"]).any()
    assert encoder.encode([]).shape == (0, 8)


def test_a_padded_text_points_where_its_members_do(tmp_path):
    encoder = Encoder(write_encoder(tmp_path, ABC), 2.0)
    vectors = encoder.encode(["甲", "乙", "丙"])
    found = encoder.joined(vectors, sparse.csr_matrix([[1.0, 1, 0], [0, 0, 1]]))
    middle = vectors[0] + vectors[1]
    np.testing.assert_allclose(found, [2 * middle / np.linalg.norm(middle), vectors[2]], atol=1e-6)


def test_training_pads_vectors_as_it_pads_texts(encoder, some_gold, taxonomy, corpora, words, tmp_path, monkeypatch):
    class Learned(Exception):  # noqa: N818  no error: training ends where it is looked at
        pass

    def learn(rows, sentences, members, gold, *_):
        raise Learned(rows, sentences, members)

    monkeypatch.setattr(module, "learn_experts", learn)
    source = (corpora / "taxonomy.toml").read_bytes()
    with pytest.raises(Learned) as caught:
        train(taxonomy=taxonomy, taxonomy_source=source, gold=some_gold, words=words, out=tmp_path, encoder=encoder,
              settings=Settings(encoder_weight=2.0, jobs=1))  # fmt: skip
    rows, sentences, members = caught.value.args
    assert members.shape[0] > 50
    dense = rows.x[:, -rows.dimensions :].toarray()
    own, padded = dense[: len(some_gold)], dense[len(some_gold) :]
    np.testing.assert_allclose(own, 2 * Encoder(encoder).encode([clean(g.text).text for g in some_gold]), atol=1e-6)
    mean = members @ own
    np.testing.assert_allclose(padded, 2 * mean / np.linalg.norm(mean, axis=1, keepdims=True), atol=1e-5)
    assert sentences.x.shape[1] == rows.x.shape[1] - 8


def test_words_nobody_wrote_are_known_by_what_they_mean(teach, lamps, lamp_bundle, tmp_path):
    plain = Scorer(load_bundle(teach(tmp_path)), {})
    dense = Scorer(lamp_bundle, {}, encoder=lamps)
    slow, fast = ([f"路灯{w}{w}的人。" for w in words] for words in ("赖延迟", "敏疾迅"))
    assert np.ptp(plain.probabilities(slow + fast)[:, 0]) < 1e-9
    found = dense.probabilities(slow + fast)[:, 0]
    assert found[:3].min() > found[3:].max() + 0.3
    # What the encoder decided is shown to people by the words there are.
    for prediction in dense.score([Document(t, t) for t in slow]):
        assert prediction.decided["what"]
        assert prediction.evidence


def test_the_same_corpus_gives_the_same_bytes_with_as_many_threads(teach, lamps, lamp_bundle, tmp_path):
    again = teach(tmp_path, lamps, jobs=2)
    assert again.name == lamp_bundle.id
    manifest = load_bundle(again).manifest
    assert manifest["files"] == lamp_bundle.manifest["files"]
    assert manifest["encoder"] == {**Encoder(lamps).about, "dimensions": 16, "weight": 1.0}
    assert teach(tmp_path, lamps, encoder_weight=0.5).name != again.name


def test_without_an_encoder_nothing_of_it_is_kept(trained):
    manifest = json.loads((trained / "manifest.json").read_text(encoding="utf-8"))
    assert "encoder" not in json.dumps(manifest)
    with np.load(trained / "weights.npz") as arrays:
        assert not [name for name in arrays if "dense" in name]


def broken(folder):
    (folder / "model.onnx").write_bytes(b"no model")


def without_tokenizer(folder):
    (folder / "tokenizer.json").unlink()


def infinite(folder):
    write_encoder(folder, ABC, factor=float("inf"))


def with_other_inputs(folder):
    import onnx

    path = folder / "model.onnx"
    model = onnx.load(path)
    model.graph.input.append(onnx.helper.make_tensor_value_info("pixels", onnx.TensorProto.FLOAT, ["n", 3]))
    onnx.save(model, path)


def without_positions(folder):
    """A model that cannot read as many tokens as there may be."""
    import onnx

    path = folder / "model.onnx"
    model = onnx.load(path)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[1].dim_value = 16
    onnx.save(model, path)


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (broken, "ZF-ENCODER-BROKEN"),
        (without_tokenizer, "ZF-ENCODER-FOLDER"),
        (infinite, "ZF-ENCODER-OUTPUT"),
        (with_other_inputs, "ZF-ENCODER-INPUTS"),
        (without_positions, "ZF-ENCODER-RUN"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_learned(harm, code, teach, tmp_path):
    harm(write_encoder(tmp_path / "encoder", ABC))
    with pytest.raises(ConfigError, match=code) as e:
        teach(tmp_path, tmp_path / "encoder")
    assert e.value.hint
    assert [p.name for p in tmp_path.iterdir()] == ["encoder"]


@pytest.mark.parametrize("package", ["onnxruntime", "tokenizers"])
def test_without_the_extra_it_says_what_to_install(package, lamps, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError, match=r"(?s)ZF-ENCODER-EXTRA.*pip install 'zuofeng\[encoder\]'"):
        Encoder(lamps)


def test_a_model_asks_for_the_encoder_it_was_trained_with(lamp_bundle, lamps, bundle, words, tmp_path):
    with pytest.raises(BundleError, match="ZF-ENCODER-NONE"):
        Scorer(lamp_bundle, {})
    with pytest.raises(BundleError, match="ZF-ENCODER-OTHER"):
        Scorer(lamp_bundle, {}, encoder=write_encoder(tmp_path, ABC, dimensions=16))
    with pytest.raises(ConfigError, match="ZF-ENCODER-FOLDER"):
        Scorer(lamp_bundle, {}, encoder=tmp_path / "none")
    # One that uses none does not look.
    assert Scorer(bundle, words, encoder=tmp_path / "none").probabilities(["路灯"]).size


def test_arrays_of_another_size_are_refused(lamps, teach, with_weights, tmp_path):
    path = teach(tmp_path, lamps)
    with np.load(path / "weights.npz") as arrays:
        kept = {name: arrays[name] for name in arrays}
    kept["dense_coef"] = kept["dense_coef"][:, :-1]
    out = io.BytesIO()
    np.savez(out, **kept)
    with_weights(path, out.getvalue())
    with pytest.raises(BundleError, match="ZF-MODEL-BROKEN"):
        load_bundle(path)


def test_a_ratio_leaves_the_dimensions_as_they_are():
    rng = np.random.default_rng(0)
    truth = rng.random((300, 1)) < 0.5
    # What only direction tells: every row has both dimensions.
    dense = np.where(truth, 1.0, -1.0) * 0.5 + rng.normal(0, 0.1, (300, 2))
    x = sparse.csr_matrix(np.hstack([rng.random((300, 3)) < 0.5, dense]))
    coef, bias = fit_heads(x, truth, 0.5, ratio=1.0, dimensions=2)
    assert ((x @ coef + bias > 0) == truth).mean() > 0.95
    alone = fit_heads(x, truth, 0.5, ratio=1.0)
    assert abs(alone[0][3:]).max() < abs(coef[3:]).max() / 2


def test_a_search_reads_with_the_encoder(lessons, scheme, tmp_path):
    # What tells is said with another character each time: words alone never learn it.
    characters = [chr(0x4E00 + n) for n in range(len(lessons))]
    twins = {c: "拖" if g.labels["what"] else "快" for c, g in zip(characters, lessons, strict=True)}
    gold = [dataclasses.replace(g, text=f"路灯{c}{c}的人。") for c, g in zip(characters, lessons, strict=True)]
    encoder = write_encoder(tmp_path, "路灯的人。", twins)
    macro = []
    for e in (None, encoder):
        _, trials = search(gold, parse_taxonomy(scheme), {}, None, Settings(jobs=1), minutes=0.05, encoder=e)
        macro.append(trials[0].macro)
    assert macro[1] > macro[0] + 0.2


def test_adapting_folds_what_it_learned_of_the_dimensions_in(dense_bundle, encoder, words, reviewed, tmp_path):
    reviewed = [g for g in reviewed if len(g.text) < 500][:100]
    scorer = Scorer(dense_bundle, words, encoder=encoder)
    seen, truth = _look(settle(scorer), reviewed)
    assert seen.x.shape[1] == dense_bundle.features.columns + 8
    path, _ = adapt(scorer, reviewed, tmp_path)
    home = load_bundle(path)
    assert home.manifest["encoder"] == dense_bundle.manifest["encoder"]
    assert abs(home.weights.dense_coef - dense_bundle.weights.dense_coef).max() > 1e-3
    expected = fit_adaptation(seen, truth).apply(seen)
    found = Scorer(home, words, encoder=encoder).probabilities([g.text for g in reviewed])
    np.testing.assert_allclose(found, expected, atol=4e-3)


def test_every_label_decided_has_evidence(dense_bundle, encoder, words, unseen):
    scorer = Scorer(dense_bundle, words, little=0, encoder=encoder)
    predictions = scorer.score([Document(g.id, g.text) for g in unseen[::3]] + [Document("", "")])
    decided = [(p, label) for p in predictions for labels in p.decided.values() for label, _ in labels]
    assert len(decided) > 50
    assert [label for p, label in decided if label not in {e.label for e in p.evidence}] == []


def test_what_words_and_concepts_say_is_said_without_it(dense_bundle, encoder, words, unseen):
    scorer = Scorer(dense_bundle, words, encoder=encoder)
    documents = [Document(g.id, g.text) for g in unseen[:40]]
    features, weights = dense_bundle.features, dense_bundle.weights
    x = text_matrix(scorer, [d.text for d in documents])
    concepts = x[:, features.ngrams : features.columns].toarray()
    expected = [concepts[i] @ weights.real_coef[e, features.ngrams : features.columns, :-1]
                for i, e in enumerate(weights.choose(x)[0])]  # fmt: skip
    np.testing.assert_allclose(concept_margins(scorer, x), expected, atol=1e-9)
    rich = np.diff(x[:, : features.columns].indptr) / [len(d.text) for d in documents]
    known = np.clip(rich / np.quantile(rich, 0.9), 0, 1)
    np.testing.assert_allclose(rate(scorer, documents)[0].reasons["new"][:, 0], 1 - known)


def test_analysts_tools_read_with_it(dense_bundle, encoder, words, unseen, tmp_path):
    scorer = Scorer(dense_bundle, words, encoder=encoder)
    found = suggest(scorer, [Document(g.id, g.text) for g in unseen[:40]], 6)
    assert len({s.document.id for s in found}) == 6
    (evidence,) = scorer.strongest_words(unseen[0].text, scorer.columns[0][1])
    assert unseen[0].text[evidence.start : evidence.end] == evidence.quote
    home = load_bundle(accustom(scorer, [g.text for g in unseen], tmp_path)[0])
    assert home.manifest["encoder"] == dense_bundle.manifest["encoder"]
    assert scorer.reading_as(home).score([Document("1", unseen[0].text)])
