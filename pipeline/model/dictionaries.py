"""Every domain dictionary a model was used with, kept by its hash, so that old scores can be worked out again."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import BundleError
from pipeline.text.segment import dictionary_hash, load_dictionary
from pipeline.whole import write_file

__all__ = ["keep_dictionary", "kept_dictionary", "kept_path"]


def kept_path(folder: Path, digest: str) -> Path:
    """Return where the dictionary of that hash is kept beside the models in ``folder``, if it is."""
    return folder / "dictionaries" / f"{digest}.txt"


def keep_dictionary(folder: Path, words: dict[str, int]) -> None:
    """Keep ``words`` beside the models in ``folder``, unless they are there."""
    path = kept_path(folder, dictionary_hash(words))
    if path.exists():
        return
    write_file(path, "".join(f"{w} {f}\n" for w, f in sorted(words.items())))


def kept_dictionary(folder: Path, digest: str) -> dict[str, int]:
    """Return the dictionary of that hash; raises BundleError when it is not there, or not what it was."""
    path = kept_path(folder, digest)
    words = load_dictionary(path) if path.exists() else {}
    if dictionary_hash(words) != digest:
        raise BundleError(
            "ZF-DICT-GONE", f"没有哈希为 {digest[:12]} 的领域词典", "从备份找回当时的 corpora/dictionary.txt。"
        )
    return words
