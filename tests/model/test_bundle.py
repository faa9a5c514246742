import io
import json
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from pipeline.errors import BundleError
from pipeline.model.arrays import arrays_of
from pipeline.model.bundle import load_bundle, save_changed
from pipeline.model.registry import champion_id, find_model, list_models, load_model, set_champion
from pipeline.model.score import Scorer
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


@pytest.mark.parametrize("id_", ["", "x-1-{digest}", "-{digest}", "{digest}"])
def test_the_id_says_of_which_taxonomy_it_is(copy, id_):
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    manifest["id"] = id_.format(digest=copy.name[-12:])
    (copy / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
    with pytest.raises(BundleError, match="ZF-MODEL-CHANGED"):
        load_bundle(copy)


def test_a_model_is_found_by_its_own_name_only_and_a_copy_by_its_path(copy):
    folder, other = copy.parent, copy.parent / "better"
    shutil.copytree(copy, other)
    for ask in (load_model, find_model, set_champion):
        with pytest.raises(BundleError, match="ZF-MODEL-NAME"):
            ask(folder, "better")
    assert champion_id(folder) is None
    (folder / "champion").write_text("better\n", encoding="utf-8")
    with pytest.raises(BundleError, match="ZF-MODEL-NAME"):
        find_model(folder)
    assert find_model(folder, str(other)).id == load_model(folder, copy.name).id == copy.name


def test_a_changed_bundle_still_says_where_it_came_from(bundle, tmp_path):
    told = replace(bundle, manifest={**bundle.manifest, "told": "by nobody yet"})
    wording = replace(bundle.wording, level=0.5)
    other = load_bundle(save_changed(replace(told, wording=wording), tmp_path, more=1))
    assert other.wording == wording
    own = {"id", "wording"}
    assert {k: v for k, v in other.manifest.items() if k not in own} == {
        k: v for k, v in {**told.manifest, "more": 1}.items() if k not in own
    }
    # With nothing changed it is the same bundle.
    assert save_changed(bundle, tmp_path).name == bundle.id


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    with pytest.raises(BundleError, match=r"缺少|读不到"):
        load_bundle(copy)


def test_a_pickle_inside_the_arrays_is_never_run(copy, with_weights):
    """Even with matching hashes, object arrays are refused."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as z, z.open("coef.npy", "w") as member:
        np.lib.format.write_array(member, np.array([{"run": "me"}], dtype=object), allow_pickle=True)
    with_weights(copy, body.getvalue())
    with pytest.raises(BundleError, match="ZF-MODEL-BROKEN"):
        load_bundle(copy)


def test_arrays_are_those_numpy_reads_and_cannot_be_written_to(trained):
    raw = (trained / "weights.npz").read_bytes()
    mine = arrays_of(raw)
    with np.load(trained / "weights.npz", allow_pickle=False) as theirs:
        assert list(mine) == theirs.files
        for name, array in mine.items():
            assert (array.dtype, array.shape) == (theirs[name].dtype, theirs[name].shape)
            assert np.array_equal(array, theirs[name])
    assert not mine["coef"].flags.writeable
    assert all(a.flags.aligned for a in mine.values() if a.dtype != np.int16)
    # The tables, by far the largest, are not copied.
    whole = np.frombuffer(raw, np.uint8)
    assert all(np.may_share_memory(mine[name], whole) for name in ("coef", "sentence_coef", "gate"))


@pytest.mark.parametrize("by_column", [True, False])
def test_arrays_on_odd_addresses_and_by_column_are_read(by_column):
    for size in range(1, 9):
        body = io.BytesIO()
        given = np.asarray(np.arange(12.0).reshape(3, 4), order="F" if by_column else "C")
        np.savez(body, **{"x" * size: given, "small": given.astype(np.int16), "one": np.float64(size)})
        found = arrays_of(body.getvalue())
        assert np.array_equal(found["x" * size], given)
        assert np.array_equal(found["small"], given)
        assert found["one"].shape == ()
        assert found["one"] == size


def change(raw, old, new):
    assert old in raw
    return raw.replace(old, new)


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: change(raw, b"(3, 4)", b"(9, 4)"),
        lambda raw: change(raw, b"(3, 4)", b"(-3,4)"),
        lambda raw: change(raw, b"(3, 4)", b"(3, 2)"),
        lambda raw: change(raw, b"'<f8'", b"'|O' "),
        lambda raw: change(raw, b"\x93NUMPY\x01", b"\x93NUMPY\x03"),
        lambda raw: raw[:-30],
        lambda raw: b"",
    ],
)
def test_damaged_arrays_are_refused(damage):
    body = io.BytesIO()
    np.savez(body, coef=np.arange(12.0).reshape(3, 4))
    with pytest.raises((ValueError, zipfile.BadZipFile)):
        arrays_of(damage(body.getvalue()))
    packed = io.BytesIO()
    np.savez_compressed(packed, coef=np.zeros(4))
    with pytest.raises(ValueError, match="compressed"):
        arrays_of(packed.getvalue())


def test_files_are_read_without_numpy():
    code = "import sys, pipeline.model.registry; print([m for m in ('numpy', 'scipy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_another_taxonomy_version_is_refused(copy, corpora):
    raw = (corpora / "taxonomy.toml").read_text(encoding="utf-8")
    newer = parse_taxonomy(raw.replace('version = "1.0.0"', 'version = "2.0.0"', 1).encode())
    with pytest.raises(BundleError, match="ZF-MODEL-TAXONOMY"):
        find_model(copy.parent, copy.name, taxonomy=newer)


def test_another_taxonomy_is_refused_of_the_live_model_only(copy, corpora):
    raw = (corpora / "taxonomy.toml").read_text(encoding="utf-8")
    other = parse_taxonomy(raw.replace('id = "', 'id = "other-', 1).encode())
    set_champion(copy.parent, copy.name)
    with pytest.raises(BundleError, match="ZF-MODEL-TAXONOMY"):
        find_model(copy.parent, taxonomy=other)
    assert find_model(copy.parent, copy.name, taxonomy=other).id == copy.name


def test_another_dictionary_is_refused(copy, words):
    assert find_model(copy.parent, copy.name, dictionary=dictionary_hash(words)).id == copy.name
    with pytest.raises(BundleError, match="ZF-MODEL-DICTIONARY"):
        find_model(copy.parent, copy.name, dictionary=dictionary_hash({**words, "新词语": 5}))


def test_another_segmenter_is_refused(bundle, words):
    other = replace(bundle, manifest={**bundle.manifest, "segmenter": "rjieba-9"})
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


def test_training_twice_gives_the_same_bytes(some_gold, learn):
    paths = [learn(gold=some_gold[:120], folds=2, jobs=jobs) for jobs in (1, 2)]
    assert paths[0].name == paths[1].name
    for name in FILES:
        assert (paths[0] / name).read_bytes() == (paths[1] / name).read_bytes()
