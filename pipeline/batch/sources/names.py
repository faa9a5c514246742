"""Files and sources as they are shown and stored."""

from __future__ import annotations

import os
from pathlib import PurePath

from pipeline.batch.sources.encoding import decode_line
from pipeline.batch.sources.records import mend
from pipeline.errors import ConfigError

__all__ = ["legible", "shown_source"]


def legible(path: str | PurePath) -> str:
    """Return ``path`` as it may be shown and stored; only the path itself opens the file.

    Archives packed on Chinese Windows leave names in GB18030, which no database takes as they are. Each part is read
    by itself: one such name may lie in folders whose names are UTF-8. Bytes that are neither become ``\\xNN``.
    """
    return "/".join(mend(decode_line(os.fsencode(part), "utf-8")[0]) for part in str(path).split("/"))


def shown_source(source: str) -> str:
    """Return what the ledger and the metrics call a source: its path, or its address without any password."""
    if "://" not in source:
        return legible(source)
    from pipeline.batch.tables import Address

    try:
        return Address.parse(source).shown
    except ConfigError:
        return "（地址写得不对）"
