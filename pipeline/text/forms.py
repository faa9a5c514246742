"""The notation of forms: how one thing is said in many ways, parsed, checked, and written out for a matcher.

A form is written as it is said, with a little notation::

    (甲|乙)   one of several          [甲乙]   one of these characters
    甲?       with or without          .{0,4}   up to four characters, whatever they are
    ~         up to six characters of the same clause
    #         a number: 3, 三, 十几, 好几, 多

Nothing repeats without bound, so a form matches in time linear in its own length.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Set
from dataclasses import dataclass
from typing import Protocol

from pipeline.text.normalise import replacement, squeeze

__all__ = [
    "CLAUSE_ENDS",
    "HEAD",
    "NUMERALS",
    "OPEN",
    "Part",
    "as_cleaned",
    "form_heads",
    "form_mistake",
    "form_tokens",
    "may_fit",
    "parse_form",
]

NUMERALS = "0123456789零一二三四五六七八九十百千万几两多半数好"
CLAUSE_ENDS = "，。！？；,!?;"
_NUMBER = f"[{NUMERALS}]{{1,6}}"
_SAME_CLAUSE = f"[^{CLAUSE_ENDS}]{{0,6}}"
_REPEAT = re.compile(r"\{(\d),(\d{1,2})\}|\?")
_SPECIAL = frozenset("()[]{}?~#|.\\*+^$")
_TOKEN = re.compile(r"\\.|\[[^\]]+\]|\.\{\d,\d{1,2}\}|\.\?|\{\d,\d{1,2}\}|.", re.DOTALL)
_NESTED = re.compile(r"\([^)]*\(")
_NEEDED = re.compile(r"\(([^)]*)\)(?!\?|\{0)")
#: Forms are looked up by their first two characters.
HEAD = 2
#: Ends a head after which anything may stand.
OPEN = "\0"


class Part(Protocol):
    """A piece of a form."""

    def regex(self) -> str:
        """Return it as a regular expression."""
        ...

    def heads(self) -> set[str]:
        """Return the beginnings, up to two characters each; shorter ones are complete unless they end in OPEN."""
        ...

    def fits(self, characters: Set[str]) -> bool:
        """Return False if no text of these characters can match; True says nothing."""
        ...


@dataclass(frozen=True)
class _OneOf(Part):
    characters: str

    def regex(self) -> str:
        return re.escape(self.characters) if len(self.characters) == 1 else f"[{re.escape(self.characters)}]"

    def heads(self) -> set[str]:
        return set(self.characters)

    def fits(self, characters: Set[str]) -> bool:
        return not characters.isdisjoint(self.characters)


class _Number(Part):
    def regex(self) -> str:
        return _NUMBER

    def heads(self) -> set[str]:
        return {n + OPEN for n in NUMERALS}

    def fits(self, characters: Set[str]) -> bool:
        return not characters.isdisjoint(NUMERALS)


@dataclass(frozen=True)
class _Gap(Part):
    pattern: str

    def regex(self) -> str:
        return self.pattern

    def heads(self) -> set[str]:
        return {OPEN}

    def fits(self, characters: Set[str]) -> bool:
        return True


@dataclass(frozen=True)
class _Choice(Part):
    branches: tuple[Part, ...]

    def regex(self) -> str:
        return f"(?:{'|'.join(b.regex() for b in self.branches)})"

    def heads(self) -> set[str]:
        return {h for b in self.branches for h in b.heads()}

    def fits(self, characters: Set[str]) -> bool:
        return any(b.fits(characters) for b in self.branches)


@dataclass(frozen=True)
class _Repeat(Part):
    part: Part
    least: int
    most: int

    def regex(self) -> str:
        return f"(?:{self.part.regex()}){{{self.least},{self.most}}}"

    def heads(self) -> set[str]:
        once = _Sequence((self.part,) * min(self.most, HEAD)).heads() | self.part.heads()
        return once if self.least else once | {""}

    def fits(self, characters: Set[str]) -> bool:
        return not self.least or self.part.fits(characters)


@dataclass(frozen=True)
class _Sequence(Part):
    parts: tuple[Part, ...]

    def regex(self) -> str:
        return "".join(p.regex() for p in self.parts)

    def heads(self) -> set[str]:
        done: set[str] = set()
        growing = {""}
        for part in self.parts:
            longer = part.heads()
            if growing != {""}:
                longer = {(h + more)[: HEAD + 1] for h in growing for more in longer}
                longer = {h if OPEN in h[:HEAD] else h[:HEAD] for h in longer}
            done |= {h for h in longer if h.endswith(OPEN) or len(h) == HEAD}
            growing = longer - done
            if not growing:
                return done
        return done | growing

    def fits(self, characters: Set[str]) -> bool:
        return all(p.fits(characters) for p in self.parts)


def as_cleaned(form: str) -> str:
    """Return ``form`` with its characters as cleaned text has them: a full-width comma is found as an ASCII one, an
    ellipsis as its dots, and blanks are only looked for where they stay.
    """
    pieces = ((c, replacement(ord(c))) for c in form)
    # What was no mark as it was written is none afterwards.
    return squeeze("".join(new if new == given else _plainly(new) for given, new in pieces))


def _plainly(text: str) -> str:
    return "".join(f"\\{c}" if c in _SPECIAL else c for c in text)


@functools.cache
def parse_form(form: str) -> _Sequence:
    """Parse the notation; raises ValueError saying what is wrong."""
    parts, end = _parse_sequence(form, 0)
    if end < len(form):
        raise ValueError(f"第 {end + 1} 个字 {form[end]} 多余")
    return parts


@functools.cache
def form_heads(form: str) -> frozenset[str]:
    """Return the beginnings of a form, as `Part.heads` does; raises as `parse_form` does."""
    return frozenset(parse_form(form).heads())


def may_fit(form: str, characters: Set[str]) -> bool:
    """Return False if no text of these ``characters`` can match, found out of most forms without parsing them."""
    if _NESTED.search(form):
        return True
    return all(
        any(characters >= set(branch) or not _SPECIAL.isdisjoint(branch) for branch in group.split("|"))
        for group in _NEEDED.findall(form)
    )


def form_mistake(form: str) -> str:
    """Return why ``form`` cannot be searched for, "" when it can: it has to begin with characters that are known."""
    try:
        heads = form_heads(form)
    except ValueError as e:
        return str(e)
    return "要以确定的文字或数字开头" if any(not head.rstrip(OPEN) for head in heads) else ""


def _parse_sequence(form: str, at: int) -> tuple[_Sequence, int]:
    parts: list[Part] = []
    while at < len(form) and form[at] not in "|)":
        part, at = _parse_one(form, at)
        repeat = _REPEAT.match(form, at)
        if repeat:
            least, most = (int(repeat[1]), int(repeat[2])) if repeat[1] else (0, 1)
            if least > most:
                raise ValueError(f"{repeat[0]} 应前小后大")
            # Whether nothing, said twice, counts as once or twice would decide where a form ends.
            if most > 1 and part != _Gap(".") and any(not h.rstrip(OPEN) for h in part.heads()):
                raise ValueError(f"{repeat[0]} 之前的部分不能为空")
            part = _Gap("." + repeat[0]) if part == _Gap(".") else _Repeat(part, least, most)
            at = repeat.end()
        elif part == _Gap("."):
            raise ValueError(". 之后要写 {最少,最多}")
        parts.append(part)
    return _Sequence(tuple(parts)), at


def _parse_one(form: str, at: int) -> tuple[Part, int]:
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


def form_tokens(form: str) -> list[str]:
    """Return a valid form as characters (with a backslash where they are marks), ``(|)?``, ``~`` and ``.{0,4}``.

    Characters in square brackets and numerals become a group, repetitions and numbers are written out.
    """
    tokens = _TOKEN.findall(form)
    if not any(t[0] in "[{#" for t in tokens):
        return tokens
    out: list[str] = []
    for written in tokens:
        if written[0] == "[" and len(written) > 1:
            out += ["(", *"|".join(written[1:-1]), ")"]
        elif written == "#":
            out += _NUMBER_TOKENS
        elif written[0] == "{":
            out = _repeated(out, *map(int, written[1:-1].split(",")))
        else:
            out.append(written)
    return out


def _repeated(tokens: list[str], least: int, most: int) -> list[str]:
    """Write out ``{least,most}`` of the last token or group."""
    at = len(tokens) - 1
    depth = 0
    while (depth := depth + (tokens[at] == ")") - (tokens[at] == "(")) and at:
        at -= 1
    part = tokens[at:]
    more = most - least
    return tokens[:at] + part * least + ["(", *part] * more + [")", "?"] * more


_NUMBER_TOKENS = ("(", *_repeated(["(", *"|".join(NUMERALS), ")"], 1, 6), ")")
