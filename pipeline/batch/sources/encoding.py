"""Bytes into characters: UTF-8, UTF-16 and GB18030, told apart by what reads as Chinese.

A strict decoder alone cannot tell them apart: damaged UTF-8 is often valid GB18030 (你好 turns into 浣犲ソ),
and short GB18030 words are valid UTF-8 (联通). So a line that does not decode in the file's own encoding is
read both ways and the reading with the larger share of everyday characters wins; when that one is not valid,
the line is faulty and is set aside instead of being scored as nonsense.
"""

from __future__ import annotations

import codecs
from functools import cache
from itertools import islice

__all__ = ["decode_line", "detect"]

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_SAMPLE = 4000
_LEAD = 10  # UTF-16 has its NULs on one side only; this many times more than on the other


@cache
def _everyday() -> frozenset[str]:
    """Punctuation, full-width forms and the 3,755 most used characters of GB 2312."""
    rows = (0xA1, 0xA3, *range(0xB0, 0xD8))
    return frozenset("".join(bytes((r, c)).decode("gb2312", "ignore") for r in rows for c in range(0xA1, 0xFF)))


def _readable(text: str) -> float:
    """Share of everyday characters among those that are not ASCII."""
    sample = list(islice((c for c in text if c > "\x7f"), _SAMPLE))
    return sum(map(_everyday().__contains__, sample)) / len(sample) if sample else 1.0


def _strict(raw: bytes, encoding: str, errors: str = "strict") -> str | None:
    try:
        return raw.decode(encoding, errors)
    except UnicodeDecodeError:
        return None


def detect(head: bytes) -> tuple[str, int]:
    """Return the encoding of a file that begins with ``head``, and the length of its byte order mark."""
    for bom, name in _BOMS:
        if head.startswith(bom):
            return name, len(bom)
    if wide := _utf16(head):
        return wide, 0
    lines = head.split(b"\n")
    # The last line may be cut in the middle of a character, so it speaks only when it is alone.
    marked = [line for line in (lines[:-1] or lines) if not line.isascii()]
    if len(lines) == 1:
        return ("utf-8" if _utf8_so_far(head) else "gb18030"), 0
    # Surrogates encoded as if they were characters are a mistake made in UTF-8.
    utf8 = sum(_strict(line, "utf-8", "surrogatepass") is not None for line in marked)
    return ("utf-8" if 2 * utf8 >= len(marked) else "gb18030"), 0


def _utf8_so_far(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")("surrogatepass").decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _utf16(head: bytes) -> str:
    """Name the UTF-16 flavour without a mark, or return "": its ASCII leaves NULs on one side of pairs."""
    head = head[: len(head) // 2 * 2]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if even + odd < 2 or max(even, odd) < _LEAD * min(even, odd):
        return ""
    name = "utf-16-le" if odd > even else "utf-16-be"
    wide = head.decode(name, "replace")
    plain = head.decode("utf-8" if _utf8_so_far(head) else "gb18030", "replace")
    return name if _clean(wide) > _clean(plain) else ""


def _clean(text: str) -> float:
    """Share of printable ASCII and everyday characters; NULs and replacement marks count against."""
    good = sum(" " <= c <= "~" or c in "\r\n\t" or c in _everyday() for c in text)
    return good / len(text) if text else 0.0


def decode_line(raw: bytes, encoding: str) -> tuple[str, bool]:
    """Decode one line of a file whose encoding is mostly ``encoding``.

    Returns
    -------
    tuple
        The text and whether it can be trusted. Bytes of a line that cannot are shown as ``\\xNN``. Surrogates
        that were encoded as if they were characters come through and are mended with the record.
    """
    if encoding.startswith("utf-16"):
        text = _strict(raw, encoding)
        if text is None:
            text = _strict(raw, encoding, "surrogatepass")
        return (raw.decode(encoding, "replace"), False) if text is None else (text, True)
    utf8 = _strict(raw, "utf-8")
    if utf8 is not None and (encoding == "utf-8" or raw.isascii()):
        return utf8, True
    gb = _strict(raw, "gb18030")
    if utf8 is not None:
        return (utf8 if gb is None or _readable(utf8) > _readable(gb) else gb), True
    if gb is not None and _readable(gb) >= _readable(raw.decode("utf-8", "replace")):
        return gb, True
    passed = _strict(raw, "utf-8", "surrogatepass")
    return (raw.decode("utf-8", "backslashreplace"), False) if passed is None else (passed, True)
