"""NFKC, simplified characters and white space, each step with its offsets.

Characters are normalised one by one, so that every output character knows its input character. The one
thing lost against whole-string NFKC is the joining of combining marks, which Chinese text does not use.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.ndarrays import Bools, Shorts

__all__ = ["code_points", "normalise", "offsets", "replacement", "squeeze"]

_SPACES = re.compile(r"(?<![0-9A-Za-z \n])[ \n]+|[ \n]+(?![0-9A-Za-z \n])")
_RUNS = re.compile(r" {2,}|[ \n]*\n[ \n]*")
_INVISIBLE = {"Cf", "Cc", "Cs", "Co"}


def code_points(text: str) -> npt.NDArray[np.uint32]:
    """Return the characters of ``text`` as numbers, (characters,); lone surrogates as they stand."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


class _Table(dict[int, str]):
    """Code point → replacement, filled on first use (`str.translate` asks for what is missing)."""

    def __init__(self, simplified: dict[str, str]) -> None:
        super().__init__()
        self._simplified = simplified

    def __missing__(self, point: int) -> str:
        char = chr(point)
        if char in "\n\r\v\f\x85\u2028\u2029":
            piece = "\n"
        elif char.isspace() or char in "\t\u3000\u2800\u3164":
            piece = " "
        elif unicodedata.category(char) in _INVISIBLE:
            piece = ""
        else:
            piece = "".join(self._simplified.get(c, c) for c in unicodedata.normalize("NFKC", char))
        self[point] = piece
        return piece


@functools.cache
def _table() -> _Table:
    return _Table(_simplified_characters())


def _simplified_characters() -> dict[str, str]:
    """OpenCC's traditional → simplified characters, first choice each.

    Its phrase table is left aside: it matters for a handful of words (乾隆) and would cost the offsets.
    """
    import opencc

    path = Path(opencc.__file__).parent / "dictionary" / "TSCharacters.txt"
    pairs = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if "\t" in line)
    return {old: new.split(" ")[0] for old, new in pairs}


def replacement(point: int) -> str:
    """Return what becomes of one code point, white space still as blank or new line."""
    return _table()[point]


def normalise(text: str) -> str:
    """Return ``text`` in NFKC, simplified, without invisible characters.

    White space stays only between two ASCII letters or digits, as one space: between 汉字 it means nothing.
    """
    return squeeze(text.translate(_table()))


def squeeze(text: str) -> str:
    """Return ``text``, white space as blanks and new lines, with only that of it which `normalise` leaves."""
    if " " not in text and "\n" not in text:
        return text
    return _RUNS.sub(" ", _SPACES.sub("", text))


def offsets(text: str) -> tuple[Shorts, Shorts]:
    """Return where the characters of ``normalise(text)`` come from.

    Two arrays ``start, end`` of shape (len(normalise(text)),): output character ``i`` stems from
    ``text[start[i]:end[i]]``.
    """
    table = _table()
    letters = {table[ord(c)] for c in set(text)}
    if all(len(piece) == 1 for piece in letters) and not letters & {" ", "\n"}:
        source = np.arange(len(text), dtype=np.int32)
        return source, source + 1
    pieces = [table[ord(c)] for c in text]
    lengths = np.fromiter(map(len, pieces), np.int32, len(pieces))
    source = np.repeat(np.arange(len(text), dtype=np.int32), lengths)
    flat = "".join(pieces)
    if " " in flat or "\n" in flat:
        keep = np.ones(len(flat), bool)
        _cut(keep, _SPACES.finditer(flat))
        kept = np.flatnonzero(keep)
        inner = "".join(flat[i] for i in kept)
        keep_runs = np.ones(len(inner), bool)
        _cut(keep_runs, _RUNS.finditer(inner), leave=1)
        source = source[kept[keep_runs]]
    return source, source + 1


def _cut(keep: Bools, matches: Iterable[re.Match[str]], leave: int = 0) -> None:
    for m in matches:
        keep[m.start() + leave : m.end()] = False
