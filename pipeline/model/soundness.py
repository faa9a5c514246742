"""Whether the parts of a bundle fit together: what scoring relies on, and hashes cannot tell."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["faults"]

_MOST_LETTERS = 2**15
_BYTES = ("coef", "exponent", "sentence_coef", "sentence_exponent", "gate", "gate_exponent")


def faults(
    manifest: Mapping[str, Any],
    vocabulary: Mapping[str, Any],
    concepts: Mapping[str, Any] | None,
    calibration: Mapping[str, Any],
    arrays: Mapping[str, npt.NDArray[Any]],
) -> list[str]:
    """Return what is wrong, in English as the files are; what is missing altogether raises KeyError or TypeError."""
    return [*_manifest(manifest), *_vocabulary(vocabulary), *_concepts(concepts), *_calibration(calibration),
            *_arrays(arrays)]  # fmt: skip


def _manifest(manifest: Mapping[str, Any]) -> Iterator[str]:
    spec = manifest["features"]
    whole = (spec["word_n"] + 1, *spec["char_n"], spec["min_texts"], manifest["settings"]["passage_chars"])
    if not all(type(n) is int and 0 < n < 2**31 for n in whole) or len(spec["char_n"]) != 2:
        yield "features and settings are no positive integers"
    elif spec["word_n"] > 2 or not spec["char_n"][0] <= spec["char_n"][1] <= 4:
        yield "n-grams longer than keys can hold"
    if not _number(spec["concept_weight"]):
        yield "concept_weight is no number"
    if not _number(spec["lead"]) or spec["lead"] < 0:
        yield "lead is no weight"
    wording = manifest["wording"]
    if not _number(wording["mean"]) or not _number(wording["spread"]) or wording["spread"] <= 0:
        yield "wording is no mean and deviation"
    level = wording.get("level")
    middle, width = wording.get("middle", 0.0), wording.get("width", 1.0)
    if not _number(middle) or not _number(width) or width <= 0:
        yield "wording has no middle and width"
    shares = [*wording.get("allowed", ()), *([] if level is None else [level])]
    if not all(_number(share) and 0 <= share <= 1 for share in shares):
        yield "what is allowed for strange wording is no share"
    if "encoder" in manifest:
        encoder = manifest["encoder"]
        if type(encoder["dimensions"]) is not int or not 0 < encoder["dimensions"] < 2**31:
            yield "an encoder of no dimensions"
        if not _number(encoder["weight"]) or encoder["weight"] <= 0 or not isinstance(encoder["sha256"], str):
            yield "encoder is no weight and hash"
    if not all(isinstance(manifest[name], str) for name in ("id", "segmenter", "dictionary")):
        yield "id, segmenter or dictionary is no text"


def _vocabulary(vocabulary: Mapping[str, Any]) -> Iterator[str]:
    tokens, alphabet = vocabulary["tokens"], vocabulary["alphabet"]
    if not _texts(tokens):
        yield "tokens are no list of texts"
    if not isinstance(alphabet, str) or len(alphabet) >= _MOST_LETTERS or len(set(alphabet)) < len(alphabet):
        yield "the alphabet is no text of distinct characters"


def _concepts(concepts: Mapping[str, Any] | None) -> Iterator[str]:
    if not concepts:
        return
    listed, heads = concepts["concepts"], concepts["heads"]
    if not all(isinstance(c["id"], str) and isinstance(c["name"], str) and _texts(c["forms"]) for c in listed):
        yield "concepts are no texts"
        return
    forms = sum(len(c["forms"]) for c in listed)
    places = list(itertools.chain.from_iterable(heads.values()))
    sound = not places or (set(map(type, places)) == {int} and min(places) >= 0 and max(places) < forms)
    if not sound or not all(heads):
        yield "heads point to no form"


def _calibration(calibration: Mapping[str, Any]) -> Iterator[str]:
    for name, head in calibration.items():
        if not all(v is None or _number(v) for v in head.values()):
            yield f"{name} is calibrated by no numbers"


def _arrays(arrays: Mapping[str, npt.NDArray[Any]]) -> Iterator[str]:
    for name in ("word_keys", "char_keys"):
        keys = arrays[name]
        if keys.ndim != 1 or keys.dtype != np.int64 or (np.diff(keys) <= 0).any() or (keys < 0).any():
            yield f"{name} is no rising row of integers"
    idf = arrays["idf"]
    if idf.shape != (len(arrays["word_keys"]) + len(arrays["char_keys"]),):
        yield "idf and keys differ"
    for name in _BYTES:
        if arrays[name].dtype != np.int8:
            yield f"{name} is not in 8 bits"
    for name in set(arrays) - {"word_keys", "char_keys", *_BYTES}:
        if arrays[name].dtype not in (np.float32, np.float64) or not np.isfinite(arrays[name]).all():
            yield f"{name} holds something else than numbers"


def _number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and set(map(type, value)) <= {str}
