"""Concepts: one meaning in the many forms people give it, found inside single sentences.

A form is written as it is said, with a little notation::

    (甲|乙)   one of several          [甲乙]   one of these characters
    甲?       with or without          .{0,4}   up to four characters, whatever they are
    ~         up to six characters of the same clause
    #         a number: 3, 三, 十几, 好几, 多

Nothing repeats without bound, so a form matches in time linear in its own length.
"""

from __future__ import annotations

import functools
import hashlib
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pipeline.errors import ConfigError

__all__ = ["Concept", "Hit", "Lexicon", "load_lexicon", "parse_lexicon"]

_NUMERALS = "0123456789零一二三四五六七八九十百千万几两多半数好"
_NUMBER = f"[{_NUMERALS}]{{1,6}}"
_SAME_CLAUSE = "[^，。！？；]{0,6}"
_ID = re.compile(r"[a-z][a-z0-9_]*")
_REPEAT = re.compile(r"\{(\d),(\d{1,2})\}|\?")
_SPECIAL = frozenset("()[]{}?~#|.\\*+^$")
_Match = Callable[[str, int], re.Match[str] | None]
#: Forms are looked up by their first two characters.
_HEAD = 2


@dataclass(frozen=True, slots=True)
class Concept:
    """A meaning: ``id`` in English, ``name`` for people, ``forms`` in the notation above."""

    id: str
    name: str
    forms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """``concept`` and ``form`` number the lexicon's concepts and forms; ``start``/``end`` are in ``sentence``."""

    sentence: int
    concept: int
    form: int
    start: int
    end: int


class Lexicon:
    """Concepts ready to be found. ``sha256`` names the content; ``heads`` maps beginnings to form numbers."""

    def __init__(self, concepts: Sequence[Concept], heads: Mapping[str, Sequence[int]] | None = None) -> None:
        self.concepts = tuple(concepts)
        self.forms = tuple(form for c in self.concepts for form in c.forms)
        self.owner = tuple(i for i, c in enumerate(self.concepts) for _ in c.forms)
        self.heads = {k: tuple(v) for k, v in (heads or self._index()).items()}
        # Forms by their first two characters, those known by one character among them; compiled when first met.
        self._single = {k: v for k, v in self.heads.items() if len(k) < _HEAD}
        self._double = {k: v + self._single.get(k[0], ()) for k, v in self.heads.items() if len(k) == _HEAD}
        self._match: list[_Match | None] = [None] * len(self.forms)
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

    def _index(self) -> dict[str, list[int]]:
        heads: dict[str, list[int]] = {}
        for number, form in enumerate(self.forms):
            for head in sorted(_parse(form).heads()):
                heads.setdefault(head.rstrip(_OPEN), []).append(number)
        return heads

    def find(self, sentences: Sequence[str]) -> list[Hit]:
        """Return the first place of each concept in each sentence, in reading order."""
        return list(self._hits(sentences, every=False))

    def find_all(self, sentences: Sequence[str]) -> list[Hit]:
        """Return every form wherever it begins."""
        return list(self._hits(sentences, every=True))

    def _hits(self, sentences: Sequence[str], *, every: bool) -> Iterator[Hit]:
        double, single, owner, match = self._double, self._single, self.owner, self._match
        for row, text in enumerate(sentences):
            seen: set[int] = set()
            for at, first in enumerate(text):
                for number in double.get(text[at : at + _HEAD]) or single.get(first, ()):
                    concept = owner[number]
                    if concept in seen:
                        continue
                    if found := (match[number] or self._compile(number))(text, at):
                        yield Hit(row, concept, number, at, found.end())
                        if not every:
                            seen.add(concept)

    def _compile(self, number: int) -> _Match:
        match = re.compile(_parse(self.forms[number]).regex()).match
        self._match[number] = match
        return match


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
        data = tomllib.loads(raw.decode("utf-8"))
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
    wrong += [f"写法 {form} 出现两次" for form in sorted({f for f in forms if forms.count(f) > 1})]
    for form in forms:
        try:
            heads = _parse(form).heads()
        except ValueError as e:
            wrong.append(f"写法 {form}：{e}")
            continue
        if any(not head.rstrip(_OPEN) for head in heads):
            wrong.append(f"写法 {form}：要以确定的文字或数字开头")
    return Concept(key, name, tuple(forms)), wrong


# Ends a head after which anything may stand.
_OPEN = "\0"


class _Part(Protocol):
    """A piece of a form."""

    def regex(self) -> str:
        """Return it as a regular expression."""
        ...

    def heads(self) -> set[str]:
        """Return the beginnings, up to two characters each; shorter ones are complete unless they end in _OPEN."""
        ...


@dataclass(frozen=True)
class _OneOf(_Part):
    characters: str

    def regex(self) -> str:
        return re.escape(self.characters) if len(self.characters) == 1 else f"[{re.escape(self.characters)}]"

    def heads(self) -> set[str]:
        return set(self.characters)


class _Number(_Part):
    def regex(self) -> str:
        return _NUMBER

    def heads(self) -> set[str]:
        return {n + _OPEN for n in _NUMERALS}


@dataclass(frozen=True)
class _Gap(_Part):
    pattern: str

    def regex(self) -> str:
        return self.pattern

    def heads(self) -> set[str]:
        return {_OPEN}


@dataclass(frozen=True)
class _Choice(_Part):
    branches: tuple[_Part, ...]

    def regex(self) -> str:
        return f"(?:{'|'.join(b.regex() for b in self.branches)})"

    def heads(self) -> set[str]:
        return {h for b in self.branches for h in b.heads()}


@dataclass(frozen=True)
class _Repeat(_Part):
    part: _Part
    least: int
    most: int

    def regex(self) -> str:
        return f"(?:{self.part.regex()}){{{self.least},{self.most}}}"

    def heads(self) -> set[str]:
        once = _Sequence((self.part,) * min(self.most, _HEAD)).heads() | self.part.heads()
        return once if self.least else once | {""}


@dataclass(frozen=True)
class _Sequence(_Part):
    parts: tuple[_Part, ...]

    def regex(self) -> str:
        return "".join(p.regex() for p in self.parts)

    def heads(self) -> set[str]:
        done: set[str] = set()
        growing = {""}
        for part in self.parts:
            longer = {(h + more)[: _HEAD + 1] for h in growing for more in part.heads()}
            longer = {h if _OPEN in h[:_HEAD] else h[:_HEAD] for h in longer}
            done |= {h for h in longer if h.endswith(_OPEN) or len(h) == _HEAD}
            growing = longer - done
            if not growing:
                return done
        return done | growing


@functools.cache
def _parse(form: str) -> _Sequence:
    """Parse the notation; raises ValueError saying what is wrong."""
    parts, end = _parse_sequence(form, 0)
    if end < len(form):
        raise ValueError(f"第 {end + 1} 个字 {form[end]} 多余")
    return parts


def _parse_sequence(form: str, at: int) -> tuple[_Sequence, int]:
    parts: list[_Part] = []
    while at < len(form) and form[at] not in "|)":
        part, at = _parse_one(form, at)
        repeat = _REPEAT.match(form, at)
        if repeat:
            least, most = (int(repeat[1]), int(repeat[2])) if repeat[1] else (0, 1)
            if least > most:
                raise ValueError(f"{repeat[0]} 应前小后大")
            part = _Gap("." + repeat[0]) if part == _Gap(".") else _Repeat(part, least, most)
            at = repeat.end()
        elif part == _Gap("."):
            raise ValueError(". 之后要写 {最少,最多}")
        parts.append(part)
    return _Sequence(tuple(parts)), at


def _parse_one(form: str, at: int) -> tuple[_Part, int]:
    mark = form[at]
    if mark == "(":
        branches = []
        while True:
            branch, at = _parse_sequence(form, at + 1)
            branches.append(branch)
            if at >= len(form):
                raise ValueError("括号没有合上")
            if form[at] == ")":
                return _Choice(tuple(branches)), at + 1
    if mark == "[":
        end = form.find("]", at)
        if end < at + 2 or set(form[at + 1 : end]) & _SPECIAL:
            raise ValueError("方括号里应为一个或多个普通的字")
        return _OneOf(form[at + 1 : end]), end + 1
    if mark == "\\" and at + 1 < len(form) and form[at + 1] in _SPECIAL:
        return _OneOf(form[at + 1]), at + 2
    if mark in "~#.":
        return {"~": _Gap(_SAME_CLAUSE), "#": _Number(), ".": _Gap(".")}[mark], at + 1
    if mark in _SPECIAL:
        raise ValueError(f"第 {at + 1} 个字 {mark} 不认识")
    return _OneOf(mark), at + 1
