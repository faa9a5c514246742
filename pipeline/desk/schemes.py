"""The label schemes as pages need them: names, keys, what a person chose checked against them."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from pipeline.settings import load_settings
from pipeline.taxonomy import Taxonomy, load_taxonomy

__all__ = ["by_scheme", "decided_ids", "flat", "keys", "label_names", "taxonomy"]

#: Keys for the labels of the first two schemes; letters that are commands of the page stay free.
_KEYS = ("1234567890", "qwertyuiopasd")


def taxonomy() -> Taxonomy:
    """Return the schemes of the home this desk serves."""
    return _load(str(settings.ZUOFENG_HOME))


@functools.lru_cache(maxsize=4)
def _load(home: str) -> Taxonomy:
    return load_taxonomy(load_settings(Path(home) if home else None).taxonomy_file)


def label_names() -> dict[str, str]:
    """Return label id → name, in taxonomy order."""
    return {label.id: label.name for scheme in taxonomy().schemes for label in scheme.labels}


def keys() -> dict[str, str]:
    """Return label id → the key that toggles it; labels beyond the keys have none."""
    return {
        label: key
        for scheme, row in zip(taxonomy().schemes, _KEYS, strict=False)
        for label, key in zip(scheme.label_ids, row, strict=False)
    }


def by_scheme(labels: Iterable[str]) -> dict[str, list[str]]:
    """Sort label ids into their schemes, in taxonomy order; unknown ids are a KeyError."""
    chosen = set(labels)
    found = {s.id: [i for i in s.label_ids if i in chosen] for s in taxonomy().schemes}
    unknown = chosen - {i for ids in found.values() for i in ids}
    if unknown:
        raise KeyError(sorted(unknown)[0])
    return found


def flat(labels: Mapping[str, Iterable[str]]) -> list[str]:
    """Return all label ids of a stored ``{scheme: [ids]}``."""
    return [i for ids in labels.values() for i in ids]


def decided_ids(decided: Mapping[str, Iterable[Mapping[str, Any]]]) -> list[str]:
    """Return all label ids of what a model decided, stored as ``{scheme: [{"id", "score"}]}``."""
    return [label["id"] for labels in decided.values() for label in labels]
