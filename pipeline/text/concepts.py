"""Concepts: one meaning in the many forms people give it, found inside single sentences.

The notation of forms is described in `pipeline.text.forms`.
"""

from __future__ import annotations

import functools
import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import ConfigError
from pipeline.ndarrays import Ints
from pipeline.text.forms import as_cleaned, form_mistake
from pipeline.text.plain import LITTLE, PlainMatcher, index_heads

if TYPE_CHECKING:
    from pipeline.text.matcher import Matcher

__all__ = ["Concept", "Hits", "Lexicon", "load_lexicon", "parse_lexicon"]

_ID = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Concept:
    """A meaning: ``id`` in English, ``name`` for people, ``forms`` in the notation above."""

    id: str
    name: str
    forms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hits:
    """Places in reading order, those of one beginning by form: five arrays (places,).

    ``concept`` and ``form`` number the lexicon's concepts and forms; ``start``/``end`` are in ``sentence``.
    """

    sentence: Ints
    concept: Ints
    form: Ints
    start: Ints
    end: Ints


class Lexicon:
    """Concepts ready to be found. ``sha256`` names the content; ``heads`` maps beginnings to form numbers; ``owner``
    (forms,) is the number of the concept that a form is one of.
    """

    def __init__(self, concepts: Sequence[Concept], heads: Mapping[str, Sequence[int]] | None = None) -> None:
        self.concepts = tuple(concepts)
        self.forms = tuple(form for c in self.concepts for form in c.forms)
        self.owner = np.array([i for i, c in enumerate(self.concepts) for _ in c.forms], np.int64)
        self.heads = heads or index_heads(self.forms)
        self._search = _search(self.forms)
        digest = hashlib.sha256()
        for c in self.concepts:
            digest.update("\x1f".join((c.id, c.name, *c.forms, "\x1e")).encode())
        self.sha256 = digest.hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that from_dict reads without indexing anew."""
        return {
            "concepts": [{"id": c.id, "name": c.name, "forms": list(c.forms)} for c in self.concepts],
            "heads": {k: list(v) for k, v in self.heads.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Lexicon:
        """Rebuild what to_dict returned."""
        return cls([Concept(c["id"], c["name"], tuple(c["forms"])) for c in data["concepts"]], data["heads"])

    def find(self, sentences: Sequence[str], *, every: bool = False) -> Hits:
        """Return the first place of each concept in each sentence, or ``every`` form wherever it begins."""
        matcher = self._search.matcher(self.heads, sum(map(len, sentences)))
        sentence, form, start, end = matcher.find(sentences, None if every else self.owner).T
        return Hits(sentence, self.owner[form], form, start, end)

    def find_in(self, points: npt.NDArray[np.uint32], start: Ints, end: Ints) -> Hits:
        """Return what `find` does for the sentences ``points[start:end]``."""
        sentence, form, first, last = self._search.swift.find_in(points, start, end, self.owner).T
        return Hits(sentence, self.owner[form], form, first, last)

    def compile(self) -> None:
        """Do now what `find_in` would do at its first call."""
        self._search.swift  # noqa: B018  kept


class _Search:
    """What finds some forms; models compared with each other have the same ones, and making it takes a second."""

    def __init__(self, forms: tuple[str, ...]) -> None:
        self._forms = forms
        self._searched = 0
        self._plain: PlainMatcher | None = None

    @functools.cached_property
    def swift(self) -> Matcher:
        # Imported here: numba takes longer than all the rest of a short run.
        from pipeline.text.matcher import Matcher

        return Matcher(self._forms)

    def matcher(self, heads: Mapping[str, Sequence[int]], size: int) -> PlainMatcher | Matcher:
        """Return the one to look through ``size`` more characters."""
        self._searched += size
        if self._searched > LITTLE or "swift" in self.__dict__:
            return self.swift
        self._plain = self._plain or PlainMatcher(self._forms, heads)
        return self._plain


_search = functools.lru_cache(maxsize=4)(_Search)


def load_lexicon(path: Path) -> Lexicon:
    """Read ``[[concept]]`` tables; raises ConfigError with every mistake of the file."""
    try:
        raw = path.read_bytes()
    except OSError as e:
        raise ConfigError(
            "ZF-LEXICON-MISSING", f"读不到概念词典 {path}（{e.strerror}）", "检查 corpora/concepts.toml。"
        ) from e
    return parse_lexicon(raw, str(path))


def parse_lexicon(raw: bytes, name: str) -> Lexicon:
    """Turn the bytes of a lexicon file into a Lexicon; ``name`` is used in errors."""
    try:
        data = tomllib.loads(raw.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as e:
        raise ConfigError("ZF-LEXICON-SYNTAX", f"概念词典 {name} 不是合格的 TOML：{e}", "按提示的行列改正。") from e
    concepts: list[Concept] = []
    wrong: list[str] = []
    seen: set[str] = set()
    for number, table in enumerate(data.get("concept", []), 1):
        concept, mistakes = _concept(table)
        where = f"第 {number} 个概念{f' {concept.id}' if concept.id else ''}"
        wrong += [f"{where} -> {m}" for m in mistakes]
        if concept.id in seen:
            wrong.append(f"{where} -> 编号重复")
        seen.add(concept.id)
        concepts.append(concept)
    if not concepts:
        wrong.append("concept -> 一个概念也没有")
    if wrong:
        raise ConfigError("ZF-LEXICON-INVALID", f"概念词典 {name} 有 {len(wrong)} 处错误", "逐条改正。", wrong)
    return Lexicon(concepts)


def _concept(table: Any) -> tuple[Concept, list[str]]:
    if not isinstance(table, Mapping):
        return Concept("", "", ()), ["应为表"]
    wrong = [f"不认识的项 {key}" for key in table if key not in ("id", "name", "forms")]
    key, name, forms = table.get("id"), table.get("name"), table.get("forms")
    if not isinstance(key, str) or not _ID.fullmatch(key):
        wrong.append("id 应为小写字母、数字、下划线")
        key = ""
    if not isinstance(name, str) or not name.strip():
        wrong.append("name 应为非空文字")
        name = ""
    if not isinstance(forms, list) or not forms or not all(isinstance(f, str) for f in forms):
        wrong.append("forms 应为文字的列表，至少一条")
        forms = []
    forms = [as_cleaned(f) for f in forms]
    wrong += [f"写法 {form} 出现两次" for form in sorted({f for f in forms if forms.count(f) > 1})]
    wrong += [f"写法 {form}：{m}" for form in forms if (m := form_mistake(form))]
    return Concept(key, name, tuple(forms)), wrong
