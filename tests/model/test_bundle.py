import io
import json
import shutil
import zipfile

import numpy as np
import pytest

from pipeline.errors import BundleError
from pipeline.model.bundle import load_bundle
from pipeline.model.registry import champion_id, find_model, list_models, set_champion
from pipeline.model.train import Settings, train
from pipeline.taxonomy import parse_taxonomy
from pipeline.text.segment import dictionary_hash

FILES = ["manifest.json", "weights.npz", "vocabulary.json", "concepts.json", "calibration.json", "taxonomy.toml"]


@pytest.fixture
def copy(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "models" / trained.name)


@pytest.mark.parametrize("name", FILES)
def test_one_changed_byte_is_refused(copy, name):
    raw = bytearray((copy / name).read_bytes())
    raw[len(raw) // 2] ^= 1
    (copy / name).write_bytes(raw)
    with pytest.raises(BundleError, match=r"ZF-MODEL-(CHANGED|MANIFEST)"):
        load_bundle(copy)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    with pytest.raises(BundleError, match=r"缺少|读不到"):
        load_bundle(copy)


def test_a_pickle_inside_the_arrays_is_never_run(copy):
    """Even with matching hashes, object arrays are refused."""
    import hashlib

    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as z, z.open("coef.npy", "w") as member:
        np.lib.format.write_array(member, np.array([{"run": "me"}], dtype=object), allow_pickle=True)
    (copy / "weights.npz").write_bytes(body.getvalue())
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"]["weights.npz"] = hashlib.sha256(body.getvalue()).hexdigest()
    rest = {k: v for k, v in manifest.items() if k != "id"}
    text = json.dumps(rest, ensure_ascii=False, indent=1) + "\n"
    manifest["id"] = "x-1-" + hashlib.sha256(text.encode()).hexdigest()[:12]
    (copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(BundleError, match="ZF-MODEL-BROKEN"):
        load_bundle(copy)


def test_another_taxonomy_version_is_refused(copy, corpora):
    raw = (corpora / "taxonomy.toml").read_text(encoding="utf-8")
    newer = parse_taxonomy(raw.replace('version = "1.0.0"', 'version = "2.0.0"', 1).encode())
    with pytest.raises(BundleError, match="ZF-MODEL-TAXONOMY"):
        find_model(copy.parent, copy.name, taxonomy=newer)


def test_another_dictionary_is_refused(copy, words):
    assert find_model(copy.parent, copy.name, dictionary=dictionary_hash(words)).id == copy.name
    with pytest.raises(BundleError, match="ZF-MODEL-DICTIONARY"):
        find_model(copy.parent, copy.name, dictionary=dictionary_hash({**words, "新词语": 5}))


def test_another_segmenter_is_refused(bundle, words):
    import dataclasses

    from pipeline.model.score import Scorer

    other = dataclasses.replace(bundle, manifest={**bundle.manifest, "segmenter": "rjieba-9"})
    with pytest.raises(BundleError, match="ZF-MODEL-SEGMENTER"):
        Scorer(other, words)


def test_the_champion_is_switched_only_to_a_sound_model(copy):
    folder = copy.parent
    assert champion_id(folder) is None
    with pytest.raises(BundleError, match="ZF-MODEL-NONE"):
        find_model(folder)
    set_champion(folder, copy.name)
    assert champion_id(folder) == copy.name
    assert list_models(folder) == [copy.name]
    with pytest.raises(BundleError):
        set_champion(folder, "no-such-model")
    assert champion_id(folder) == copy.name
    assert sorted(p.name for p in folder.iterdir()) == sorted([copy.name, "champion"])


def test_training_twice_gives_the_same_bytes(some_gold, taxonomy, corpora, words, lexicon, tmp_path):
    paths = [
        train(
            taxonomy=taxonomy,
            taxonomy_source=(corpora / "taxonomy.toml").read_bytes(),
            gold=some_gold[:120],
            words=words,
            lexicon=lexicon,
            out=tmp_path / str(jobs),
            settings=Settings(folds=2, jobs=jobs),
        )
        for jobs in (1, 2)
    ]
    assert paths[0].name == paths[1].name
    for name in FILES:
        assert (paths[0] / name).read_bytes() == (paths[1] / name).read_bytes()
