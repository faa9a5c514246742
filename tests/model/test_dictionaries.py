import pytest

from pipeline.errors import BundleError
from pipeline.model.dictionaries import keep_dictionary, kept_dictionary
from pipeline.text.segment import dictionary_hash


def test_a_dictionary_is_kept_by_its_hash(tmp_path, words):
    keep_dictionary(tmp_path, words)
    keep_dictionary(tmp_path, {"新词": 5})
    assert kept_dictionary(tmp_path, dictionary_hash(words)) == words
    assert kept_dictionary(tmp_path, dictionary_hash({"新词": 5})) == {"新词": 5}


def test_one_that_is_missing_or_was_changed_is_refused(tmp_path):
    digest = dictionary_hash({"新词": 5})
    with pytest.raises(BundleError, match="ZF-DICT-GONE"):
        kept_dictionary(tmp_path, digest)
    keep_dictionary(tmp_path, {"新词": 5})
    (tmp_path / "dictionaries" / f"{digest}.txt").write_text("新词 6\n", encoding="utf-8")
    with pytest.raises(BundleError, match="ZF-DICT-GONE"):
        kept_dictionary(tmp_path, digest)
