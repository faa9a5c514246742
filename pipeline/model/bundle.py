"""A trained model as a folder: JSON, arrays and a vocabulary. Loading runs no code and checks every byte.

manifest.json      what it is, what it was made from, the sha256 of every other file
weights.npz        coefficients in 8 bits, those of an encoder's dimensions in floats, intercepts, idf and n-gram keys
                   (allow_pickle=False)
vocabulary.json    tokens and alphabet
concepts.json      the lexicon, indexed
calibration.json   slopes, intercept and thresholds of every head
taxonomy.toml      the label schemes it was trained for
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import BundleError, ZuofengError
from pipeline.model.arrays import arrays_of
from pipeline.model.features import Features
from pipeline.model.files import FORMAT, Files, as_json, read_files
from pipeline.model.pool import long_share
from pipeline.model.soundness import faults
from pipeline.model.weights import Weights
from pipeline.model.wording import Wording
from pipeline.ndarrays import Floats, Ints
from pipeline.taxonomy import Taxonomy, parse_taxonomy
from pipeline.text.concepts import Lexicon
from pipeline.whole import write_folder

__all__ = ["NEVER", "PROBLEM", "Bundle", "Head", "build_bundle", "fields", "load_bundle", "save_bundle", "save_changed"]

#: Threshold of a label that is never decided without a person.
NEVER = math.inf
#: Name of the head that tells occurrence from mention; stands behind the labels.
PROBLEM = "problem"
_DENSE = ("dense_coef", "dense_gate")
#: Of the features, what stands in the manifest.
_SPEC = ("word_n", "char_n", "min_texts", "concept_weight", "lead")


@dataclass(frozen=True, slots=True)
class Head:
    """Calibration of one head: P = sigmoid(whole · m + sentence · s + strange · w + intercept).

    m is the passage's margin, s that of its strongest sentence, w how strange its wording is. From ``threshold`` on it
    is decided; from ``ask`` to ``threshold`` a person decides; NEVER as threshold leaves every decision to people.
    Where a scheme must not stay empty its most probable label stands in, and people look at it.
    The problem head also gets backing · w · what the strongest label's log-odds have beyond those of its ``ask``.
    Of a long text (`model.long`) the log-odds are those of ``ask`` plus long_sentence · s + long_size · log(sentences)
    + long_intercept.
    """

    whole: float
    sentence: float
    strange: float
    intercept: float
    threshold: float
    ask: float
    long_sentence: float = 0.0
    long_size: float = 0.0
    long_intercept: float = 0.0
    backing: float = 0.0

    def to_dict(self) -> dict[str, float | None]:
        """Return plain data; JSON has no infinity, so NEVER is null."""
        return {k: None if v == NEVER else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, float | None]) -> Head:
        """Rebuild what to_dict returned."""
        return cls(**{k: NEVER if v is None else v for k, v in data.items()})


def fields(heads: Sequence[Head], *names: str) -> npt.NDArray[np.float64]:
    """Return these fields of all ``heads``, (names, heads)."""
    return np.array([[getattr(h, name) for h in heads] for name in names], float)


@dataclass(frozen=True)
class Bundle:
    """A model in memory. Heads are the taxonomy's columns, then PROBLEM."""

    id: str
    taxonomy: Taxonomy
    taxonomy_source: bytes
    features: Features
    weights: Weights
    heads: tuple[Head, ...]
    wording: Wording
    manifest: Mapping[str, Any]

    @property
    def passage_chars(self) -> int:
        """About how many characters a passage has."""
        return int(self.manifest["settings"]["passage_chars"])

    @property
    def home(self) -> str:
        """Return how far it is at home in an office: ``adapted`` to its reviews, ``accustomed`` to its wording,
        ``abroad``, or nothing where wording makes no difference.
        """
        if "adapted" in self.manifest:
            return "adapted"
        if "accustomed" in self.manifest:
            return "accustomed"
        return "abroad" if any(h.strange for h in self.heads) else ""

    def long_share(self, row: Ints, sentences: Ints, strange: Floats) -> Floats:
        """Return how far each passage is read as one of a long text, (passages,), as `pool.long_share` does.

        None is by a model that learned nothing of long texts; and to one that allows nothing for strange wording, none
        is strange.
        """
        learned, allows = (any(getattr(h, name) for h in self.heads) for name in ("long_sentence", "strange"))
        return long_share(row, sentences, strange * allows) if learned and len(row) else np.zeros(len(row))


def save_bundle(
    folder: Path,
    *,
    taxonomy: Taxonomy,
    taxonomy_source: bytes,
    features: Features,
    weights: Weights,
    heads: tuple[Head, ...],
    wording: Wording,
    about: Mapping[str, Any],
) -> Path:
    """Write a bundle below ``folder`` and return its path; the same content gives the same id and bytes.

    The folder appears whole or not at all.
    """
    names = _head_names(taxonomy)
    arrays = io.BytesIO()
    np.savez(
        arrays,
        **{name: value for name, value in vars(weights).items() if np.size(value) or name not in _DENSE},
        idf=features.idf,
        word_keys=features.word_keys,
        char_keys=features.char_keys,
    )
    content = {
        "weights.npz": arrays.getvalue(),
        "vocabulary.json": as_json({"tokens": list(features.tokens), "alphabet": features.alphabet}),
        "concepts.json": as_json(features.lexicon.to_dict() if features.lexicon else None, indent=None),
        "calibration.json": as_json({n: h.to_dict() for n, h in zip(names, heads, strict=True)}),
        "taxonomy.toml": taxonomy_source,
    }
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "taxonomy": {"id": taxonomy.id, "version": taxonomy.version, "sha256": taxonomy.sha256},
        "features": {name: getattr(features, name) for name in _SPEC},
        "wording": asdict(wording),
        **about,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in content.items()},
    }
    digest = hashlib.sha256(as_json(manifest)).hexdigest()[:12]
    manifest = {"id": f"{taxonomy.id}-{taxonomy.version}-{digest}", **manifest}
    content["manifest.json"] = as_json(manifest)
    target: Path = folder / manifest["id"]
    write_folder(target, content)
    return target


def save_changed(bundle: Bundle, folder: Path, **about: Any) -> Path:
    """Write ``bundle``, some of which is not as in its manifest any more, below ``folder`` and return its path.

    What the manifest says of where it came from stands, and ``about`` beside it.
    """
    written = ("id", "format", "taxonomy", "features", "wording", "files")
    return save_bundle(
        folder,
        taxonomy=bundle.taxonomy,
        taxonomy_source=bundle.taxonomy_source,
        features=bundle.features,
        weights=bundle.weights,
        heads=bundle.heads,
        wording=bundle.wording,
        about={k: v for k, v in bundle.manifest.items() if k not in written} | about,
    )


def _head_names(taxonomy: Taxonomy) -> list[str]:
    return [*(f"{s}.{label}" for s, label in taxonomy.columns), PROBLEM]


def load_bundle(path: Path) -> Bundle:
    """Read a bundle; raises BundleError for whatever is missing, changed or not understood."""
    return build_bundle(read_files(path))


def build_bundle(files: Files) -> Bundle:
    """Return the bundle of ``files``; raises BundleError for what is not understood."""
    try:
        return _build(files.manifest, files.raw)
    except ZuofengError:
        raise
    except Exception as e:  # json, zipfile and numpy raise many kinds by the damage
        raise BundleError(
            "ZF-MODEL-BROKEN", f"模型 {files.path.name} 的内容不完整：{e}", "重新训练，或换回上一个模型。"
        ) from e


def _build(manifest: dict[str, Any], raw: Mapping[str, bytes]) -> Bundle:
    taxonomy = parse_taxonomy(raw["taxonomy.toml"], "taxonomy.toml")
    vocabulary = json.loads(raw["vocabulary.json"])
    calibration = json.loads(raw["calibration.json"])
    concepts = json.loads(raw["concepts.json"])
    a: dict[str, Any] = arrays_of(raw["weights.npz"])
    if wrong := faults(manifest, vocabulary, concepts, calibration, a):
        raise ValueError("; ".join(wrong))
    spec = manifest["features"]
    features = Features(
        **{name: spec[name] for name in _SPEC} | {"char_n": tuple(spec["char_n"])},
        lexicon=Lexicon.from_dict(concepts) if concepts else None,
        tokens=tuple(vocabulary["tokens"]),
        alphabet=vocabulary["alphabet"],
        word_keys=a["word_keys"],
        char_keys=a["char_keys"],
        idf=a["idf"],
    )
    names = _head_names(taxonomy)
    experts, columns, many = len(a["bias"]), features.columns, len(names)
    gates = experts - 1 + (len(a["gate_bias"]) >= experts)
    dimensions = manifest["encoder"]["dimensions"] if "encoder" in manifest else 0
    shapes = {
        "coef": (experts, columns, many), "bias": (experts, many), "gate": (columns, gates),
        "gate_bias": (gates,), "sentence_coef": (experts, columns, many), "sentence_bias": (experts, many),
        "exponent": (experts, columns), "sentence_exponent": (experts, columns), "gate_exponent": (columns,),
        "dense_coef": (experts, dimensions, many), "dense_gate": (dimensions, gates),
    }  # fmt: skip
    a = {**{name: np.zeros(shapes[name], np.float32) for name in _DENSE if 0 in shapes[name]}, **a}
    weights = Weights(**{name: a[name] for name in Weights.__dataclass_fields__})
    if list(calibration) != names or any(getattr(weights, name).shape != shape for name, shape in shapes.items()):
        raise ValueError("heads, weights and taxonomy differ")
    heads = tuple(Head.from_dict(calibration[n]) for n in names)
    said = manifest["wording"]
    wording = Wording(**{**said, "allowed": tuple(said.get("allowed", [1.0] * experts))})
    if len(wording.allowed) != experts:
        raise ValueError("experts and what they allow for strange wording differ")
    return Bundle(manifest["id"], taxonomy, raw["taxonomy.toml"], features, weights, heads, wording, manifest)
