"""How much one record or one file may ask for before it is set aside."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on input; every one of them has a Chinese message when it is crossed.

    Parameters
    ----------
    max_text_bytes
        Longest text of one record, in UTF-8 bytes. Longer ones are rejected as ``ZF-REC-TOO-LONG``.
    max_unzipped_bytes, max_ratio
        What a .xlsx or .docx may expand to, in bytes and against its compressed size (``ZF-SRC-BOMB``).
    max_xml_bytes
        The same for the one part of a .docx that has to be held in memory as a tree.
    max_record_lines
        How many physical lines a quoted CSV record may span before its quote counts as never closed.
    """

    max_text_bytes: int = 8 * _MIB
    max_unzipped_bytes: int = 1024 * _MIB
    max_ratio: float = 200.0
    max_xml_bytes: int = 128 * _MIB
    max_record_lines: int = 2000

    @property
    def max_line_bytes(self) -> int:
        r"""Longest raw line worth holding: a text at its limit, escaped as ``\uXXXX``, and the rest."""
        return 4 * self.max_text_bytes
