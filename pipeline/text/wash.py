"""The first door for whole batches: `clean` over code points, the same characters and offsets, no strings between."""

from __future__ import annotations

import functools
import re
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.ndarrays import Bools, Flags, Ints, Points, Shorts
from pipeline.text.compiled import compiled, index, wide
from pipeline.text.mask import BEFORE, BEHIND, NUMERALS, mask, search
from pipeline.text.normalise import code_points, replacement

__all__ = ["Washed", "wash"]

# What a code point becomes: another, with what must be known of it, nothing, not yet looked up, or (below) a piece of
# several. Nothing looks like white space: what stands before it counts behind it too.
_POINT, _WORD, _BLANK = (1 << 21) - 1, 1 << 21, 1 << 22
_NOTHING, _UNKNOWN, _PIECES = -(1 << 31) + _BLANK, -2, -3
_NO_ROOM = -1
_ALNUM, _NUMBER, _PLATE, _LETTER, _AT, _JOINT, _SIGN = 1, 2, 4, 8, 16, 32, 64
#: What a plate's last sign may be besides letters and digits.
_LAST = tuple(map(ord, "挂学警港澳"))


@dataclass(frozen=True, slots=True)
class Washed:
    """Clean texts end to end.

    Text i is ``points[first[i]:first[i + 1]]``; its characters come from places ``source`` of the given one.
    ``masked`` (texts,) says in which personal data were starred out.
    """

    points: Points
    source: Shorts
    first: Ints
    masked: Bools


def wash(texts: Sequence[str]) -> Washed:
    """Normalise and mask ``texts``."""
    points = code_points("".join(texts))
    given = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)), out=given[1:])
    table = _table()
    room = len(points) + 16
    while True:
        out = np.empty(room, np.uint32)
        source = np.empty(room, np.int32)
        first = np.zeros(len(given), np.int64)
        suspect = np.zeros(len(texts), np.bool_)
        n = _wash(points, given, table.becomes, table.pieces, table.begin, table.sorts, out, source, first, suspect)
        if n >= 0:
            break
        if n == _UNKNOWN:
            table.learn(points)
        else:
            room *= 2
    masked = np.zeros(len(texts), np.bool_)
    for row in np.flatnonzero(suspect).tolist():
        for a, b in _windows(out, int(first[row]), int(first[row + 1]), table.sorts).tolist():
            span = out[a:b]
            text = span.tobytes().decode("utf-32-le")
            if found := search(text):
                span[:] = code_points(mask(text, found))
                masked[row] = True
    return Washed(out[:n], source[:n], first, masked)


class _Table:
    """What each code point becomes, looked up when it is first met."""

    def __init__(self) -> None:
        self.becomes = np.full(sys.maxunicode + 1, _UNKNOWN, np.int32)
        self.pieces = np.zeros(0, np.uint32)
        self.begin = np.zeros(1, np.int64)
        self.sorts = np.zeros(sys.maxunicode + 1, np.uint8)
        # Decimal digits of all scripts; to ask for the category of a million characters takes ten times as long.
        everything = np.arange(sys.maxunicode + 1, dtype=np.uint32).tobytes().decode("utf-32-le", "surrogatepass")
        numbers = [m.start() for m in re.finditer(r"\d", everything)]
        for characters, sort in (
            ("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", _ALNUM),
            ("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjklmnpqrstuvwxyz0123456789", _PLATE),
            ("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjklmnpqrstuvwxyz", _LETTER),
            ("@", _AT),
            ("·. •・‧-", _JOINT),
            ("- ‐–—―−.·•・\ufe0f\u20e3", _SIGN),
            (NUMERALS, _NUMBER),
        ):
            self.sorts[[ord(c) for c in characters]] |= sort
        self.sorts[numbers] |= _NUMBER
        self._lock = threading.Lock()

    def learn(self, points: Points) -> None:
        """Look up what is not known yet of ``points``."""
        with self._lock:
            for point in np.unique(points[self.becomes[points] == _UNKNOWN]).tolist():
                piece = replacement(point)
                if len(piece) == 1:
                    what = ord(piece)
                    word = int(self.sorts[what]) & _ALNUM
                    self.becomes[point] = what | _WORD * word | _BLANK * (what in (32, 10))
                elif not piece:
                    self.becomes[point] = _NOTHING
                else:
                    # The piece first: another thread may read while this one writes.
                    number = len(self.begin) - 1
                    self.pieces = np.append(self.pieces, code_points(piece))
                    self.begin = np.append(self.begin, len(self.pieces))
                    self.becomes[point] = _PIECES - number


@functools.cache
def _table() -> _Table:
    return _Table()


@compiled
def _wash(
    points: Points,
    given: Ints,
    becomes: Shorts,
    pieces: Points,
    begin: Ints,
    sorts: Flags,
    out: Points,
    source: Shorts,
    first: Ints,
    suspect: Bools,
) -> int:
    """Fill ``out``, ``source``, ``first`` and ``suspect``; return how many characters, _UNKNOWN or _NO_ROOM."""
    n = 0
    for row in range(len(given) - 1):
        if n + given[row + 1] - given[row] > len(out):
            return _NO_ROOM
        # Nearly always each character becomes one or none: no branches, then.
        at = index(n)
        glue = blanks = odd = 0
        for i in range(given[row], given[row + 1]):
            to = becomes[index(points[index(i)])]
            out[at] = to & _POINT
            source[at] = i - given[row]
            # White space never stays but behind a letter or digit.
            stays = (to >= 0) & ((to & _BLANK == 0) | glue)
            at += index(stays)
            blanks |= to & _BLANK & -stays
            glue = (to & _WORD > 0) | (glue & (to & _BLANK > 0))
            odd |= (to < 0) & (to != _NOTHING)
        spaces = blanks > 0
        if not odd:
            n = wide(at)
        for i in range(given[row], given[row + 1] if odd else given[row]):
            to = wide(becomes[points[i]])
            if to >= 0:
                if n == len(out):
                    return _NO_ROOM
                out[n] = to & _POINT
                source[n] = i - given[row]
                n += 1
                spaces |= to & _BLANK > 0
            elif to == _UNKNOWN:
                return _UNKNOWN
            elif to != _NOTHING:
                piece = _PIECES - to
                # Read in another thread's middle of learning.
                if piece + 1 >= len(begin):
                    return _UNKNOWN
                if n + begin[piece + 1] - begin[piece] > len(out):
                    return _NO_ROOM
                for k in range(begin[piece], begin[piece + 1]):
                    out[n] = pieces[k]
                    source[n] = i - given[row]
                    n += 1
                    spaces |= pieces[k] in (32, 10)
        if spaces:
            n = _squeeze(out, source, first[row], n, sorts)
        first[row + 1] = n
        suspect[row] = _is_suspect(out, first[row], n, sorts)
    return n


@compiled
def _squeeze(out: Points, source: Shorts, begin: int, end: int, sorts: Flags) -> int:
    """Take out white space but one between two letters or digits; return the new end."""
    n = begin
    i = begin
    while i < end:
        if out[i] not in (32, 10):
            out[n] = out[i]
            source[n] = source[i]
            n += 1
            i += 1
            continue
        j = i
        many = 0
        while j < end and out[j] in (32, 10):
            many += out[j] == 32 and many == j - i
            j += 1
        if i > begin and j < end and sorts[out[i - 1]] & _ALNUM and sorts[out[j]] & _ALNUM:
            # As the expressions read it: two blanks or more before a new line are one of their own.
            line = source[i + many] if many > 1 and i + many < j else -1
            source[n] = source[i]
            out[n] = 32
            n += 1
            if line >= 0:
                source[n] = line
                out[n] = 32
                n += 1
        i = j
    return n


@compiled
def _is_suspect(out: Points, begin: int, end: int, sorts: Flags) -> bool:
    """Return whether personal data may be here: an @, a plate, or digits enough for a number of any kind."""
    digits = figures = group = plate = 0
    closed = False
    for i in range(begin, end):
        sort = sorts[out[i]]
        if sort & ~_ALNUM == 0:
            digits = figures = group = plate = 0
            closed = out[i] == 41
            continue
        if sort & _AT:
            return True
        if sort & _NUMBER:
            digits += 1
            figures = figures + 1 if sort & _PLATE else 0
            # The shortest with its area code in front; in brackets that stands apart, within the town it is left out.
            if digits >= 10 or figures >= 7 or (closed and digits >= 7) or (group and figures >= 4):
                return True
        elif sort & _SIGN:
            if figures:
                # What a number within the town begins with; 20 begins years.
                a, b = out[i - figures], out[i - figures + 1]
                group = figures in (3, 4) and a >= 50 and (a > 50 or b > 48)
            figures = 0
        else:
            digits = figures = group = 0
            closed = out[i] == 41
        if sort & _PLATE:
            plate += 1
            if plate >= 18:
                return True
            if plate >= 5 and _is_lettered(out, begin, i - 5, sorts):
                return True
            if plate >= 4 and i + 1 < end and out[i + 1] in _LAST and _is_lettered(out, begin, i - 4, sorts):
                return True
        else:
            plate = 0
    return False


@compiled
def _is_lettered(out: Points, begin: int, at: int, sorts: Flags) -> bool:
    """Return whether a letter stands at this place, or before what joins it there to a plate's number."""
    if at < begin:
        return False
    joined = at > begin and sorts[out[at]] & _JOINT > 0 and sorts[out[at - 1]] & _LETTER > 0
    return sorts[out[at]] & _LETTER > 0 or joined


@compiled
def _windows(out: Points, begin: int, end: int, sorts: Flags) -> Ints:
    """Return all places of a text where personal data can stand, with what decides about them, (windows, 2).

    It stands where letters, digits and signs are in a row; with no such row cut, and enough around, the expressions
    find in a window what they would find in the text.
    """
    found = np.empty(((end - begin) // 4 + 1, 2), np.int64)
    n = 0
    i = begin
    while i < end:
        low = i
        while i < end and _in_row(out[i], sorts):
            i += 1
        # The last sign of a plate may be a 汉字.
        if not _is_suspect(out, low, min(i + 1, end), sorts):
            i = max(i, low + 1)
            continue
        low = max(begin, low - BEFORE)
        while low > begin and _in_row(out[low], sorts):
            low -= 1
        high = min(end, i + BEHIND)
        while high < end and (_in_row(out[high], sorts) or _in_row(out[high - 1], sorts)):
            high += 1
        if n and low <= found[n - 1, 1]:
            n -= 1
            low = found[n, 0]
        found[n, 0], found[n, 1] = low, high
        n += 1
    return found[:n]


@compiled
def _in_row(point: int, sorts: Flags) -> bool:
    return point < 128 or sorts[point] > 0
